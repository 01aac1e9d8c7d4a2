/**
 * Keeps an engine in step with a directory that another process writes to, Kvasir or LevelDB, without its knowing: nothing is locked, nothing written.
 *
 *   1. KVASIR and the manifest are read, which say which tables and logs there are to be. Tables are opened before anything relies on them, and stay open.
 *   2. What was appended to the logs since the last time goes to memtables, in the order of sequences, as long as one batch follows the other. Reads do not see it yet.
 *   3. In one step the version becomes the current one, memtables whose logs are in tables by now go, and the last sequence is the one that was come to.
 *
 * The writer goes on meanwhile: a file that is gone, or a batch that does not follow, means that the manifest is newer by now, and all is begun again. What is not whole
 * at the end of the last log is not there yet.
 */
import type { BatchReader } from '../batch-reader.ts';
import type { Engine } from '../database/engine.ts';
import { ExternalPosition, hasExternalLog } from '../database/external-position.ts';
import type { HeldMemtable } from '../database/memtable-list.ts';
import { isMissing, KNOWN_FEATURES } from '../database/open-engine.ts';
import { LsmError } from '../errors.ts';
import { MAX_REFRESH_ATTEMPTS } from '../limits.ts';
import { logFileName, parseFileName } from '../manifest/file-names.ts';
import {
  checkDescription,
  type DirectoryDescription,
  readKvasirFile,
} from '../manifest/kvasir-file.ts';
import { FollowedManifest } from '../manifest/followed-manifest.ts';
import type { ManifestState } from '../manifest/manifest-state.ts';
import { Memtable } from '../memtable/memtable.ts';
import { BATCH_HEADER_BYTES } from '../write-batch.ts';
import { AT_TORN, CUT_BACK, LogTail, REFUSED } from './log-tail.ts';

/** What was read does not go together: the writer has gone on meanwhile. */
class Moved extends Error {}

