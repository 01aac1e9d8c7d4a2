/**
 * A database whose log is its owner's: it writes none, and what is in memory is gone after a crash. So each flush also stores how far the owner's log was applied,
 * in the same table as the data, and the owner replays its log from there.
 *
 * The position lies under a key that no keyspace has, since prefixes of keyspaces begin with other bytes:
 *
 *   00 "position"  ->  8 bytes, little endian
 *
 * It is put to the memtable as its last entry when that is full, and a memtable keeps room for it.
 */
import { Region } from '../../bytes/region.ts';
import { SYNC } from '../cursor.ts';
import { LsmError } from '../errors.ts';
import { FOUND } from '../format/lookup.ts';
import { TYPE_VALUE } from '../internal-key.ts';
import type { DirectoryDescription } from '../manifest/kvasir-file.ts';
import type { Engine } from './engine.ts';
import type { HeldMemtable } from './memtable-list.ts';

/** The setting `log` of a directory without a log of its own. */
export const EXTERNAL = 'external';
const KEY: Region = Region.of('\u0000position');
const KEY_BYTES = KEY.bytes.length;
const VALUE_BYTES = 8;
const TWO_32 = 0x100000000;

/** What a memtable keeps free. */
export const POSITION_ENTRY_BYTES: number = KEY_BYTES + VALUE_BYTES;

export function hasExternalLog(description: DirectoryDescription | undefined): boolean {
  return description?.settings['log'] === EXTERNAL;
}

export class ExternalPosition {
  /** The highest position that came with a batch, be it stored or waiting. */
  given: number;
  /** Everything before it that was given to the database can be read. */
  applied: number;
  /** Everything before it is in tables. */
  flushed: number;
  readonly #value: Region = Region.allocate(VALUE_BYTES);

  constructor(position: number) {
    this.given = position;
    this.applied = position;
    this.flushed = position;
  }

  /** As the tables have it. Blocks. Throws LsmError. */
  static read(engine: Engine): ExternalPosition {
    const { points, view, lookup, lastSequence } = engine;
    const answer = points.find(view, KEY, 0, KEY_BYTES, lastSequence, SYNC, lookup);
    if (answer !== FOUND) return new ExternalPosition(0);
    const { region, start, end } = lookup;
    const { view: bytes } = region;
    const isWhole = end - start === VALUE_BYTES;
    const position = isWhole
      ? bytes.getUint32(start + 4, true) * TWO_32 + bytes.getUint32(start, true)
      : NaN;
    lookup.release();
    if (Number.isSafeInteger(position)) return new ExternalPosition(position);
    const place = { path: engine.directory, expected: `${VALUE_BYTES} bytes`, found: end - start };
    throw new LsmError('CORRUPTION', 'the stored position is none', place);
  }

  /** Throws RangeError for a position that is none, or before one that was given already. */
  give(position: number): void {
    if (!Number.isSafeInteger(position) || position < this.given) {
      throw new RangeError(`a position must be an integer, and at least ${this.given}`);
    }
    this.given = position;
  }

  /** Everything up to here has been applied. */
  reach(position: number): void {
    if (position > this.applied) this.applied = position;
  }

  /** Puts the position to a memtable that is full, under a sequence of its own. */
  keepIn(held: HeldMemtable, sequence: number): void {
    const { view } = this.#value;
    const { applied } = this;
    view.setUint32(0, applied % TWO_32, true);
    view.setUint32(4, Math.floor(applied / TWO_32), true);
    held.position = applied;
    const { memtable } = held;
    const value = this.#value;
    if (!memtable.add(KEY, 0, KEY_BYTES, sequence, TYPE_VALUE, value, 0, VALUE_BYTES)) {
      throw new Error('a memtable has no room for the position');
    }
  }

  /** These memtables are in durable tables. */
  tell(flushed: readonly HeldMemtable[]): void {
    for (const { position } of flushed) if (position > this.flushed) this.flushed = position;
  }
}
