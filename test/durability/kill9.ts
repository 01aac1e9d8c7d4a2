/**
 * One round of what durability means: a server under load is killed with SIGKILL at a random moment and started again. Then every acknowledged write must
 * be there, transactions whole, and nothing that was never written.
 *
 * Each of several clients owns some counters and sets them to 1, 2, 3 ...; it knows the last value that was acknowledged and the last that was sent. Pairs of
 * keys are set by MULTI/EXEC to the same value.
 */
import net from 'node:net';
import { ReplyReader, type Reply } from '../../src/cli/reply.ts';
import { ServerProcess } from '../support/server.ts';

const CLIENTS = 8;
const KEYS = 20;
/** Commands a client sends before it waits for replies. */
const DEPTH = 4;

class Writer {
  /** The last value acknowledged, and the last one sent, by key; of pairs under the first key's name. */
  readonly acknowledged: Map<string, number> = new Map();
  readonly sent: Map<string, number> = new Map();
  readonly #socket: net.Socket;
  readonly #reader = new ReplyReader();
  readonly #waiting: (() => void)[] = [];
  #value: number;
  readonly #id: number;
  replies = 0;

  constructor(id: number, port: number, from: number) {
    this.#id = id;
    this.#value = from;
    this.#socket = net.connect(port, '127.0.0.1', () => {
      for (let i = 0; i < DEPTH; i++) this.#next();
    });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#reader.add(chunk);
      for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
        this.#answered(reply);
      }
    });
    this.#socket.on('error', () => {});
  }

  close(): void {
    this.#socket.destroy();
  }

  #answered(reply: Reply): void {
    if (reply.kind === 'error') throw new Error(reply.text.toString());
    // Of MULTI, SET, SET, EXEC only the array counts.
    if (reply.kind === 'status' && reply.text.toString() === 'QUEUED') return;
    if (reply.kind === 'status' && this.#pendingMulti > 0 && this.#isMultiFirst[0] === true) {
      this.#isMultiFirst[0] = false;
      return;
    }
    this.replies++;
    this.#isMultiFirst.shift();
    if (reply.kind === 'array') this.#pendingMulti--;
    this.#waiting.shift()!();
    this.#next();
  }

  #pendingMulti = 0;
  /** For each command under way: whether it is a transaction whose MULTI has not been answered. */
  readonly #isMultiFirst: boolean[] = [];

  #next(): void {
    const value = ++this.#value;
    const key = `w${this.#id}:${value % KEYS}`;
    const isPair = value % 3 === 0;
    const name = isPair ? `pair:${key}` : key;
    const text = isPair
      ? command('MULTI') +
        command('SET', `${name}:a`, String(value)) +
        command('SET', `${name}:b`, String(value)) +
        command('EXEC')
      : value % 3 === 1
        ? command('SET', name, String(value))
        : command('SET', name, String(value), 'EX', '100000');
    if (isPair) this.#pendingMulti++;
    this.#isMultiFirst.push(isPair);
    this.sent.set(name, value);
    this.#waiting.push(() => this.acknowledged.set(name, value));
    this.#socket.write(text);
  }
}

function command(...args: string[]): string {
  return `*${args.length}\r\n${args.map((a) => `$${a.length}\r\n${a}\r\n`).join('')}`;
}

async function ask(port: number, args: readonly string[]): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const reader = new ReplyReader();
    const socket = net.connect(port, '127.0.0.1', () => socket.write(command(...args)));
    socket.on('data', (chunk: Buffer) => {
      reader.add(chunk);
      const reply = reader.next();
      if (reply === undefined) return;
      socket.destroy();
      resolve(reply);
    });
    socket.on('error', reject);
  });
}

export interface RoundOptions {
  dir: string;
  policy: 'always' | 'everysec' | 'no';
  /** How long the load runs before the kill. */
  ms: number;
  /** Rewrites the log meanwhile. */
  rewrite: boolean;
  /** Values of this round are larger than those of earlier ones. */
  from: number;
}

/** Runs a round; returns how many writes were acknowledged. Throws where one was lost. */
export async function killRound(options: RoundOptions): Promise<number> {
  const args = ['--dir', options.dir, '--appendfsync', options.policy, '--loglevel', 'notice'];
  let server = await ServerProcess.start(args);
  const writers = Array.from(
    { length: CLIENTS },
    (_, i) => new Writer(i, server.port, options.from),
  );
  await new Promise((resolve) => setTimeout(resolve, options.ms / 2));
  if (options.rewrite) await ask(server.port, ['BGREWRITEAOF']);
  await new Promise((resolve) => setTimeout(resolve, options.ms / 2));
  await server.kill('SIGKILL');
  for (const writer of writers) writer.close();

  server = await ServerProcess.start(args);
  let acknowledged = 0;
  for (const writer of writers) {
    acknowledged += writer.replies;
    for (const [name, sent] of writer.sent) {
      const atLeast = writer.acknowledged.get(name);
      const held = name.startsWith('pair:')
        ? await pairValue(server.port, name)
        : await value(server.port, name);
      // A key of an earlier round may be there though nothing of this one was acknowledged.
      if (atLeast !== undefined && !(held >= atLeast)) {
        throw new Error(`${name}: ${atLeast} was acknowledged, ${held} is there`);
      }
      if (held > sent) throw new Error(`${name}: ${held} is there, but ${sent} was the last sent`);
    }
  }
  const code = await server.kill('SIGTERM');
  if (code !== 0) throw new Error(`the restarted server ended with ${code}:\n${server.output}`);
  return acknowledged;
}

async function value(port: number, key: string): Promise<number> {
  const reply = await ask(port, ['GET', key]);
  return reply.kind === 'bulk' ? Number(reply.text.toString()) : 0;
}

async function pairValue(port: number, name: string): Promise<number> {
  const [a, b] = [await value(port, `${name}:a`), await value(port, `${name}:b`)];
  if (a !== b) throw new Error(`${name}: half a transaction is there (${a}, ${b})`);
  return a;
}
