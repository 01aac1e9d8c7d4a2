/** `kvasir cli`: one command from the command line, a pipe of commands, or a prompt. */
import net from 'node:net';
import readline from 'node:readline';
import tls from 'node:tls';
import { splitWords } from '../models/redis/settings/config-file.ts';
import { realSystem } from '../os/system.ts';
import { joinPath, readSmallFile } from '../os/file-system.ts';
import { formatReply, jsonReply, rawReply, type Reply, ReplyReader } from './reply.ts';

interface ClientOptions {
  host: string;
  port: string;
  socket?: string;
  pass?: string;
  user?: string;
  db?: string;
  repeat: string;
  interval: string;
  2?: boolean;
  3?: boolean;
  tls?: boolean;
  cacert?: string;
  cert?: string;
  key?: string;
  insecure?: boolean;
  raw?: boolean;
  json?: boolean;
  x?: boolean;
}

const HISTORY_FILE = '.kvasir_history';
const HISTORY_LIMIT_BYTES = 1024 * 1024;
const HISTORY_LINES = 1000;

/** One connection: replies in the order of requests, what comes unasked to `onPush`. */
class ClientConnection {
  onPush: (reply: Reply) => void = () => {};
  readonly #socket: net.Socket;
  readonly #reader = new ReplyReader();
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  #failure: Error | undefined = undefined;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#reader.add(chunk);
        for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
          const waiting = reply.kind === 'push' ? undefined : this.#waiting.shift();
          if (waiting === undefined) this.onPush(reply);
          else waiting.resolve(reply);
        }
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('Server closed the connection')));
  }

  send(args: readonly (string | Buffer)[]): Promise<Reply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const pieces: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
    for (const arg of args) {
      const bytes = typeof arg === 'string' ? Buffer.from(arg, 'latin1') : arg;
      pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(Buffer.concat(pieces));
    });
  }

  close(): void {
    this.#socket.end();
  }

  /** Settles when the server has closed the connection. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failure !== undefined) resolve();
      else this.#socket.once('close', () => resolve());
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}

/** Runs the client; returns the exit code. */
export async function runClient(
  words: readonly string[],
  given: Record<string, unknown>,
): Promise<number> {
  const options = given as unknown as ClientOptions;
  const print = printer(options);
  let connection: ClientConnection;
  try {
    connection = await connect(options);
  } catch (error) {
    const where = options.socket ?? `${options.host}:${options.port}`;
    process.stderr.write(`Could not connect to ${where}: ${(error as Error).message}\n`);
    return 1;
  }
  connection.onPush = print;
  try {
    // Arguments come as UTF-8 from the shell; a string here is one byte a character.
    const command = words.map((word) => Buffer.from(word).toString('latin1'));
    if (options.x === true) command.push((await readAll()).toString('latin1'));
    if (command.length > 0) return await runOne(connection, command, options, print);
    if (process.stdin.isTTY) return await prompt(connection, options, print);
    return await runPipe(connection, print);
  } catch (error) {
    process.stderr.write(`Error: ${(error as Error).message}\n`);
    return 1;
  } finally {
    connection.close();
  }
}

async function connect(options: ClientOptions): Promise<ClientConnection> {
  const { files } = realSystem();
  const read = (path: string): Buffer =>
    Buffer.from(readSmallFile(files, path, HISTORY_LIMIT_BYTES));
  const where =
    options.socket === undefined
      ? { host: options.host, port: Number(options.port) }
      : { path: options.socket };
  const isTls = options.tls === true;
  const socket = isTls
    ? tls.connect({
        ...where,
        ...(options.cacert === undefined ? {} : { ca: read(options.cacert) }),
        ...(options.cert === undefined ? {} : { cert: read(options.cert) }),
        ...(options.key === undefined ? {} : { key: read(options.key) }),
        rejectUnauthorized: options.insecure !== true,
      })
    : net.connect(where);
  await new Promise<void>((resolve, reject) => {
    socket.once(isTls ? 'secureConnect' : 'connect', resolve);
    socket.once('error', reject);
  });
  const connection = new ClientConnection(socket);
  const password = options.pass ?? process.env['REDISCLI_AUTH'];
  const auth = password === undefined ? [] : ['AUTH', options.user ?? 'default', password];
  if (options[3] === true) await expectOk(connection.send(['HELLO', '3', ...auth]));
  else if (auth.length > 0) await expectOk(connection.send(auth));
  if (options.db !== undefined) await expectOk(connection.send(['SELECT', options.db]));
  return connection;
}

async function expectOk(reply: Promise<Reply>): Promise<void> {
  const got = await reply;
  if (got.kind === 'error') throw new Error(got.text.toString());
}

type Print = (reply: Reply) => void;

