/** Ranges of keys, as abstract-level and LevelDB tell of them, in terms of the engine. */
import type { RangeOptions } from '../../lsm/database/range.ts';
import type { Snapshot } from '../../lsm/database/snapshot.ts';
import { bytesOf, type Formatted } from './formats.ts';

/** Options of iterators and `clear` as abstract-level hands them over: bounds are encoded, there is always a limit (-1 for none). */
export interface LevelRange {
  readonly lt?: Formatted;
  readonly lte?: Formatted;
  readonly gt?: Formatted;
  readonly gte?: Formatted;
  readonly reverse: boolean;
  readonly limit: number;
}

/** Bounds in bytes, at most one on each side: where there are two, LevelDB's binding takes `lte` and `gte`. */
export interface Bounds {
  readonly lt: Uint8Array | undefined;
  readonly lte: Uint8Array | undefined;
  readonly gt: Uint8Array | undefined;
  readonly gte: Uint8Array | undefined;
}

export function boundsOf({ lt, lte, gt, gte }: LevelRange): Bounds {
  return {
    lt: lt === undefined || lte !== undefined ? undefined : bytesOf(lt),
    lte: lte === undefined ? undefined : bytesOf(lte),
    gt: gt === undefined || gte !== undefined ? undefined : bytesOf(gt),
    gte: gte === undefined ? undefined : bytesOf(gte),
  };
}

export function rangeOf(range: LevelRange, snapshot: Snapshot | undefined): RangeOptions {
  const { reverse, limit } = range;
  return { ...boundsOf(range), reverse, limit: limit < 0 ? Infinity : limit, snapshot };
}

export function isWithin({ lt, lte, gt, gte }: Bounds, key: Uint8Array): boolean {
  if (lte !== undefined && Buffer.compare(key, lte) > 0) return false;
  if (lt !== undefined && Buffer.compare(key, lt) >= 0) return false;
  if (gte !== undefined && Buffer.compare(key, gte) < 0) return false;
  return gt === undefined || Buffer.compare(key, gt) > 0;
}
