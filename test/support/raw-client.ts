/** A client that hides nothing: what it sends is what it is told, what it got is there to be looked at. */
import net from 'node:net';
import { type Reply, ReplyReader } from '../../src/cli/reply.ts';

export type Where = number | string | net.Socket;

export class RawClient {
  readonly socket: net.Socket;
  /** Everything received, one character a byte. */
  received = '';
  /** Unanswered calls of `call`, first in first out. */
  readonly #waiting: ((reply: Reply) => void)[] = [];
  readonly #reader = new ReplyReader();
  /** The server closed the connection, or it broke. */
  readonly closed: Promise<void>;
  isClosed = false;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.#reader.add(chunk);
      for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
        this.#waiting.shift()?.(reply);
      }
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        resolve();
      });
    });
  }

  /** Connects to a port of 127.0.0.1, a Unix socket's path, or takes a socket that is connected. */
  static async connect(where: Where): Promise<RawClient> {
    if (typeof where === 'object') return new RawClient(where);
    const socket = typeof where === 'number' ? net.connect(where, '127.0.0.1') : net.connect(where);
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** One command and its reply: text, a number, null, an Error, or an array of these. Never settles where none comes. */
  call(...args: readonly string[]): Promise<unknown> {
    return new Promise((resolve) => {
      this.#waiting.push((reply) => resolve(plain(reply)));
      this.send(encode(...args));
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A request as RESP. */
export function encode(...args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((a) => `$${a.length}\r\n${a}\r\n`).join('')}`;
}

function plain(reply: Reply): unknown {
  switch (reply.kind) {
    case 'error':
      return new Error(reply.text.toString('latin1'));
    case 'integer':
      return Number(reply.value);
    case 'boolean':
      return reply.value;
    case 'nil':
      return null;
    case 'array':
    case 'set':
    case 'push':
      return reply.items.map(plain);
    case 'map':
      return Object.fromEntries(reply.pairs.map(([k, v]) => [String(plain(k)), plain(v)]));
    default:
      return reply.text.toString('latin1');
  }
}