/** With types on a terminal, as bytes into a pipe, unless the options say otherwise. */
function printer(options: ClientOptions): Print {
  const isRaw = options.raw ?? !process.stdout.isTTY;
  return (reply) => {
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify(jsonReply(reply))}\n`);
    } else if (isRaw) {
      process.stdout.write(Buffer.from(`${rawReply(reply)}\n`, 'latin1'));
    } else {
      process.stdout.write(`${formatReply(reply)}\n`);
    }
  };
}

/** Commands after which the server goes on talking. */
const STREAMING = /^(subscribe|psubscribe|ssubscribe|monitor)$/i;

async function runOne(
  connection: ClientConnection,
  command: readonly string[],
  options: ClientOptions,
  print: Print,
): Promise<number> {
  let code = 0;
  const count = Number(options.repeat);
  for (let i = 0; count < 0 || i < count; i++) {
    if (i > 0) await pause(Number(options.interval) * 1000);
    const reply = await connection.send(command).catch((error: Error) => {
      // The answer to SHUTDOWN is that there is nobody left to answer.
      if (command[0]!.toLowerCase() === 'shutdown') return undefined;
      throw error;
    });
    if (reply === undefined) return 0;
    print(reply);
    if (reply.kind === 'error') code = 1;
    else if (STREAMING.test(command[0]!)) await connection.closed();
  }
  return code;
}

/** Runs each line of standard input; all are sent at once, the replies come in order. */
async function runPipe(connection: ClientConnection, print: Print): Promise<number> {
  let code = 0;
  const replies: Promise<void>[] = [];
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = splitWords(Buffer.from(line).toString('latin1'));
    if (command === undefined) {
      process.stderr.write('Invalid argument(s)\n');
      code = 1;
      continue;
    }
    if (command.length === 0) continue;
    const reply = connection.send(command).then((got) => {
      if (got.kind === 'error') code = 1;
      print(got);
    });
    replies.push(reply);
    // A bound on what is under way.
    if (replies.length >= 1000) await Promise.all(replies.splice(0));
  }
  await Promise.all(replies);
  return code;
}

async function prompt(
  connection: ClientConnection,
  options: ClientOptions,
  print: Print,
): Promise<number> {
  const names = await commandNames(connection);
  const history = readHistory();
  const shell = readline.createInterface({
    input: process.stdin,
    output: process.stdout,
    history,
    historySize: HISTORY_LINES,
    completer: (line: string): [string[], string] => {
      if (line.includes(' ')) return [[], line];
      const matching = names.filter((name) => name.startsWith(line.toLowerCase()));
      const isUpper = line !== '' && line === line.toUpperCase();
      return [matching.map((name) => (isUpper ? name.toUpperCase() : name)), line];
    },
  });
  let database = options.db ?? '0';
  let isInTransaction = false;
  const where = options.socket ?? `${options.host}:${options.port}`;
  const ask = (): void => {
    shell.setPrompt(
      `${where}${database === '0' ? '' : `[${database}]`}${isInTransaction ? '(TX)' : ''}> `,
    );
    shell.prompt();
  };
  ask();
  for await (const line of shell) {
    const command = splitWords(Buffer.from(line.trim()).toString('latin1'));
    const word = command?.[0]?.toLowerCase();
    if (word === 'quit' || word === 'exit') break;
    if (command === undefined) {
      process.stdout.write('Invalid argument(s)\n');
    } else if (word === 'clear') {
      process.stdout.write('\x1b[H\x1b[2J');
    } else if (word !== undefined) {
      const reply = await connection.send(command);
      print(reply);
      if (reply.kind !== 'error') {
        if (word === 'select') database = command[1] ?? database;
        if (word === 'multi') isInTransaction = true;
        if (word === 'exec' || word === 'discard') isInTransaction = false;
        if (STREAMING.test(word)) await connection.closed();
      }
    }
    ask();
  }
  writeHistory((shell as unknown as { history: string[] }).history);
  shell.close();
  return 0;
}

async function commandNames(connection: ClientConnection): Promise<string[]> {
  const reply = await connection.send(['COMMAND', 'LIST']);
  return reply.kind === 'array' ? reply.items.map(rawReply).sort() : [];
}

function historyPath(): string | undefined {
  const home = process.env['HOME'];
  return home === undefined ? undefined : joinPath(home, HISTORY_FILE);
}

function readHistory(): string[] {
  const { files } = realSystem();
  const path = historyPath();
  if (path === undefined || files.stat(path) === undefined) return [];
  const text = Buffer.from(readSmallFile(files, path, HISTORY_LIMIT_BYTES)).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .toReversed();
}

function writeHistory(history: readonly string[]): void {
  const path = historyPath();
  if (path === undefined) return;
  // Lines with passwords stay out of it.
  const kept = history.filter(
    (line) => !/^\s*(auth|hello|config\s+set\s+requirepass|acl)\b/i.test(line),
  );
  const bytes = Buffer.from(`${kept.slice(0, HISTORY_LINES).toReversed().join('\n')}\n`);
  const file = realSystem().files.open(path, 'replace');
  file.write(bytes, 0, bytes.length, 0);
  file.close();
}

async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Waits with the process kept alive. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
