/**
 * What goes on behind writes: full memtables are flushed and levels compacted, one flush and one compaction at a time. When either is installed the next
 * is looked for.
 *
 * Replies of jobs come from the event loop, and also by `poll`, which every write makes: a program may never let the loop turn.
 */
import { Region } from '../../bytes/region.ts';
import {
  bytesOf,
  type Compaction,
  type CompactionInput,
  type CompactionPicker,
} from '../compaction/compaction.ts';
import type {
  DeadRange,
  JobFailure,
  JobReply,
  JobRequest,
  JobResult,
  KeyspaceJobRules,
} from '../compaction/job.ts';
import type { JobRunner } from '../compaction/job-runner.ts';
import { type RewriteContext, RewritePicker } from '../compaction/rewrite-picker.ts';
import { LsmError } from '../errors.ts';
import { MIN_CLOCK_MS, RETRY_MS, REWRITE_AFTER_SECONDS } from '../limits.ts';
import { VersionEdit } from '../manifest/version-edit.ts';
import type { TableFile } from '../version/table-file.ts';
import type { KeyBound, Version } from '../version/version.ts';
import { Deferred } from './deferred.ts';
import type { Engine } from './engine.ts';
import { compactionRequest, flushRequest } from './job-requests.ts';
import type { HeldMemtable } from './memtable-list.ts';

/** A range that a caller wants compacted. */
interface RangeRequest {
  readonly smallest: KeyBound;
  readonly largest: KeyBound;
  /** Tables with numbers from this one on were written since. */
  readonly beforeNumber: number;
  /** Nobody reads the range any more. */
  readonly isDead: boolean;
  readonly deferred: Deferred;
}

export class Background {
  readonly #engine: Engine;
  readonly #runner: JobRunner;
  readonly #picker: CompactionPicker;
  readonly #rewrites: RewritePicker;
  #flushing: readonly HeldMemtable[] = [];
  #compaction: Compaction | undefined = undefined;
  readonly #ranges: RangeRequest[] = [];
  /** Settled when nothing waits to be flushed, and when nothing is due at all. */
  #flushWaiters: Deferred[] = [];
  #idleWaiters: Deferred[] = [];
  readonly #drops = new Set<Deferred>();
  /** Set while the disk is full: nothing is begun until then. */
  #cancelRetry: (() => void) | undefined = undefined;
  /** Set while work will be due only because time passes. */
  #stopClock: (() => void) | undefined = undefined;
  /** Whether the compaction that is under way asks filters. */
  #isFiltering = false;
  #isClosed = false;

  constructor(engine: Engine, runner: JobRunner, picker: CompactionPicker) {
    this.#engine = engine;
    this.#runner = runner;
    this.#picker = picker;
    this.#rewrites = new RewritePicker(picker);
  }

  get isFlushing(): boolean {
    return this.#flushing.length > 0;
  }

  /** What a snapshot of now sees may be dropped by a filter that has not been told of it. */
  get isFiltering(): boolean {
    return this.#isFiltering;
  }

  get compaction(): Compaction | undefined {
    return this.#compaction;
  }

  /** Those whose outputs are in no version yet. */
  get compactions(): readonly Compaction[] {
    return this.#compaction === undefined ? [] : [this.#compaction];
  }

  /** Size of tables of a level. */
  targetBytes(level: number): number {
    return this.#picker.targetBytes(level);
  }

  get debtBytes(): number {
    return this.#picker.debtBytes(this.#engine.versions.current);
  }

  /** Takes replies that have come. */
  poll(): void {
    this.#runner.poll();
  }

