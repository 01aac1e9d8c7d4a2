/**
 * `kill -9` on the real disk: a process of its own writes to a database, this one tells it what, notes every acknowledgement, kills it at a moment of its
 * choosing, opens the directory and looks.
 *
 *   - Each of several writers has keys of its own and one batch under way. After the kill it must be found where its last acknowledged batch, or the one
 *     under way, put it: nothing less, nothing torn, nothing invented.
 *   - Compactions and flushes run all the time, since memtables and levels are tiny; the kill falls into them, into openings and into closings.
 *   - Tables are verified, and what the dead left behind is gone after the next opening.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type Database, open, Resources } from '../src/lsm/index.ts';
import { checkDirectory } from '../src/lsm/tools/directory-check.ts';
import { problemText } from '../src/lsm/tools/problem.ts';
import { NodeFileSystem } from '../src/os/node-file-system.ts';
import { SeededRandomness } from '../src/os/randomness.ts';

/** A value is told by its number and length, and made on both sides. */
export type Change =
  | readonly [key: string, number: number, length: number]
  | readonly [key: string];

export interface KillOptions {
  readonly directory: string;
  readonly seed: number;
  /** The compiled `lsm/index.js` that the process under test loads. */
  readonly module: string;
  /** A round's process lives at most this long. */
  readonly lifeMs: number;
}

/** What the rounds so far met. */
export interface KillTally {
  rounds: number;
  acknowledged: number;
  /** Rounds in which the kill left tables behind that no version names: it fell into a flush or a compaction. */
  insideJobs: number;
  /** In which it fell into an opening, and into a closing. */
  insideOpening: number;
  insideClosing: number;
}

interface Writer {
  readonly name: string;
  /** As of the last acknowledged batch. */
  readonly entries: Map<string, string>;
  /** What is under way, undefined for nothing. */
  pending: readonly Change[] | undefined;
}

const WRITERS = 12;
const KEYS = 40;
/** A closing is ordered at most this long before the kill. */
const CLOSING_MS = 30;
const KIB = 1024;
const STORE = { memtableBytes: 64 * KIB, level1Bytes: 128 * KIB, fileBytes: 32 * KIB };

/** What the process under test runs: it does as it is told, a line a batch, and says so. */
const CHILD = `
import { createInterface } from 'node:readline';
const [module, directory, options] = process.argv.slice(-3);
const { open, Resources } = await import(module);
const { workers, ...rest } = JSON.parse(options);
const db = await open(directory, { ...rest, resources: new Resources({ workers, memoryBytes: 32 << 20 }) });
const say = (text) => process.stdout.write(text + '\\n');
say('open');
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { writer, changes, sync, isBlocking, order } = JSON.parse(line);
  try {
    if (order === 'compact') return void (await db.compact());
    if (order === 'flush') return void (await db.flush());
    if (order === 'close') return void (await db.close(), say('closed'));
    const batch = db.batch();
    for (const [key, number, length] of changes) {
      if (number === undefined) batch.delete(Buffer.from(key));
      else batch.put(Buffer.from(key), Buffer.from(number + ':' + 'v'.repeat(length)));
    }
    if (isBlocking) batch.writeSync({ sync });
    else await batch.write({ sync });
    say(String(writer));
  } catch (error) {
    if (error.code !== 'CLOSED') say('error ' + error.stack.replaceAll('\\n', ' '));
  }
});
`;

export class KillRounds {
  readonly tally: KillTally = {
    rounds: 0,
    acknowledged: 0,
    insideJobs: 0,
    insideOpening: 0,
    insideClosing: 0,
  };
  readonly #options: KillOptions;
  readonly #random: SeededRandomness;
  readonly #writers: readonly Writer[];
  #numbers = 0;

