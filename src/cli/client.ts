/** `kvasir cli`: one command from the command line, a pipe of commands, or a prompt. */
import readline from 'node:readline';
import { Writable } from 'node:stream';
import { splitWords } from '../models/redis/settings/config-file.ts';
import { realSystem } from '../os/system.ts';
import { pipeRequests, randomMark, scanKeys } from './client-bulk.ts';
import { ClientConnection, GreetingError } from './client-connection.ts';
import { type ClientOptions, nameOf, type Target, targetOf, UsageError } from './client-options.ts';
import { Prompt, STREAMING } from './client-prompt.ts';
import { csvReply, formatReply, jsonReply, rawReply, type Reply } from './reply.ts';

/** Exit codes: 0 done, 1 failed (a command too), 2 called wrongly. */
const FAILED = 1;
const USAGE = 2;

/** Runs the client; returns the exit code. */
export async function runClient(
  words: readonly string[],
  given: Record<string, unknown>,
): Promise<number> {
  const options = given as unknown as ClientOptions;
  // Whoever read our output has enough (`| head`): that is no failure.
  process.stdout.on('error', () => process.exit(0));
  let target: Target;
  try {
    target = targetOf(options);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return error instanceof UsageError ? USAGE : FAILED;
  }
  if ((options.pass !== undefined || options.uri?.includes('@') === true) && options.authWarning) {
    process.stderr.write(
      "Warning: a password on the command line can be seen by others on this machine (REDISCLI_AUTH and --askpass can't).\n",
    );
  }
  if (options.askpass === true) target.password = await askPassword();
  const print = printer(options);
  let connection: ClientConnection;
  try {
    connection = await ClientConnection.open(target);
  } catch (error) {
    const { message } = error as Error;
    process.stderr.write(
      error instanceof GreetingError
        ? `${message}\n`
        : `Could not connect to ${nameOf(target)}: ${message}\n`,
    );
    return FAILED;
  }
  connection.onPush = print;
  try {
    return await run(connection, words, options, target, print);
  } catch (error) {
    process.stderr.write(`Error: ${(error as Error).message}\n`);
    return FAILED;
  } finally {
    connection.close();
  }
}

async function run(
  connection: ClientConnection,
  words: readonly string[],
  options: ClientOptions,
  target: Target,
  print: Print,
): Promise<number> {
  if (options.pipe === true) {
    const mark = randomMark((count) => realSystem().randomness.bytes(count));
    return pipeRequests(connection, process.stdin, mark);
  }
  if (options.scan === true) {
    return scanKeys(connection, options.pattern, options.count, (key) => {
      const isRoom = process.stdout.write(Buffer.from(`${key}\n`, 'latin1'));
      if (isRoom) return Promise.resolve();
      return new Promise<void>((resolve) => process.stdout.once('drain', resolve));
    });
  }
  // Arguments come as UTF-8 from the shell; a string here is one byte a character.
  const command = words.map((word) => Buffer.from(word).toString('latin1'));
  if (options.X !== undefined) {
    const place = words.indexOf(options.X);
    if (place < 0) throw new Error(`Using -X, but no argument is '${options.X}'`);
    command[place] = (await readAll()).toString('latin1');
  }
  if (options.x === true) command.push((await readAll()).toString('latin1'));
  if (command.length > 0) return runOne(connection, command, options, print);
  if (process.stdin.isTTY) return new Prompt(connection, target, print).run();
  return runPipe(connection, print);
}

type Print = (reply: Reply) => void;

/** With types on a terminal, as bytes into a pipe, unless the options say otherwise. */
function printer(options: ClientOptions): Print {
  const isRaw = options.raw ?? !process.stdout.isTTY;
  const delimiter = unescape(options.delimiter);
  return (reply) => {
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify(jsonReply(reply))}\n`);
    } else if (options.csv === true) {
      process.stdout.write(`${csvReply(reply)}\n`);
    } else if (isRaw) {
      process.stdout.write(Buffer.from(`${rawReply(reply, delimiter)}\n`, 'latin1'));
    } else {
      process.stdout.write(`${formatReply(reply)}\n`);
    }
  };
}

/** `\n`, `\t` and their like, as a shell passes them on. */
function unescape(text: string): string {
  const words = splitWords(`"${text.replaceAll('"', '\\"')}"`);
  return words?.[0] ?? text;
}

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
    if (reply.kind === 'error') code = FAILED;
    else if (STREAMING.test(command[0]!)) await streamEnds(connection);
  }
  return code;
}

/** The server talks until it, or the user, has enough. */
async function streamEnds(connection: ClientConnection): Promise<void> {
  process.once('SIGINT', () => process.exit(0));
  await connection.closed();
  throw connection.failure ?? new Error('Server closed the connection');
}

/** Runs each line of standard input; all are sent at once, the replies come in order. */
async function runPipe(connection: ClientConnection, print: Print): Promise<number> {
  let code = 0;
  const replies: Promise<void>[] = [];
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = splitWords(Buffer.from(line).toString('latin1'));
    if (command === undefined) {
      process.stderr.write('Invalid argument(s)\n');
      code = FAILED;
      continue;
    }
    if (command.length === 0) continue;
    const reply = connection.send(command).then((got) => {
      if (got.kind === 'error') code = FAILED;
      print(got);
    });
    replies.push(reply);
    // A bound on what is under way.
    if (replies.length >= 1000) await Promise.all(replies.splice(0));
  }
  await Promise.all(replies);
  return code;
}

async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A line from the terminal that does not appear there; from a pipe its first line. */
async function askPassword(): Promise<string> {
  process.stderr.write('Please input password: ');
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const isTerminal = process.stdin.isTTY;
  const shell = readline.createInterface({ input: process.stdin, output, terminal: isTerminal });
  const line = await new Promise<string>((resolve) => {
    shell.once('line', resolve);
    shell.once('close', () => resolve(''));
  });
  shell.close();
  process.stderr.write('\n');
  return Buffer.from(line).toString('latin1');
}

/** Waits with the process kept alive. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