  /** Blocks a synchronous writer until something has changed, or for some milliseconds. */
  wait(): void {
    if (this.#engine.stall.sleep()) this.#runner.poll();
    else this.#runner.wait();
    this.#engine.manifest.syncNow();
  }

  // ---- what callers ask for

  /** Settles when the memtables that are full now are in tables. */
  flushed(): Promise<void> {
    const deferred = new Deferred();
    return this.#waitFor(deferred, () => this.#flushWaiters.push(deferred));
  }

  /** Settles when everything that was written before is in tables. */
  async flushAll(): Promise<void> {
    const engine = this.#engine;
    if (engine.writes.isWaiting) await engine.writes.sync();
    if (engine.memtables.active.memtable.entries > 0) engine.rotate(0);
    if (engine.memtables.full.length > 0) await this.flushed();
  }

  /** Blocks until nothing is in memory alone but writes that wait for room, and no edit is on its way to the disk. Throws LsmError. */
  flushNow(): void {
    const engine = this.#engine;
    const { memtables, manifest } = engine;
    engine.writes.settle();
    for (;;) {
      const failure = engine.writeFailure ?? engine.fullDisk;
      if (failure !== undefined) throw failure;
      if (memtables.full.length > 0) this.wait();
      else if (memtables.active.memtable.entries > 0) engine.rotate(0);
      else if (manifest.isIdle) return;
      else manifest.syncNow();
    }
  }

  /** Settles when the range has been brought down to the lowest level that has any of it, and what nobody sees is dropped there too. */
  compactRange(smallest: KeyBound, largest: KeyBound, isDead = false): Promise<void> {
    const deferred = new Deferred();
    const beforeNumber = this.#engine.versions.nextFileNumber;
    const range = { smallest, largest, beforeNumber, isDead, deferred };
    return this.#waitFor(deferred, () => this.#ranges.push(range), !isDead);
  }

  /** Nobody reads this range any more: tables that have nothing else go at once, the rest is compacted. */
  dropRange({ from, to }: DeadRange): void {
    const { versions, manifest } = this.#engine;
    const smallest = boundOf(from);
    const edit = new VersionEdit();
    for (const [level, files] of versions.current.levels.entries()) {
      for (const file of files) {
        if (file.isCompacting || !isWithin(file, from, to)) continue;
        // Until the edit is installed nothing else may take it.
        file.isCompacting = true;
        edit.deletedFiles.push({ level, number: file.number });
      }
    }
    if (edit.deletedFiles.length > 0) manifest.commit(edit, () => {});
    this.#compactUnread(smallest, to && boundOf(to));
  }

  #compactUnread(smallest: KeyBound, largest: KeyBound): void {
    this.compactRange(smallest, largest, true).catch((error: LsmError) => {
      if (error.code === 'DISK_FULL') this.#compactUnread(smallest, largest);
    });
  }

