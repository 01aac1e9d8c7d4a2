/**
 * Loads the files that the manifest names, in slices, handing every command to an applier.
 *
 * Of our own files (batch.ts) a batch is verified before anything of it is applied. At the offset behind the last good one:
 *   - the end of the file: done
 *   - `*`, or an annotation that is not ours: a real Redis went on here; its rules (below) apply to the rest
 *   - a batch that does not verify, or anything else: when a batch behind it shows that this place was synced, the file is corrupt and
 *     the load stops; else it is what a crash left of un-synced writes, and is cut off (`aof-load-truncated`)
 *   - a batch that does not verify, but out of which a real Redis had cut a torn command before it went on: its rules, from the batch's start;
 *     one of our lines without its end, behind which Redis went on (it takes such a line for whole): its rules, behind that
 * Of files without our header, as of Redis's own: a command or transaction without its end at the end of the last file is cut off, anything
 * else that is no command stops the load.
 *
 * Files before the last were synced before the next was begun: they must be whole. What is cut off is cut off durably.
 */
import { FileError, type OpenFile } from '../os/file-system.ts';
import { COMPLETE, INCOMPLETE } from '../bytes/resp-parser.ts';
import type { AofDirectory } from './aof-directory.ts';
import type { LogLevel } from './append-log.ts';
import { findRedisTail, isFollowedBySynced, isIntact, type RedisTail } from './batch-scan.ts';
import {
  BATCH_BEGIN_BYTES,
  BATCH_END_BYTES,
  BatchHead,
  batchSeed,
  HEADER_BYTES,
  looksLikeBegin,
  parseHeader,
  timestampBytes,
} from './batch.ts';
import {
  EntryReader,
  isBracket,
  isForeignAnnotation,
  isModelLine,
  lineEnd,
  tornLineBytes,
  type Apply,
} from './entry-reader.ts';
import { FileWindow } from './file-window.ts';
import { LINE_BYTES, TORN_TAIL_BYTES, WINDOW_BYTES } from './limits.ts';
import { CorruptLogError } from './log-error.ts';

/**
 * Reads a base that is not made of commands (it begins with `REDIS`); yields between slices, having told `progress` the bytes done. Gives the
 * offset behind it, and the log position it stands for where it knows it.
 */
export type LoadBase = (
  file: OpenFile,
  sizeBytes: number,
  progress: (bytesDone: number) => void,
) => Generator<void, { end: number; position: number | undefined }>;

export interface LoadOptions {
  readonly directory: AofDirectory;
  readonly apply: Apply;
  readonly loadBase: LoadBase;
  /** `aof-load-truncated`. */
  readonly mayTruncate: boolean;
  readonly log: (level: LogLevel, message: string) => void;
  /** Called between slices. */
  readonly progress: (bytesDone: number, bytesTotal: number) => void;
}

export interface LoadResult {
  /** Where the log goes on. */
  readonly position: number;
  /** Commands applied; those in a base of another format not counted. */
  readonly commands: number;
  /** The last incremental file where batches can be appended to it: it is ours to its end. */
  readonly tail:
    | { readonly name: string; readonly seed: number; readonly sizeBytes: number }
    | undefined;
}

const RESTORE = 'Restore the directory from a backup';

