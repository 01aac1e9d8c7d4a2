/**
 * Runs a job, flush or compaction alike, in steps of bounded work: merge the sources, drop what nobody sees, write the rest. A worker makes one step after
 * the other and looks for more urgent work between them; without workers the steps run in slices on the database's own thread.
 */
import type { Clock } from '../../os/clock.ts';
import { FileError, type FileSystem } from '../../os/file-system.ts';
import { BlockCache } from '../cache/block-cache.ts';
import type { MemoryBudget } from '../cache/memory-budget.ts';
import { TableCache } from '../cache/table-cache.ts';
import { type Cursor, STREAM, VALID } from '../cursor.ts';
import { fromFileError, LsmError } from '../errors.ts';
import type { RangeDeletion } from '../format/range-deletions.ts';
import { JOB_CACHE_BYTES, JOB_CACHE_SEGMENT_BYTES, JOB_STEP_ENTRIES } from '../limits.ts';
import { MemtableCursor } from '../memtable/memtable-cursor.ts';
import { Memtable } from '../memtable/memtable.ts';
import { MergingCursor } from '../merging-cursor.ts';
import { LevelCursor } from '../version/level-cursor.ts';
import { LevelIndex } from '../version/level-index.ts';
import { TableFile } from '../version/table-file.ts';
import { DropRule } from './drop-rule.ts';
import type { JobFailure, JobReply, JobRequest, JobResult, JobSource } from './job.ts';
import { inputBytes } from './job.ts';
import { JobRules, type LoadedRules } from './job-rules.ts';
import { KeptVersions } from './kept-versions.ts';
import { OutputWriter } from './output-writer.ts';
import { RangeDrops } from './range-drops.ts';
import { RuledMerge } from './ruled-merge.ts';

export interface JobEnvironment {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly budget: MemoryBudget;
}

export class JobRun {
  readonly request: JobRequest;
  /** Set once the job has ended. */
  reply: JobReply | undefined = undefined;
  /** Bytes read and written so far, roughly: what a rate limit counts. */
  bytesMoved = 0;
  readonly #clock: Clock;
  readonly #cache: BlockCache;
  readonly #tables: TableCache;
  readonly #output: OutputWriter;
  readonly #rule: DropRule;
  #ranges: RangeDrops | undefined = undefined;
  readonly #startUs: number;
  #source: Cursor | undefined = undefined;
  readonly #kept: KeptVersions;
  /** Of keyspaces that have any; both or neither are there. */
  #rules: JobRules | undefined = undefined;
  #ruledMerge: RuledMerge | undefined = undefined;
  #entriesRead = 0;