  constructor(options: KillOptions) {
    this.#options = options;
    this.#random = new SeededRandomness(options.seed);
    this.#writers = Array.from({ length: WRITERS }, (_, i) => ({
      name: `w${String(i).padStart(2, '0')}`,
      entries: new Map<string, string>(),
      pending: undefined,
    }));
  }

  /** One life, one death, one look. Throws where something is not as it must be. */
  async round(): Promise<void> {
    await this.#life();
    await this.#look();
    this.tally.rounds++;
  }

  async #life(): Promise<void> {
    const random = this.#random;
    const { module, directory, lifeMs } = this.#options;
    const store = JSON.stringify({ ...STORE, workers: random.below(2), sync: false });
    const args = ['--input-type=module', '-e', CHILD, module, directory, store];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (text) => (errors += String(text)));
    child.stdin.on('error', () => {});
    const life = new Life(child);
    const deathMs = 30 + random.below(lifeMs);
    const kill = setTimeout(() => child.kill('SIGKILL'), deathMs);
    const isClosing = random.below(4) === 0;
    const stop = setTimeout(
      () => {
        life.isClosing = isClosing;
        if (isClosing) this.#send(child, { order: 'close' });
      },
      deathMs - random.below(CLOSING_MS),
    );
    life.onLine = (line) => this.#hear(child, life, line);
    const { code, signal } = await life.gone;
    clearTimeout(kill);
    clearTimeout(stop);
    if (signal !== 'SIGKILL') throw new Error(`the writer ended with ${code}: ${errors}`);
    if (life.failure !== '') throw new Error(`the writer was refused: ${life.failure}`);
    if (!life.isOpen) this.tally.insideOpening++;
    else if (life.isClosing && !life.isClosed) this.tally.insideClosing++;
  }

  #hear(child: ChildProcess, life: Life, line: string): void {
    if (line === 'open') {
      life.isOpen = true;
      for (const writer of this.#writers) this.#next(child, writer);
    } else if (line === 'closed') {
      life.isClosed = true;
    } else if (line.startsWith('error')) {
      life.failure = line;
    } else {
      const writer = this.#writers[Number(line)]!;
      apply(writer.entries, writer.pending!);
      writer.pending = undefined;
      this.tally.acknowledged++;
      this.#next(child, writer);
      const chance = this.#random.below(2000);
      if (chance === 0) this.#send(child, { order: 'compact' });
      if (chance === 1) this.#send(child, { order: 'flush' });
    }
  }

  #next(child: ChildProcess, writer: Writer): void {
    const random = this.#random;
    const size = random.below(3) === 0 ? 2 + random.below(30) : 1;
    writer.pending = Array.from({ length: size }, () => this.#change(writer));
    this.#send(child, {
      writer: this.#writers.indexOf(writer),
      changes: writer.pending,
      sync: random.below(20) === 0,
      isBlocking: random.below(4) === 0,
    });
  }

  #change(writer: Writer): Change {
    const random = this.#random;
    const key = `${writer.name}:${random.below(KEYS)}`;
    if (random.below(4) === 0) return [key];
    return [key, this.#numbers++, random.below(50) === 0 ? 20_000 : random.below(300)];
  }

  #send(child: ChildProcess, message: unknown): void {
    if (child.stdin!.writable) child.stdin!.write(`${JSON.stringify(message)}\n`);
  }

  async #look(): Promise<void> {
    const { directory } = this.#options;
    if (fs.existsSync(path.join(directory, 'CURRENT'))) this.#check();
    const resources = new Resources({ workers: 0, memoryBytes: 32 * KIB * KIB });
    const db = await open(directory, { ...STORE, resources });
    try {
      db.checkInvariants();
      await db.verify();
      for (const writer of this.#writers) compare(writer, db);
      await db.flush();
      await db.idle();
    } finally {
      await db.close();
    }
    await this.#lookAgain();
  }

  /** What the dead left is a whole database, with a torn end of the log and tables of unfinished work at most. */
  #check(): void {
    const { directory } = this.#options;
    const { problems, notes } = checkDirectory({ files: new NodeFileSystem(), directory });
    if (problems.length > 0) throw new Error(problems.map(problemText).join('; '));
    if (notes.some(({ file }) => path.extname(file) === '.ldb')) this.tally.insideJobs++;
  }

  /** What the first opening left is what the second finds. */
  async #lookAgain(): Promise<void> {
    const { directory } = this.#options;
    const resources = new Resources({ workers: 0, memoryBytes: 32 * KIB * KIB });
    const db = await open(directory, { ...STORE, resources });
    try {
      for (const writer of this.#writers) compare(writer, db);
    } finally {
      await db.close();
    }
  }
}

/** A process under test, line by line. */
class Life {
  isOpen = false;
  isClosing = false;
  isClosed = false;
  failure = '';
  onLine: (line: string) => void = () => {};
  readonly gone: Promise<{ code: number | null; signal: string | null }>;

  constructor(child: ChildProcess) {
    let rest = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.onLine(line);
    });
    this.gone = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }
}

function apply(entries: Map<string, string>, changes: readonly Change[]): void {
  for (const [key, number, length] of changes) {
    if (number === undefined) entries.delete(key);
    else entries.set(key, `${number}:${'v'.repeat(length!)}`);
  }
}

/** The database has the writer's keys as of the last acknowledged batch, or of the one behind it; the writer goes on from there. */
function compare(writer: Writer, db: Database): void {
  const from = Buffer.from(`${writer.name}:`);
  const to = Buffer.from(`${writer.name};`);
  const found = new Map<string, string>();
  for (const [key, value] of db.range({ gte: from, lt: to })) {
    found.set(key.toString(), value.toString());
  }
  for (const [key, value] of found) {
    if (db.getSync(Buffer.from(key))?.toString() !== value) {
      throw new Error(`${key} is not what the range has`);
    }
  }
  if (writer.pending !== undefined && !isEqual(found, writer.entries)) {
    apply(writer.entries, writer.pending);
  }
  writer.pending = undefined;
  if (isEqual(found, writer.entries)) return;
  const keys = [...new Set([...found.keys(), ...writer.entries.keys()])];
  const wrong = keys.filter((key) => found.get(key) !== writer.entries.get(key));
  const show = (value: string | undefined): string => value?.slice(0, 12) ?? 'nothing';
  throw new Error(
    wrong
      .map((key) => `${key} is ${show(found.get(key))}, not ${show(writer.entries.get(key))}`)
      .join('; '),
  );
}

function isEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}