export class Follower {
  /** The keyspaces may be others. */
  onKeyspaces: () => void = () => {};
  readonly #engine: Engine;
  readonly #manifest: FollowedManifest;
  readonly #tails = new Map<number, LogTail>();
  /** Memtables that were read in vain: they go with the next step 3. */
  #stale: readonly HeldMemtable[] = [];
  /** The sequence of the batch that comes next; undefined where no memtable has anything. */
  #expected: number | undefined = undefined;
  #entries = 0;
  #description = '';

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#manifest = new FollowedManifest(engine.files, engine.directory);
  }

  /** Whether anything has changed since the last time. One call at a time. Rejects with LsmError, FileError; what was there before stays. */
  async refresh(): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt();
      } catch (error) {
        const isLast = attempt === MAX_REFRESH_ATTEMPTS;
        if (!(error instanceof Moved) && (isLast || !isMissing(error))) throw error;
        if (isLast) throw this.#broken(error as Error);
        // Perhaps a log was cut back after a write that failed, and what was read of it is no more.
        if (error instanceof Moved && attempt > 1) this.#forget();
        await this.#engine.turn.passed();
      }
    }
  }

  close(): void {
    this.#manifest.close();
    for (const tail of this.#tails.values()) tail.close();
    this.#tails.clear();
  }

  async #attempt(): Promise<boolean> {
    const engine = this.#engine;
    engine.checkOpen();
    const { files, directory } = engine;
    const description = readKvasirFile(files, directory);
    const state = this.#manifest.read();
    const { isNew } = this.#manifest;
    if (description !== undefined) checkDescription(description, state, KNOWN_FEATURES);
    const opened = this.#openTables(state);
    const before = this.#entries;
    try {
      await this.#readLogs(state);
    } catch (error) {
      for (const number of opened) engine.tables.evict(number);
      throw error;
    }
    this.#install(state);
    const hasNewKeyspaces = this.#describe(description);
    if (hasExternalLog(description)) engine.position = ExternalPosition.read(engine);
    return isNew || this.#entries !== before || hasNewKeyspaces;
  }

  #describe(description: DirectoryDescription | undefined): boolean {
    const text = JSON.stringify(description) ?? '';
    if (text === this.#description) return false;
    this.#description = text;
    this.#engine.keyspaces.replace(description);
    this.onKeyspaces();
    return true;
  }

  /** Opens what the current version does not have; returns their numbers. */
  #openTables(state: ManifestState): number[] {
    const { tables, versions } = this.#engine;
    const here = new Set<number>();
    for (const files of versions.current.levels) for (const { number } of files) here.add(number);
    const opened: number[] = [];
    try {
      for (const { number, level } of state.files.values()) {
        if (here.has(number)) continue;
        tables.release(tables.acquire(number, level));
        opened.push(number);
      }
    } catch (error) {
      for (const number of opened) tables.evict(number);
      throw error;
    }
    return opened;
  }

  // ---- logs

  async #readLogs(state: ManifestState): Promise<void> {
    const numbers = this.#neededLogs(state);
    for (let round = 1; ; round++) {
      // What the first logs lack may have come to them while the last one was read.
      if (await this.#readOnce(state, numbers)) return;
      if (round === MAX_REFRESH_ATTEMPTS) throw new Moved('a batch does not follow');
    }
  }

  /** False where a batch did not follow. */
  async #readOnce(state: ManifestState, numbers: readonly number[]): Promise<boolean> {
    const { turn } = this.#engine;
    for (const [i, number] of numbers.entries()) {
      const steps = this.#tail(number).read(state.formatLevel, (batch) =>
        this.#take(batch, number, state),
      );
      let step = steps.next();
      while (step.done !== true) {
        await turn.passed();
        this.#engine.checkOpen();
        step = steps.next();
      }
      if (step.value === CUT_BACK) throw new Moved('a log is shorter than it was');
      if (step.value === REFUSED) return false;
      const isLast = i === numbers.length - 1;
      if (step.value === AT_TORN && !isLast && this.#hasEntries(numbers.slice(i + 1))) return false;
    }
    return true;
  }

  /** Whether something was read of one of the logs before, which is then behind what is torn. */
  #hasEntries(numbers: readonly number[]): boolean {
    return numbers.some((number) => (this.#tails.get(number)?.entries ?? 0) > 0);
  }

  #neededLogs(state: ManifestState): number[] {
    const { files, directory } = this.#engine;
    const numbers: number[] = [];
    for (const name of files.readDirectory(directory)) {
      const file = parseFileName(name);
      if (file?.kind === 'log' && isNeeded(file.number, state)) numbers.push(file.number);
    }
    const { logNumber } = state;
    // It may not have been begun yet, or be in tables of a newer version.
    if (!numbers.includes(logNumber) && this.#isNewer()) {
      throw new Moved(`${logFileName(logNumber)} is gone`);
    }
    return numbers.sort((a, b) => a - b);
  }

  #isNewer(): boolean {
    this.#manifest.read();
    return this.#manifest.isNew;
  }

  #tail(number: number): LogTail {
    const { files, directory } = this.#engine;
    let tail = this.#tails.get(number);
    if (tail === undefined) {
      tail = new LogTail(files, directory, number);
      this.#tails.set(number, tail);
    }
    return tail;
  }

  /** False where the batch does not follow. */
  #take(batch: BatchReader, logNumber: number, state: ManifestState): boolean {
    const { firstSequence, count } = batch;
    if (this.#expected === undefined) {
      if (firstSequence > state.lastSequence + 1) return false;
    } else if (firstSequence !== this.#expected) return false;
    this.#makeRoom(batch, logNumber);
    const { region } = batch;
    const { memtable } = this.#engine.memtables.active;
    while (batch.next()) {
      const { keyStart, keyEnd, sequence, type, valueStart, valueEnd } = batch;
      if (memtable.add(region, keyStart, keyEnd, sequence, type, region, valueStart, valueEnd)) {
        continue;
      }
      throw new LsmError('LIMIT', 'a memtable was full although there was room');
    }
    this.#expected = firstSequence + count;
    this.#entries += count;
    return true;
  }

  #makeRoom(batch: BatchReader, logNumber: number): void {
    const { memtables } = this.#engine;
    const { active } = memtables;
    const { count } = batch;
    const payloadBytes = batch.sizeBytes - BATCH_HEADER_BYTES;
    const canTake = active.memtable.canTake(count, payloadBytes);
    if (active.memtable.entries > 0) {
      if (canTake && active.logNumber === logNumber) return;
      const capacity = Memtable.capacityFor(count, payloadBytes);
      memtables.rotate((this.#expected ?? 1) - 1, logNumber, capacity);
      return;
    }
    if (!canTake) memtables.replaceEmpty(Memtable.capacityFor(count, payloadBytes));
    memtables.active.logNumber = logNumber;
  }

  /** All logs are read again from their beginning. */
  #forget(): void {
    const { memtables } = this.#engine;
    if (memtables.active.memtable.entries > 0) memtables.rotate(0, 0, 0);
    this.#stale = memtables.full;
    for (const tail of this.#tails.values()) tail.close();
    this.#tails.clear();
    this.#expected = undefined;
  }

  // ---- what was read counts

  #install(state: ManifestState): void {
    const engine = this.#engine;
    const { memtables, versions } = engine;
    versions.follow(state);
    const { active } = memtables;
    if (active.memtable.entries > 0 && !isNeeded(active.logNumber, state)) {
      memtables.rotate(0, 0, 0);
    }
    const done = memtables.full.filter(
      (held) => this.#stale.includes(held) || !isNeeded(held.logNumber, state),
    );
    if (done.length > 0) memtables.remove(done);
    this.#stale = [];
    for (const [number, tail] of this.#tails) {
      if (isNeeded(number, state)) continue;
      tail.close();
      this.#tails.delete(number);
    }
    const isEmpty = memtables.full.length === 0 && memtables.active.memtable.entries === 0;
    if (isEmpty) this.#expected = undefined;
    engine.followed(Math.max(state.lastSequence, (this.#expected ?? 0) - 1));
  }

  #broken(cause: Error): LsmError {
    const path = this.#engine.directory;
    return new LsmError('CORRUPTION', 'the logs do not go together', { path, cause });
  }
}

function isNeeded(number: number, { logNumber, previousLogNumber }: ManifestState): boolean {
  return number >= logNumber || (number !== 0 && number === previousLogNumber);
}