  constructor(request: JobRequest, environment: JobEnvironment) {
    const { files, clock, budget } = environment;
    this.request = request;
    this.#clock = clock;
    this.#startUs = clock.monotonicUs();
    // For indexes of the tables that are read; data passes it by.
    this.#cache = new BlockCache({
      capacityBytes: JOB_CACHE_BYTES,
      segmentBytes: JOB_CACHE_SEGMENT_BYTES,
      budget,
    });
    this.#tables = new TableCache({ files, directory: request.directory, cache: this.#cache });
    this.#output = new OutputWriter(files, request);
    this.#rule = new DropRule(request);
    this.#kept = new KeptVersions(this.#output);
  }

  /** Does some of the work. True when the job has ended and there is a `reply`. */
  step(): boolean {
    if (this.reply !== undefined) return true;
    try {
      if (this.#source === undefined) this.#begin();
      else if (this.#mergeSome(this.#source)) this.#finish();
    } catch (error) {
      // A simulated crash is the end of the whole program, not a failure of the job.
      if (!(error instanceof FileError || error instanceof LsmError)) throw error;
      this.#fail(error);
    }
    return this.reply !== undefined;
  }

  /** Ends the job before it is done: nothing of it remains. */
  abort(): void {
    if (this.reply === undefined) this.#fail(new LsmError('ABORTED', 'the job was given up'));
  }

  #begin(): void {
    const { sources } = this.request;
    const ranges = this.#rangesOf(sources);
    this.#ranges = ranges;
    if (this.request.rules.length > 0) {
      this.#rules = new JobRules(this.request);
      this.#ruledMerge = new RuledMerge(this.request, this.#rule, ranges, this.#kept);
    }
    this.#output.ranges = ranges;
    const cursors = sources.map((source) => this.#open(source));
    this.#source = cursors.length === 1 ? cursors[0]! : new MergingCursor(cursors);
    this.#source.first();
  }

  #open(source: JobSource): Cursor {
    if (source.kind === 'memtable') return new MemtableCursor(Memtable.attach(source.buffer));
    const all = source.files.map((file) => new TableFile(file));
    const index = new LevelIndex(all.filter((file) => this.#ranges?.hidesAll(file) !== true));
    return new LevelCursor(index, source.level, this.#tables, STREAM);
  }

  /** Range tombstones of all sources. */
  #rangesOf(sources: readonly JobSource[]): RangeDrops | undefined {
    const { request } = this;
    if (request.table.formatLevel !== 2) return undefined;
    const ranges: RangeDeletion[] = [];
    for (const source of sources) {
      if (source.kind === 'memtable') {
        ranges.push(...(Memtable.attach(source.buffer).ranges?.all() ?? []));
        continue;
      }
      for (const { number, facts } of source.files) {
        if (facts?.rangeDeletions === 0) continue;
        const table = this.#tables.acquire(number, source.level);
        ranges.push(...table.rangeDeletions());
        this.#tables.release(table);
      }
    }
    return RangeDrops.of(ranges, request);
  }

  /** True at the end of the sources. */
  #mergeSome(source: Cursor): boolean {
    const rule = this.#rule;
    const ranges = this.#ranges;
    const rules = this.#rules;
    const kept = this.#kept;
    for (let i = 0; i < JOB_STEP_ENTRIES; i++) {
      if (source.status !== VALID) return true;
      const { keyRegion, keyStart, keyEnd } = source;
      const ruled = rules?.at(keyRegion, keyStart, keyEnd);
      if (ruled !== undefined) {
        this.#takeRuled(source, ruled);
        continue;
      }
      const isDropped =
        rule.drops(keyRegion, keyStart, keyEnd, source.sequence, source.type) ||
        ranges?.hides(keyRegion, keyStart, keyEnd, source.sequence) === true;
      if (rule.isNewKey) kept.beginKey();
      if (!isDropped) kept.add(source);
      this.#entriesRead++;
      this.bytesMoved += keyEnd - keyStart + source.valueEnd - source.valueStart;
      source.next();
    }
    return false;
  }

  #takeRuled(source: Cursor, rules: LoadedRules): void {
    const merge = this.#ruledMerge!;
    const before = merge.bytesMoved;
    merge.take(source, rules);
    this.bytesMoved += merge.bytesMoved - before;
  }

  #finish(): void {
    this.#output.finish();
    this.#close();
    const result: JobResult = {
      outputs: this.#output.outputs,
      bytesRead: inputBytes(this.request),
      bytesWritten: this.#output.bytesWritten,
      entriesRead: this.#entriesRead + (this.#ruledMerge?.entriesRead ?? 0),
      entriesWritten: this.#output.entriesWritten,
      durationUs: this.#clock.monotonicUs() - this.#startUs,
      operatorFailures: this.#ruledMerge?.failures ?? 0,
      operatorFailure: this.#ruledMerge?.failure,
    };
    this.reply = { id: this.request.id, result };
  }

  #fail(error: FileError | LsmError): void {
    this.#output.abandon();
    try {
      this.#close();
    } catch {
      // The failure that is reported is the first one.
    }
    this.reply = { id: this.request.id, failure: failureOf(fromFileError(error) as LsmError) };
  }

  #close(): void {
    this.#source?.close();
    this.#tables.close();
    this.#cache.close();
  }
}

function failureOf(error: LsmError): JobFailure {
  const { code, message, path, offset } = error;
  return { code, message, path, offset };
}
