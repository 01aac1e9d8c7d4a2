/**
 * Reads of a command that must not wait in the middle, and so is run again from its start when a block was missing:
 *
 * ```ts
 * const attempt = db.attempt();
 * for (;;) {
 *   const value = attempt.get(key);
 *   if (value !== NOT_CACHED) return use(value);
 *   await attempt.load();
 * }
 * ```
 *
 * All runs read at the sequence of the first. What was missing in one is in memory for the next, and stays there until `close`. Each run may come a little
 * further; after 64 of them `get` reads for itself what is missing, so that the command ends. (Nobody's cache is too small for that.)
 */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import { CACHED, SYNC } from '../cursor.ts';
import { FOUND, Lookup, MERGE, NOT_CACHED as MISSED } from '../format/lookup.ts';
import { MAX_READ_ROUNDS } from '../limits.ts';
import { LsmError } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { Keyspace } from './keyspace.ts';
import { valueRules } from './keyspace-options.ts';
import { noOperator } from '../value-rules.ts';
import { NOT_CACHED } from './read-path.ts';
import type { View } from './view.ts';

export class ReadAttempt {
  readonly sequence: number;
  /** What time it is for all runs, in milliseconds since 1970. */
  readonly nowMs: number;
  readonly #engine: Engine;
  readonly #keyspace: Keyspace;
  readonly #view: View;
  readonly #requests: BlockRequests;
  readonly #lookup: Lookup;
  readonly #key = new GrowingBytes();
  #rounds = 0;
  #isClosed = false;

  /** @internal */
  constructor(engine: Engine, keyspace: Keyspace) {
    engine.checkOpen();
    engine.writes.settle();
    this.#engine = engine;
    this.#keyspace = keyspace;
    this.sequence = engine.lastSequence;
    this.nowMs = engine.nowMs();
    this.#view = engine.retainView();
    this.#requests = new BlockRequests(engine.tables.loader);
    this.#lookup = new Lookup(engine.cache, this.#requests);
  }

  /** The value, undefined, or NOT_CACHED: then `load` fetches what was missing. Throws LsmError. */
  get(
    key: Uint8Array,
    keyspace: Keyspace = this.#keyspace,
  ): Buffer | undefined | typeof NOT_CACHED {
    this.#checkOpen();
    const { prefix } = keyspace;
    const end = prefix.length + key.length;
    this.#key.reserve(end);
    const { region } = this.#key;
    region.bytes.set(prefix);
    region.bytes.set(key, prefix.length);
    const mode = this.#rounds < MAX_READ_ROUNDS ? CACHED : SYNC;
    const { points, copies, ruledReads } = this.#engine;
    const lookup = this.#lookup;
    const rules = valueRules(keyspace.rules, this.nowMs, prefix.length, this.#engine.directory);
    if (rules !== undefined) {
      return ruledReads.find(this.#view, region, end, this.sequence, rules, mode, lookup);
    }
    const answer = points.find(this.#view, region, 0, end, this.sequence, mode, lookup);
    if (answer === MISSED) return NOT_CACHED;
    if (answer === MERGE) {
      lookup.release();
      throw noOperator(this.#engine.directory);
    }
    if (answer !== FOUND) return undefined;
    const value = copies.copy(lookup.region, lookup.start, lookup.end);
    lookup.release();
    return value;
  }

  /** Fetches, beside the event loop, all that was missing since the last time. Rejects with LsmError. */
  async load(): Promise<void> {
    this.#checkOpen();
    this.#rounds++;
    await this.#requests.load();
    this.#checkOpen();
  }

  /** Lets go of what was fetched. No error where it is closed already. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#requests.release();
    this.#engine.releaseView(this.#view);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new LsmError('CLOSED', 'the attempt is closed');
    this.#engine.checkOpen();
  }
}
