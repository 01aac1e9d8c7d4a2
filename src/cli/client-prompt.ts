/** The prompt of `kvasir cli`: history, completion, what the server goes on saying, and another connection where one is lost. */
import readline from 'node:readline';
import { splitWords } from '../models/redis/settings/config-file.ts';
import { joinPath, readSmallFile } from '../os/file-system.ts';
import { realSystem } from '../os/system.ts';
import { ClientConnection } from './client-connection.ts';
import { nameOf, type Target } from './client-options.ts';
import { rawReply, type Reply } from './reply.ts';

const HISTORY_FILE = '.kvasir_history';
const HISTORY_LIMIT_BYTES = 1024 * 1024;
const HISTORY_LINES = 1000;
/** Lines that may hold a password stay out of the history. */
const SECRET = /^\s*(\d+\s+)?(auth|hello|migrate|acl|config\s+set\s+\S*(pass|auth))\b/i;

/** Commands after which the server goes on talking. */
export const STREAMING: RegExp = /^(subscribe|psubscribe|ssubscribe|monitor)$/i;

const HELP = `A command and its arguments, in words or in quotes ("a\\x00b", 'as it is').
  help COMMAND          what a command does
  5 INCR counter        a command several times
  connect HOST PORT     another server
  clear, quit
Tab completes names of commands; Ctrl-C ends SUBSCRIBE and MONITOR, and the prompt.
`;

export class Prompt {
  readonly #target: Target;
  readonly #print: (reply: Reply) => void;
  #connection: ClientConnection | undefined;
  #isInTransaction = false;
  /** The server goes on talking until the client goes. */
  #isStreaming = false;
  #names: readonly string[] = [];
  #shell: readline.Interface | undefined = undefined;

  constructor(connection: ClientConnection, target: Target, print: (reply: Reply) => void) {
    this.#connection = connection;
    this.#target = { ...target };
    this.#print = print;
  }

  /** Runs until the user has enough; returns the exit code. */
  async run(): Promise<number> {
    this.#names = await this.#commandNames();
    const shell = readline.createInterface({
      input: process.stdin,
      output: process.stdout,
      history: readHistory(),
      historySize: HISTORY_LINES,
      completer: (line: string) => this.#complete(line),
    });
    this.#shell = shell;
    this.#connection!.onPush = this.#pushed;
    shell.on('SIGINT', () => {
      if (this.#isStreaming) this.#connection?.close();
      else shell.close();
    });
    this.#ask(shell);
    for await (const line of shell) {
      const words = splitWords(Buffer.from(line.trim()).toString('latin1'));
      if (words === undefined) process.stdout.write('Invalid argument(s)\n');
      else if (/^(quit|exit)$/i.test(words[0] ?? '')) break;
      else if (words.length > 0) await this.#take(words);
      this.#ask(shell);
    }
    writeHistory((shell as unknown as { history: string[] }).history);
    shell.close();
    this.#connection?.close();
    return 0;
  }

  #ask(shell: readline.Interface): void {
    const { database } = this.#target;
    const where = this.#connection === undefined ? 'not connected' : nameOf(this.#target);
    const suffix = `${database === '0' ? '' : `[${database}]`}${this.#isInTransaction ? '(TX)' : ''}`;
    shell.setPrompt(`${where}${suffix}> `);
    shell.prompt();
  }