  /** Takes whole tables out of the tree (`Engine.retire`); settles when that counts. */
  dropTables(inputs: readonly CompactionInput[], reason: string): Promise<void> {
    const { failure } = this.#engine;
    if (failure !== undefined) return Promise.reject(failure);
    const deferred = new Deferred();
    this.#drops.add(deferred);
    this.#drop(inputs, reason, () => {
      this.#drops.delete(deferred);
      deferred.resolve();
    });
    return deferred.promise;
  }

  /** Settles when there is nothing to flush or compact. */
  idle(): Promise<void> {
    const deferred = new Deferred();
    return this.#waitFor(deferred, () => this.#idleWaiters.push(deferred));
  }

  /** Where nothing is done any more nobody must wait for it: it may have ended while the caller was on the way here. */
  #waitFor(deferred: Deferred, enlist: () => void, isAsked = true): Promise<void> {
    const failure = this.#engine.writeFailure;
    if (failure !== undefined) {
      deferred.reject(failure);
      return deferred.promise;
    }
    enlist();
    // A caller hears now whether there is room, not when it would be tried again.
    if (isAsked) this.#retryNow();
    this.schedule();
    return deferred.promise;
  }

  // ---- scheduling

  /** Begins what is due and not under way. */
  schedule(): void {
    const { failure, settings } = this.#engine;
    if (this.#isClosed || failure !== undefined || settings.readOnly) return;
    if (this.#cancelRetry === undefined) {
      if (this.#flushing.length === 0) this.#beginFlush();
      if (this.#compaction === undefined) this.#beginCompaction();
      this.#setClock();
    }
    if (this.#engine.memtables.full.length === 0) {
      this.#flushWaiters = resolved(this.#flushWaiters);
      if (this.#compaction === undefined) this.#idleWaiters = resolved(this.#idleWaiters);
    }
  }

  /** Looks again when something is due only because time has passed. */
  #setClock(): void {
    const { timers, clock, versions } = this.#engine;
    this.#stopClock?.();
    this.#stopClock = undefined;
    const dueSeconds = Math.min(
      this.#picker.dueAt(versions.current),
      this.#rewrites.dueAt(versions.current, this.#rewriteContext()),
    );
    if (this.#compaction !== undefined || dueSeconds === Infinity) return;
    const ms = Math.max(MIN_CLOCK_MS, dueSeconds * 1000 - clock.now());
    this.#stopClock = timers.after(ms, () => this.schedule());
  }

  #beginFlush(): void {
    const { memtables } = this.#engine;
    const flushing = memtables.full;
    if (flushing.length === 0) return;
    this.#flushing = flushing;
    for (const held of flushing) memtables.retain(held);
    const request = flushRequest(this.#engine, this.#picker, flushing);
    this.#runner.submit(request, (reply) => {
      if (reply.result !== undefined) this.#flushed(request, reply.result);
      else this.#flushFailed(reply);
    });
  }

  #flushed(request: JobRequest, result: JobResult): void {
    const { memtables, versions, stats, stall, logs, events, manifest } = this.#engine;
    const flushing = this.#flushing;
    stats.flushed(result);
    this.#noteOperators(result);
    stall.throttle.learn(result.bytesWritten, result.durationUs);
    const edit = new VersionEdit();
    edit.newFiles.push(...result.outputs);
    edit.logNumber = memtables.oldestLogWithout(flushing);
    // Not the last sequence of all: recovery takes it that what the manifest tells of is in tables, and the logs go on from there.
    edit.lastSequence = flushing[0]!.lastSequence;
    manifest.commit(edit, () => {
      if (this.#isClosed) return;
      memtables.remove(flushing);
      this.#endFlush();
      logs.removeBelow(versions.logNumber);
      this.#engine.position?.tell(flushing);
      events.publish('flush', { job: request.id, memtables: flushing.length, ...result });
    });
  }

  #flushFailed(reply: JobReply): void {
    this.#endFlush();
    this.#jobFailed('a flush failed', reply.failure!);
  }

  #endFlush(): void {
    const flushing = this.#flushing;
    this.#flushing = [];
    for (const held of flushing) this.#engine.memtables.release(held);
  }

  #beginCompaction(): void {
    const { versions, clock } = this.#engine;
    const picked =
      this.#pickRange() ??
      this.#picker.pick(versions.current, {
        compactPointer: (level) => versions.compactPointer(level),
        nowSeconds: Math.floor(clock.now() / 1000),
      }) ??
      this.#rewrites.pick(versions.current, this.#rewriteContext());
    if (picked === undefined) return;
    this.#compaction = picked;
    for (const { files } of picked.inputs) for (const file of files) file.isCompacting = true;
    if (picked.kind === 'drop') {
      this.#drop(picked.inputs, picked.reason, () => this.#endCompaction(picked));
      return;
    }
    if (picked.kind === 'move') {
      this.#engine.stats.moves++;
      const files = picked.inputs.flatMap((input) => input.files);
      const moved = files.map((file) => file.toNewFile(picked.outputLevel));
      this.#replace(picked, moved, () => {});
      return;
    }
    const request = compactionRequest(this.#engine, this.#picker, picked);
    this.#isFiltering = request.rules.some((rules) => rules.compactionFilter !== undefined);
    this.#runner.submit(request, (reply) => {
      if (reply.result !== undefined) {
        this.#compacted(picked, request, reply.result);
        return;
      }
      this.#endCompaction(picked);
      this.#jobFailed('a compaction failed', reply.failure!);
    });
  }

  #drop(inputs: readonly CompactionInput[], reason: string, onDropped: () => void): void {
    const { stats, events } = this.#engine;
    const files = inputs.flatMap((input) => input.files);
    const bytes = bytesOf(files);
    stats.droppedTables += files.length;
    stats.droppedBytes += bytes;
    this.#engine.retire(inputs, () => {
      onDropped();
      events.publish('drop', { reason, tables: files.map(({ number }) => number), bytes });
    });
  }

  #rewriteContext(): RewriteContext {
    const { clock, keyspaces, settings, snapshots } = this.#engine;
    const { rewriteAfterMs, compaction } = settings;
    const isDropping = keyspaces.jobRules().some(isDroppingRule);
    const fallback = isDropping ? REWRITE_AFTER_SECONDS : Infinity;
    const seconds = rewriteAfterMs === undefined ? fallback : rewriteAfterMs / 1000;
    return {
      nowSeconds: Math.floor(clock.now() / 1000),
      maxAgeSeconds: compaction.style === 'fifo' ? Infinity : seconds,
      oldestSnapshot: snapshots.oldest(),
    };
  }

  /** A snapshot or iterator has gone, which may have been in the way. */
  snapshotGone(): void {
    if (this.#rewrites.awaitsSnapshots) this.schedule();
  }

  /** The next piece of a range that somebody waits for; ranges that are done are told so. */
  #pickRange(): Compaction | undefined {
    for (let range = this.#ranges[0]; range !== undefined; range = this.#ranges[0]) {
      const { smallest, largest, deferred } = range;
      const { current } = this.#engine.versions;
      const picked =
        this.#picker.pickRange(current, smallest, largest) ?? this.#pickRewrite(current, range);
      if (picked === 'busy') return undefined;
      if (picked !== undefined) return picked;
      this.#ranges.shift();
      deferred.resolve();
    }
    return undefined;
  }

  #pickRewrite(version: Version, range: RangeRequest): Compaction | 'busy' | undefined {
    const { smallest, largest, beforeNumber, isDead } = range;
    const isAny = isDead || this.#engine.keyspaces.jobRules().some(isDroppingRule);
    return this.#rewrites.pickRange(version, smallest, largest, beforeNumber, ({ facts }) => {
      const { deletions = 0, rangeDeletions = 0, hiddenVersions = 0 } = facts ?? {};
      return isAny || deletions + rangeDeletions + hiddenVersions > 0;
    });
  }

  #compacted(compaction: Compaction, request: JobRequest, result: JobResult): void {
    const { stats, stall, events } = this.#engine;
    const { reason, outputLevel } = compaction;
    stats.compacted(outputLevel, result);
    this.#noteOperators(result);
    stall.throttle.learn(result.bytesRead, result.durationUs);
    this.#replace(compaction, result.outputs, () => {
      events.publish('compaction', { job: request.id, reason, outputLevel, ...result });
    });
  }

  /** Code of the user's that failed has left entries as they were. */
  #noteOperators({ operatorFailures, operatorFailure }: JobResult): void {
    if (operatorFailures === 0) return;
    this.#engine.stats.operatorFailures += operatorFailures;
    const what = 'a merge operator or compaction filter failed';
    this.#engine.events.publish('failure', { what, message: operatorFailure });
  }

  /** The outputs take the place of the inputs. */
  #replace(compaction: Compaction, outputs: JobResult['outputs'], onInstalled: () => void): void {
    const edit = new VersionEdit();
    for (const { level, files } of compaction.inputs) {
      for (const file of files) edit.deletedFiles.push({ level, number: file.number });
    }
    edit.newFiles.push(...outputs);
    if (compaction.pointer !== undefined) edit.compactPointers.push(compaction.pointer);
    this.#engine.manifest.commit(edit, () => {
      this.#endCompaction(compaction);
      onInstalled();
    });
  }

  #endCompaction(compaction: Compaction): void {
    for (const { files } of compaction.inputs) for (const file of files) file.isCompacting = false;
    this.#compaction = undefined;
    this.#isFiltering = false;
  }

  // ---- trouble

  /** No room: tried again when there may be some. Anything else leaves the state unknown, or shows damage. */
  #jobFailed(what: string, failure: JobFailure): void {
    const { code, message } = failure;
    const { events, timers, writes } = this.#engine;
    const cause = new LsmError(code, message);
    events.publish('failure', { what, ...failure });
    if (code !== 'DISK_FULL') {
      this.#engine.poison(what, cause);
      return;
    }
    this.#engine.fullDisk = cause;
    this.#engine.logs.giveRoomBack();
    this.#cancelRetry = timers.after(RETRY_MS, () => {
      this.#retryNow();
      this.schedule();
    });
    // Nobody knows when there will be.
    this.#failJobs(cause);
    writes.retry();
  }

  #retryNow(): void {
    if (this.#cancelRetry === undefined) return;
    this.#cancelRetry();
    this.#cancelRetry = undefined;
    this.#engine.fullDisk = undefined;
  }

  /** Rejects who waits. */
  fail(error: LsmError): void {
    this.#failJobs(error);
    for (const deferred of this.#drops) deferred.reject(error);
    this.#drops.clear();
  }

  /** Rejects who waits for jobs. */
  #failJobs(error: LsmError): void {
    for (const deferred of [...this.#flushWaiters, ...this.#idleWaiters]) deferred.reject(error);
    for (const { deferred } of this.#ranges) deferred.reject(error);
    this.#flushWaiters = [];
    this.#idleWaiters = [];
    this.#ranges.length = 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#stopClock?.();
    await this.#runner.close();
    this.#endFlush();
  }
}

/** Entries of the keyspace may go by themselves. */
function isDroppingRule({ hasExpiries, compactionFilter }: KeyspaceJobRules): boolean {
  return hasExpiries || compactionFilter !== undefined;
}

function isWithin(file: TableFile, from: Uint8Array, to: Uint8Array | undefined): boolean {
  const { keys, smallestEnd, largestStart, largestEnd } = file;
  const isBehind = Buffer.compare(keys.bytes.subarray(0, smallestEnd), from) >= 0;
  if (!isBehind || to === undefined) return isBehind;
  return Buffer.compare(keys.bytes.subarray(largestStart, largestEnd), to) < 0;
}

function boundOf(key: Uint8Array): KeyBound {
  return { region: Region.of(key), start: 0, end: key.length };
}

function resolved(waiters: readonly Deferred[]): Deferred[] {
  for (const waiter of waiters) waiter.resolve();
  return [];
}