/** Runs to the end without a break. Throws CorruptLogError, FileError and what the applier throws. */
export function loadSync(options: LoadOptions): LoadResult {
  const steps = load(options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Yields between slices of about a millisecond. Throws CorruptLogError, FileError and what the applier throws. */
export function* load(options: LoadOptions): Generator<void, LoadResult> {
  const loader = new Loader(options);
  yield* loader.run();
  return loader;
}

class Loader implements LoadResult {
  position = 0;
  tail: LoadResult['tail'] = undefined;
  readonly #options: LoadOptions;
  readonly #reader: EntryReader;
  readonly #total: number;
  /** The file that is read. */
  #open!: OpenFile;
  /** Bytes of the files before the one that is read. */
  #before = 0;
  /** Whether `position` is known from our own marks, so that the next one must agree. */
  #isPositionKnown = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#reader = new EntryReader(options.apply);
    this.#total = options.directory.sizeBytes;
  }

  get commands(): number {
    return this.#reader.applied;
  }

  *run(): Generator<void, void> {
    const { directory } = this.#options;
    const { base, incremental } = directory.manifest;
    const entries = base === undefined ? incremental : [base, ...incremental];
    for (const entry of entries) {
      if (directory.files.stat(directory.pathOf(entry.name)) !== undefined) continue;
      throw new CorruptLogError(
        directory.pathOf(entry.name),
        0,
        'the manifest names this file, but it is missing',
        `${RESTORE}.`,
      );
    }
    for (const [i, entry] of entries.entries()) {
      const path = directory.pathOf(entry.name);
      const file = directory.files.open(path, i === entries.length - 1 ? 'write' : 'read');
      try {
        const window = new FileWindow(file, file.size(), WINDOW_BYTES);
        this.#open = file;
        this.tail = undefined;
        yield* this.#file(window, entry.name, i === entries.length - 1);
        this.#before += window.size;
      } finally {
        file.close();
      }
      if (entry === base) this.tail = undefined;
    }
    this.#progress(0);
  }

  *#file(window: FileWindow, name: string, isLast: boolean): Generator<void, void> {
    const held = window.fill(0, HEADER_BYTES);
    const bytes = window.region.bytes;
    if (
      held >= 5 &&
      Buffer.from(bytes.buffer, bytes.byteOffset, 5).toString('latin1') === 'REDIS'
    ) {
      const base = yield* this.#options.loadBase(this.#open, window.size, (n) => this.#progress(n));
      if (base.position !== undefined) this.#setPosition(base.position);
      // A Redis before 7 puts commands behind the data set, in the same file.
      if (base.end < window.size) yield* this.#commands(window, base.end, isLast);
      return;
    }
    const header = parseHeader(bytes, window.at, window.at + held);
    if (header === undefined) {
      yield* this.#commands(window, 0, isLast);
      return;
    }
    if (this.#isPositionKnown && header.position !== this.position) {
      throw this.#corrupt(
        0,
        `it continues log position ${header.position}, but the files before it end at ${this.position}`,
      );
    }
    this.#setPosition(header.position);
    yield* this.#batches(window, name, batchSeed(header.nonce), isLast);
  }

  #setPosition(position: number): void {
    this.position = position;
    this.#isPositionKnown = true;
  }

  // ---- our own files

  *#batches(
    window: FileWindow,
    name: string,
    seed: number,
    isLast: boolean,
  ): Generator<void, void> {
    const head = new BatchHead();
    let offset = HEADER_BYTES;
    let sliceEnd = offset + WINDOW_BYTES;
    while (offset < window.size) {
      const held = window.fill(offset, BATCH_BEGIN_BYTES);
      if (
        head.parse(window.region.bytes, window.at, window.at + held) &&
        isIntact(window, offset, head, seed)
      ) {
        offset = this.#batch(window, offset, head);
        if (offset >= sliceEnd) {
          sliceEnd = offset + WINDOW_BYTES;
          this.#progress(offset);
          yield;
        }
        continue;
      }
      const tail = this.#afterDamage(window, offset, seed);
      if (tail !== undefined) {
        if (tail.until > offset) {
          yield* this.#commands(window, offset + BATCH_BEGIN_BYTES, isLast, tail.until);
        }
        yield* this.#commands(window, tail.next, isLast);
        return;
      }
      this.#cut(window, offset, isLast, 'the last batch is not whole');
      break;
    }
    this.tail = { name, seed, sizeBytes: Math.min(offset, window.size) };
  }

  /** Applies the batch at `offset`, which is intact; returns the offset behind it, and behind the line that closes it if that is there. */
  #batch(window: FileWindow, offset: number, head: BatchHead): number {
    if (head.position !== this.position) {
      throw this.#corrupt(
        offset,
        `a batch of log position ${head.position} stands where ${this.position} was expected`,
      );
    }
    const held = window.fill(offset, BATCH_BEGIN_BYTES + head.length + BATCH_END_BYTES);
    const { region, at } = window;
    const { bytes } = region;
    const payload = at + BATCH_BEGIN_BYTES;
    const end = payload + head.length;
    const problem = this.#reader.applyAll(region, payload, end);
    if (problem !== undefined) throw this.#corrupt(offset + problem.at - at, problem.problem);
    this.position += head.length - timestampBytes(bytes, payload, end);
    const isClosed = head.isEnd(bytes, at, end, at + held);
    return offset + end - at + (isClosed ? BATCH_END_BYTES : 0);
  }

  /** What a real Redis left at a place that is no intact batch; undefined: it is a torn tail. Throws where it can't be one. */
  #afterDamage(window: FileWindow, offset: number, seed: number): RedisTail | undefined {
    const held = window.fill(offset, LINE_BYTES);
    const { at, end } = { at: window.at, end: window.at + held };
    const { bytes } = window.region;
    const torn = tornLineBytes(bytes, at, end);
    if (torn > 0 || bytes[at] === 42 || isForeignAnnotation(bytes, at, end)) {
      return { until: offset, next: offset + torn };
    }
    const isBatch = looksLikeBegin(bytes, at, end) && held >= BATCH_BEGIN_BYTES;
    const isLong = window.size - offset > TORN_TAIL_BYTES;
    if (isLong || isFollowedBySynced(window, offset, seed, this.position)) {
      throw this.#corrupt(offset, 'the batch here is damaged, and synced ones follow it');
    }
    return isBatch ? findRedisTail(window, offset + BATCH_BEGIN_BYTES) : undefined;
  }

  // ---- Redis's own rules

  *#commands(
    window: FileWindow,
    from: number,
    isLast: boolean,
    to = Infinity,
  ): Generator<void, void> {
    const { parser, request } = this.#reader;
    let offset = from;
    let held = window.fill(offset, LINE_BYTES);
    let sliceEnd = offset + WINDOW_BYTES;
    while (held > 0 && offset < to) {
      const bytes = window.region.bytes;
      const at = window.at;
      let next = 0;
      if (bytes[at] === 35) {
        if (held < LINE_BYTES) held = window.fill(offset, LINE_BYTES);
        this.#refuseBatch(window, offset);
        const end = lineEnd(window.region.bytes, window.at, window.at + held);
        if (isModelLine(window.region.bytes, window.at, end)) {
          this.#options.apply.line?.(window.region, window.at, end);
        }
        next = end - window.at;
      } else if (bytes[at] === 42) {
        const outcome = parser.parse(window.region, at, at + held, request, true);
        if (outcome === INCOMPLETE) {
          if (offset + parser.needBytes > window.size) {
            this.#cut(window, offset, isLast, 'the last command is not whole');
            break;
          }
          held = this.#more(window, offset, held);
          continue;
        }
        if (outcome !== COMPLETE) throw this.#badFormat(offset);
        if (request.count === 1 && isBracket(request)) {
          const end = this.#transaction(window, offset, isLast);
          if (end < 0) break;
          next = end - offset;
        } else {
          next = parser.next - at;
          const problem = this.#options.apply(request);
          if (problem !== undefined) throw this.#corrupt(offset, problem);
          this.#reader.applied++;
        }
      } else throw this.#badFormat(offset);
      offset += next;
      held = window.fill(offset, 1);
      if (offset >= sliceEnd) {
        sliceEnd = offset + WINDOW_BYTES;
        this.#progress(offset);
        yield;
      }
    }
    this.position += offset - from;
    this.#isPositionKnown = false;
  }

  /** Applies the transaction at `offset` if its EXEC is there; returns the offset behind it, or -1 where it was cut off. */
  #transaction(window: FileWindow, offset: number, isLast: boolean): number {
    const { parser, request } = this.#reader;
    const start = offset;
    let end = offset;
    for (let isDone = false; !isDone;) {
      let held = window.fill(end, LINE_BYTES);
      if (held === 0) return this.#cut(window, start, isLast, 'the last transaction has no EXEC');
      if (window.region.bytes[window.at] === 35) {
        end += lineEnd(window.region.bytes, window.at, window.at + held) - window.at;
        continue;
      }
      if (window.region.bytes[window.at] !== 42) throw this.#badFormat(end);
      let outcome = parser.parse(window.region, window.at, window.at + held, request, true);
      while (outcome === INCOMPLETE) {
        if (end + parser.needBytes > window.size) {
          return this.#cut(window, start, isLast, 'the last transaction is not whole');
        }
        held = this.#more(window, end, held);
        outcome = parser.parse(window.region, window.at, window.at + held, request, true);
      }
      if (outcome !== COMPLETE) throw this.#badFormat(end);
      isDone = request.count === 1 && request.is(0, 'EXEC');
      end += parser.next - window.at;
    }
    window.fill(start, end - start);
    const problem = this.#reader.applyAll(window.region, window.at, window.at + end - start);
    if (problem !== undefined) {
      throw this.#corrupt(start + problem.at - window.at, problem.problem);
    }
    return end;
  }

  /** The bytes that the parser misses; the file has them. */
  #more(window: FileWindow, offset: number, held: number): number {
    const more = window.fill(offset, this.#reader.parser.needBytes);
    if (more <= held) throw new FileError('read', this.#open.path, 'EIO');
    return more;
  }

  /** One of our batches among commands of Redis: the lines that would let us check it are gone. */
  #refuseBatch(window: FileWindow, offset: number): void {
    const end = Math.min(window.at + LINE_BYTES, window.end);
    if (end - window.at < 5 || !looksLikeBegin(window.region.bytes, window.at, end)) return;
    throw this.#corrupt(offset, "the file's first line, which batches are checked with, is gone");
  }

  // ---- endings

  /** Cuts the file off at `offset`, durably; -1. Throws where that may not be. */
  #cut(window: FileWindow, offset: number, isLast: boolean, problem: string): -1 {
    const path = this.#open.path;
    const { log, mayTruncate } = this.#options;
    if (!isLast) {
      throw this.#corrupt(offset, `${problem}, and the file is not the last of the log`);
    }
    if (!mayTruncate) {
      throw new CorruptLogError(
        path,
        offset,
        `Unexpected end of file reading the append only file: ${problem}`,
        `A crash of the machine may leave this. Set aof-load-truncated to yes to start without the last ${window.size - offset} bytes, of which nobody was told that they are durable.`,
      );
    }
    log('warning', `!!! Warning: short read while loading the AOF file ${path}!!! (${problem})`);
    log('warning', `!!! Truncating the AOF ${path} at offset ${offset} !!!`);
    this.#open.truncate(offset);
    this.#open.sync();
    log('warning', `AOF ${path} loaded anyway because aof-load-truncated is enabled`);
    return -1;
  }

  #badFormat(offset: number): CorruptLogError {
    return new CorruptLogError(
      this.#open.path,
      offset,
      'Bad file format reading the append only file: no command begins here',
      `Make a backup, then use redis-check-aof --fix on the manifest, or ${RESTORE.toLowerCase()}.`,
    );
  }

  #corrupt(offset: number, problem: string): CorruptLogError {
    return new CorruptLogError(
      this.#open.path,
      offset,
      problem,
      `${RESTORE}; or, to start with what stands before this place, make a copy and cut the file there: truncate -s ${offset} ${this.#open.path}`,
    );
  }

  #progress(bytesInFile: number): void {
    this.#options.progress(Math.min(this.#total, this.#before + bytesInFile), this.#total);
  }
}
