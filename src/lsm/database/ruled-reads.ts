/**
 * Point reads of keyspaces that have a merge operator, times to live or a compaction filter. Operands are followed down to the value below them, a lookup for each: a compaction shortens
 * that.
 */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import type { Region } from '../../bytes/region.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import { CACHED, SYNC } from '../cursor.ts';
import { NO_EXPIRY } from '../expiry.ts';
import { FOUND, Lookup, MERGE, NOT_CACHED as MISSED } from '../format/lookup.ts';
import { MAX_READ_ROUNDS } from '../limits.ts';
import { EXPIRED, type ValueRules } from '../value-rules.ts';
import type { Engine } from './engine.ts';
import { NOT_CACHED } from './read-path.ts';
import type { View } from './view.ts';

export class RuledReads {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Of the whole key `[0, end)`. Blocks for what is not cached. Throws LsmError. */
  getSync(
    view: View,
    region: Region,
    end: number,
    sequence: number,
    rules: ValueRules,
  ): Buffer | undefined {
    const { lookup } = this.#engine;
    return this.find(view, region, end, sequence, rules, SYNC, lookup) as Buffer | undefined;
  }

  /** Looks at what is in memory only. */
  peek(
    view: View,
    region: Region,
    end: number,
    sequence: number,
    rules: ValueRules,
  ): Buffer | undefined | typeof NOT_CACHED {
    const { lookup } = this.#engine;
    const value = this.find(view, region, end, sequence, rules, CACHED, lookup);
    lookup.requests.release();
    return value;
  }

  /** Beside the event loop where it has to read. */
  async get(
    view: View,
    region: Region,
    end: number,
    sequence: number,
    rules: ValueRules,
  ): Promise<Buffer | undefined> {
    const found = this.peek(view, region, end, sequence, rules);
    if (found !== NOT_CACHED) return found;
    const engine = this.#engine;
    const key = new GrowingBytes();
    key.set(region, 0, end);
    const requests = new BlockRequests(engine.tables.loader);
    const lookup = new Lookup(engine.cache, requests);
    engine.retain(view);
    try {
      for (let round = 0; ; round++) {
        const mode = round < MAX_READ_ROUNDS ? CACHED : SYNC;
        const value = this.find(view, key.region, end, sequence, rules, mode, lookup);
        if (value !== NOT_CACHED) return value;
        await requests.load();
      }
    } finally {
      requests.release();
      engine.releaseView(view);
    }
  }

  /** When the value expires: Infinity for never, undefined where there is none. Blocks. Throws LsmError. */
  expiresAtSync(
    view: View,
    region: Region,
    end: number,
    sequence: number,
    rules: ValueRules,
  ): number | undefined {
    const { lookup, points } = this.#engine;
    const answer = points.find(view, region, 0, end, sequence, SYNC, lookup);
    if (answer !== FOUND) {
      lookup.release();
      return undefined;
    }
    try {
      const { region: value, start } = lookup;
      if (rules.valueStart(value, start, lookup.end) === EXPIRED) return undefined;
      const expiresAtMs = rules.expiry(value, start, lookup.end);
      return expiresAtMs === NO_EXPIRY ? Infinity : expiresAtMs;
    } finally {
      lookup.release();
    }
  }

  /** The value by a view, or NOT_CACHED in CACHED mode, what is missing noted in the lookup's requests. */
  find(
    view: View,
    region: Region,
    end: number,
    sequence: number,
    rules: ValueRules,
    mode: number,
    lookup: Lookup,
  ): Buffer | undefined | typeof NOT_CACHED {
    const { points } = this.#engine;
    /** Newest first. */
    const operands: Uint8Array[] = [];
    for (let below = sequence; ;) {
      const answer = points.find(view, region, 0, end, below, mode, lookup);
      if (answer === MISSED) return NOT_CACHED;
      if (answer === MERGE) {
        operands.push(lookup.region.bytes.slice(lookup.start, lookup.end));
        below = lookup.sequence - 1;
        lookup.release();
        continue;
      }
      const existing = answer === FOUND ? this.#take(lookup, rules) : undefined;
      if (operands.length === 0) return existing;
      const value = rules.merge(region, 0, end, existing, operands.reverse());
      return Buffer.from(value.buffer, value.byteOffset, value.length);
    }
  }

  #take(lookup: Lookup, rules: ValueRules): Buffer | undefined {
    try {
      const { region, end } = lookup;
      const start = rules.valueStart(region, lookup.start, end);
      return start === EXPIRED ? undefined : this.#engine.copies.copy(region, start, end);
    } finally {
      lookup.release();
    }
  }
}