  async #take(words: readonly string[]): Promise<void> {
    const first = words[0]!.toLowerCase();
    const repeat = /^[1-9]\d{0,8}$/.test(first) && words.length > 1 ? Number(first) : 1;
    try {
      if (first === 'clear') process.stdout.write('\x1b[H\x1b[2J');
      else if (first === 'help' || first === '?') await this.#help(words.slice(1));
      else if (first === 'connect' && words.length === 3) await this.#connectTo(words);
      else for (let i = 0; i < repeat; i++) await this.#run(repeat > 1 ? words.slice(1) : words);
    } catch (error) {
      process.stdout.write(`Error: ${(error as Error).message}\n`);
      this.#lose();
    }
  }

  async #run(command: readonly string[]): Promise<void> {
    const connection = await this.#connected();
    const word = command[0]!.toLowerCase();
    let reply: Reply;
    try {
      reply = await connection.send(command);
    } catch (error) {
      // The answer to SHUTDOWN is that there is nobody left to answer.
      if (word !== 'shutdown') throw error;
      this.#lose();
      return;
    }
    this.#print(reply);
    if (reply.kind === 'error') {
      if (/^EXECABORT\b/.test(reply.text.toString())) this.#isInTransaction = false;
      return;
    }
    if (word === 'select') this.#target.database = command[1] ?? '0';
    if (word === 'multi') this.#isInTransaction = true;
    if (word === 'exec' || word === 'discard' || word === 'reset') this.#isInTransaction = false;
    if (word === 'reset') this.#target.database = '0';
    if (word === 'hello' && /^[23]$/.test(command[1] ?? '')) {
      this.#target.resp = command[1] === '3' ? 3 : 2;
    }
    if (word === 'auth') {
      this.#target.password = command.at(-1);
      this.#target.user = command.length > 2 ? command[1] : undefined;
    }
    // In RESP3 messages come between replies, and the prompt goes on.
    if (!STREAMING.test(word) || (this.#target.resp === 3 && word !== 'monitor')) return;
    process.stdout.write('Reading messages... (press Ctrl-C to quit)\n');
    this.#isStreaming = true;
    await connection.closed();
    this.#isStreaming = false;
    this.#lose();
    await this.#connected();
  }

  async #connected(): Promise<ClientConnection> {
    if (this.#connection?.failure !== undefined) this.#lose();
    if (this.#connection === undefined) {
      this.#connection = await ClientConnection.open(this.#target);
      this.#connection.onPush = this.#pushed;
    }
    return this.#connection;
  }

  /** What comes unasked takes the prompt's line, and the prompt goes below it. */
  readonly #pushed = (reply: Reply): void => {
    if (this.#isStreaming) {
      this.#print(reply);
      return;
    }
    process.stdout.write('\r\x1b[K');
    this.#print(reply);
    this.#shell?.prompt(true);
  };

  #lose(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#isInTransaction = false;
  }

  async #connectTo(words: readonly string[]): Promise<void> {
    this.#lose();
    this.#target.host = words[1]!;
    this.#target.port = Number(words[2]);
    this.#target.path = undefined;
    await this.#connected();
  }

  async #help(words: readonly string[]): Promise<void> {
    if (words.length === 0) {
      process.stdout.write(HELP);
      return;
    }
    const connection = await this.#connected();
    const reply = await connection.send(['COMMAND', 'DOCS', words.join('|')]);
    const docs = pairsOf(reply)[0]?.[1];
    if (docs === undefined) {
      process.stdout.write(`No help for '${words.join(' ')}'\n`);
      return;
    }
    const facts = new Map(pairsOf(docs).map(([name, value]) => [rawReply(name), rawReply(value)]));
    process.stdout.write(`\n  ${words.join(' ').toUpperCase()}\n`);
    for (const name of ['summary', 'complexity', 'since', 'group']) {
      if (facts.has(name)) process.stdout.write(`  ${name}: ${facts.get(name)}\n`);
    }
    process.stdout.write('\n');
  }

  #complete(line: string): [string[], string] {
    const [, before, word] = /^((?:\d+ |help )?)(\S*)$/i.exec(line) ?? [];
    if (word === undefined) return [[], line];
    const isUpper = word !== '' && word === word.toUpperCase();
    const matching = this.#names.filter((name) => name.startsWith(word.toLowerCase()));
    return [matching.map((name) => `${before}${isUpper ? name.toUpperCase() : name} `), line];
  }

  async #commandNames(): Promise<string[]> {
    const reply = await this.#connection!.send(['COMMAND', 'LIST']);
    return reply.kind === 'array' ? reply.items.map((item) => rawReply(item)).sort() : [];
  }
}

/** A map, or the array that stands for one in RESP2. */
function pairsOf(reply: Reply): [Reply, Reply][] {
  if (reply.kind === 'map') return reply.pairs;
  if (reply.kind !== 'array') return [];
  const pairs: [Reply, Reply][] = [];
  for (let i = 0; i + 1 < reply.items.length; i += 2) {
    pairs.push([reply.items[i]!, reply.items[i + 1]!]);
  }
  return pairs;
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
  const kept = history.filter((line) => !SECRET.test(line));
  const bytes = Buffer.from(`${kept.slice(0, HISTORY_LINES).toReversed().join('\n')}\n`);
  const file = realSystem().files.open(path, 'replace');
  file.write(bytes, 0, bytes.length, 0);
  file.close();
}
