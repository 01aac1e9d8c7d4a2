/**
 * The same random requests to a real memcached and to Kvasir, answers compared: byte by byte, but for the CASs, of which only which are equal is, and the
 * seconds that an item has left.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CAS_MARK, FENCE, randomMemcachedStream, randomNewStream } from './memcached-stream.ts';
import { Random } from './random.ts';

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const START_MS = 10_000;
const ANSWER_MS = 3000;
/** Beyond any that either gives. */
const HIGH_CAS: bigint = 2n ** 63n;
const MAX_FAILURES = 10;
const MAX_SHOWN = 500;

export interface MemcachedDifferentialOptions {
  /** The memcached to compare with. */
  program: string;
  seed: number;
  streams: number;
  commands: number;
}

class Subject {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #socketPath: string;
  #socket: net.Socket | undefined = undefined;
  #received = '';
  #wake: () => void = () => {};
  /** The CAS last told of each key, and the order in which CASs were first seen. */
  readonly #casOf: Map<string, bigint> = new Map();
  readonly #ranks: Map<bigint, number> = new Map();

  private constructor(name: string, child: ChildProcess, socketPath: string) {
    this.name = name;
    this.#child = child;
    this.#socketPath = socketPath;
  }

  static async start(name: string, program: string, args: readonly string[]): Promise<Subject> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-conformance-'));
    const socketPath = path.join(folder, 'socket');
    const all = [...args, '-u', os.userInfo().username, '-s', socketPath];
    const child = spawn(program, all, { stdio: 'ignore' });
    const from = Date.now();
    while (!fs.existsSync(socketPath)) {
      if (child.exitCode !== null || Date.now() - from > START_MS) {
        throw new Error(`${name} did not start`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return new Subject(name, child, socketPath);
  }

  async connect(): Promise<void> {
    this.#socket?.destroy();
    this.#received = '';
    this.#casOf.clear();
    this.#ranks.clear();
    const socket = net.connect(this.#socketPath);
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => this.#wake());
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  }

  /** Sends requests and a fence; what came back before the fence's answer. Text that ends in `(closed)` where the connection did. */
  async ask(requests: readonly string[], isBinary: boolean): Promise<string> {
    const fence = isBinary ? FENCE.binary : FENCE.text;
    const bytes = requests.map((request) => this.#fill(request, isBinary)).join('') + fence;
    this.#socket!.write(Buffer.from(bytes, 'latin1'));
    const end = isBinary ? `\x81\x0a${'\0'.repeat(10)}\xfe\xfe\xfe\xfe${'\0'.repeat(8)}` : 'MN\r\n';
    const fences = isBinary ? 1 : requests.filter((request) => request === 'mn\r\n').length + 1;
    const deadline = Date.now() + ANSWER_MS;
    for (;;) {
      const at = nthIndex(this.#received, end, fences);
      if (at >= 0) {
        const answer = this.#received.slice(0, at);
        this.#received = this.#received.slice(at + end.length);
        return answer;
      }
      if (this.#socket!.closed || Date.now() > deadline) {
        const rest = this.#received;
        this.#received = '';
        return `${rest}${this.#socket!.closed ? '(closed)' : '(no answer)'}`;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #fill(request: string, isBinary: boolean): string {
    return request.replace(CAS_MARK, (_, key: string) => {
      const unique = key === 'low' ? 1n : (this.#casOf.get(key) ?? HIGH_CAS);
      if (!isBinary) return String(unique);
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(unique);
      return bytes.toString('latin1');
    });
  }

  #rank(cas: bigint): string {
    if (cas === 0n) return 'cas0';
    let rank = this.#ranks.get(cas);
    if (rank === undefined) this.#ranks.set(cas, (rank = this.#ranks.size + 1));
    return `cas#${rank}`;
  }

  /** The answer with its CASs as ranks; notes what they are. */
  comparable(answer: string, isBinary: boolean): string {
    return isBinary ? this.#comparableBinary(answer) : this.#comparableText(answer);
  }

  #comparableText(answer: string): string {
    return answer
      .replace(
        /^VALUE (\S+) (\d+) (\d+) (\d+)\r$/gm,
        (_, key: string, flags, bytes, cas: string) => {
          this.#casOf.set(key, BigInt(cas));
          return `VALUE ${key} ${flags} ${bytes} ${this.#rank(BigInt(cas))}\r`;
        },
      )
      .replace(/^(HD|VA|NS|EX|NF)( [^\r\n]*)?\r$/gm, (_, code: string, flags: string = '') => {
        const key = / k(\S+)/.exec(flags)?.[1];
        return `${code}${flags
          .replace(/ c(\d+)/, (__, cas: string) => {
            if (key !== undefined) this.#casOf.set(key, BigInt(cas));
            return ` ${this.#rank(BigInt(cas))}`;
          })
          .replace(/ t\d{2,}/, ' t..')}\r`;
      })
      .replace(/^VALUE (n\d) (\d+) \d+( \S+)?\r\n(\d+) *\r$/gm, 'VALUE $1 $2 ..$3\r\n$4\r');
  }

  #comparableBinary(answer: string): string {
    const bytes = Buffer.from(answer, 'latin1');
    const lines: string[] = [];
    let at = 0;
    while (at + 24 <= bytes.length && bytes[at] === 0x81) {
      const body = bytes.readUInt32BE(at + 8);
      const cas = this.#rank(bytes.readBigUInt64BE(at + 16));
      const head = bytes.toString('hex', at, at + 16);
      lines.push(
        `${head} ${cas} ${JSON.stringify(bytes.toString('latin1', at + 24, at + 24 + body))}`,
      );
      const keyBytes = bytes.readUInt16BE(at + 2);
      const keyAt = at + 24 + bytes[at + 4]!;
      if (keyBytes > 0) {
        const key = bytes.toString('latin1', keyAt, keyAt + keyBytes);
        this.#casOf.set(key, bytes.readBigUInt64BE(at + 16));
      }
      at += 24 + body;
    }
    return [...lines, bytes.toString('latin1', at)].join('\n');
  }

  stop(): void {
    this.#socket?.destroy();
    this.#child.kill('SIGKILL');
    fs.rmSync(path.dirname(this.#socketPath), { recursive: true, force: true });
  }
}

function nthIndex(text: string, part: string, n: number): number {
  let at = -1;
  for (let i = 0; i < n; i++) {
    at = text.indexOf(part, at + 1);
    if (at < 0) return -1;
  }
  return at;
}

interface Difference {
  batch: readonly string[];
  theirs: string;
  ours: string;
}

/** Sends the batches to both; the first difference. */
async function compare(
  subjects: readonly [Subject, Subject],
  isBinary: boolean,
  batches: readonly (readonly string[])[],
): Promise<Difference | undefined> {
  for (const subject of subjects) {
    await subject.connect();
    await subject.ask(['flush_all\r\n'], false);
    await subject.connect();
  }
  for (const batch of batches) {
    const answers = await Promise.all(subjects.map((subject) => subject.ask(batch, isBinary)));
    const theirs = subjects[0].comparable(answers[0]!, isBinary);
    const ours = subjects[1].comparable(answers[1]!, isBinary);
    if (theirs !== ours) return { batch, theirs, ours };
    if (theirs.endsWith('(closed)')) for (const subject of subjects) await subject.connect();
  }
  return undefined;
}

/** Runs all streams; prints what differs; returns how many streams did. */
export async function runMemcachedDifferential(
  options: MemcachedDifferentialOptions,
): Promise<number> {
  const { program, seed, streams, commands } = options;
  const version = spawnSync(program, ['-V'], { encoding: 'utf8' });
  if (version.error !== undefined) {
    process.stdout.write(`skipped: there is no ${program} (npm run conformance:setup)\n`);
    return 0;
  }
  // A later one than that which is followed is compared in what it has more.
  const random = /1\.6\.18\b/.test(version.stdout) ? randomMemcachedStream : randomNewStream;
  const theirs = await Subject.start('memcached', program, []);
  const ours = await Subject.start('kvasir', process.execPath, [MAIN, 'memcached']);
  const subjects = [theirs, ours] as const;
  let failures = 0;
  try {
    for (let i = 0; i < streams && failures < MAX_FAILURES; i++) {
      const { batches, isBinary } = random(new Random(seed + i), commands);
      const difference = await compare(subjects, isBinary, batches);
      if (difference === undefined) continue;
      failures++;
      await report(subjects, seed + i, isBinary, batches, difference);
    }
  } finally {
    for (const subject of subjects) subject.stop();
  }
  process.stdout.write(
    `memcached: ${streams * commands} requests from seed ${seed}, ${failures} streams differ\n`,
  );
  return failures;
}

async function report(
  subjects: readonly [Subject, Subject],
  seed: number,
  isBinary: boolean,
  batches: readonly (readonly string[])[],
  difference: Difference,
): Promise<void> {
  let smallest = difference;
  let left = batches.slice(0, batches.indexOf(difference.batch) + 1);
  for (let size = Math.ceil(left.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = left.length - size; from >= 0; from -= size) {
      const candidate = [...left.slice(0, from), ...left.slice(from + size)];
      const again = await compare(subjects, isBinary, candidate);
      if (again === undefined) continue;
      left = candidate;
      smallest = again;
    }
  }
  process.stdout.write(`differs (seed ${seed}, ${left.length} of ${batches.length} batches)\n`);
  const show = (text: string): string => JSON.stringify(text).slice(0, MAX_SHOWN);
  for (const request of left.flat()) process.stdout.write(`  > ${show(request)}\n`);
  process.stdout.write(
    `  memcached: ${show(smallest.theirs)}\n  kvasir:    ${show(smallest.ours)}\n\n`,
  );
}
