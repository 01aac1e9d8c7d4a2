/**
 * Reads of single keys. What is in memory is read where it lies: a text key is written straight to the place that the engine reads it from, a text value is made
 * straight of the block or memtable that holds it. Everything else the engine's own reads do.
 */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { CACHED, SYNC } from '../../lsm/cursor.ts';
import type { Engine } from '../../lsm/database/engine.ts';
import { NOT_CACHED } from '../../lsm/database/read-path.ts';
import type { Snapshot } from '../../lsm/database/snapshot.ts';
import { ABSENT, DELETED, FOUND, NOT_CACHED as MISSED } from '../../lsm/format/lookup.ts';
import { bytesOf, type Format, type Formatted, textOf, writeText } from './formats.ts';

/** A UTF-16 unit has at most so many bytes in UTF-8. */
const BYTES_OF_UNIT = 3;
/** Of longer texts the exact length is worth knowing before there is room for them. */
const MAX_UNITS = 1024;

export class PointReads {
  readonly #engine: Engine;
  readonly #key = new GrowingBytes();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Blocks for what is not in memory. Throws LsmError. */
  getSync(key: Formatted, format: Format, snapshot: Snapshot | undefined): Formatted | undefined {
    const { lookup, points, reads, view } = this.#engine;
    const sequence = this.#begin(key, snapshot);
    const { region, length } = this.#key;
    const answer = points.find(view, region, 0, length, sequence, SYNC, lookup);
    if (answer === FOUND) return this.#take(format);
    if (answer === ABSENT || answer === DELETED) return undefined;
    lookup.release();
    return formatted(reads.getSync(region, 0, length, sequence), format);
  }

  /** The value, undefined where there is none, or NOT_CACHED where that has to be read, by `load`. Throws LsmError. */
  peek(
    key: Formatted,
    format: Format,
    snapshot: Snapshot | undefined,
  ): Formatted | undefined | typeof NOT_CACHED {
    const { lookup, points, view } = this.#engine;
    const sequence = this.#begin(key, snapshot);
    const { region, length } = this.#key;
    const answer = points.find(view, region, 0, length, sequence, CACHED, lookup);
    if (answer === FOUND) return this.#take(format);
    if (answer === ABSENT || answer === DELETED) return undefined;
    if (answer === MISSED) lookup.requests.release();
    else lookup.release();
    return NOT_CACHED;
  }

  /** Whether there is a value, or NOT_CACHED. Throws LsmError. */
  peekHas(key: Formatted, snapshot: Snapshot | undefined): boolean | typeof NOT_CACHED {
    const { lookup, points, view } = this.#engine;
    const sequence = this.#begin(key, snapshot);
    const { region, length } = this.#key;
    const answer = points.find(view, region, 0, length, sequence, CACHED, lookup);
    if (answer === MISSED) {
      lookup.requests.release();
      return NOT_CACHED;
    }
    lookup.release();
    return answer !== ABSENT && answer !== DELETED;
  }

  /** The same as of now, whatever has to be read for it. Rejects with LsmError. */
  async load(
    key: Formatted,
    format: Format,
    snapshot: Snapshot | undefined,
  ): Promise<Formatted | undefined> {
    const sequence = this.#begin(key, snapshot);
    const { region, length } = this.#key;
    return formatted(await this.#engine.reads.get(region, 0, length, sequence), format);
  }

  /** Puts the key where it is read from; the sequence to read at. */
  #begin(key: Formatted, snapshot: Snapshot | undefined): number {
    const target = this.#key;
    if (typeof key === 'string' && key.length <= MAX_UNITS) {
      target.reserve(key.length * BYTES_OF_UNIT);
      target.length = writeText(target.region.bytes, key);
    } else {
      const bytes = bytesOf(key);
      target.reserve(bytes.length);
      target.region.bytes.set(bytes);
      target.length = bytes.length;
    }
    const engine = this.#engine;
    engine.checkOpen();
    if (snapshot !== undefined) return snapshot.sequenceFor(engine);
    engine.writes.settle();
    return engine.lastSequence;
  }

  #take(format: Format): Formatted {
    const { lookup, copies } = this.#engine;
    const { region, start, end } = lookup;
    const value =
      format === 'utf8' ? textOf(region.bytes, start, end) : copies.copy(region, start, end);
    lookup.release();
    return value;
  }
}

function formatted(value: Buffer | undefined, format: Format): Formatted | undefined {
  if (value === undefined || format !== 'utf8') return value;
  return textOf(value, 0, value.length);
}
