/** The bounds of a range as whole keys on the disk: the first included, the second not. */
import { GrowingBytes } from '../../bytes/growing-bytes.ts';
import { behindPrefix } from './keyspace-prefix.ts';
import type { RangeOptions } from './range.ts';

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Throws TypeError. */
export function lowerBound(prefix: Uint8Array, options: RangeOptions): GrowingBytes | undefined {
  const { gt, gte } = options;
  if (gt !== undefined && gte !== undefined) throw new TypeError('gt and gte exclude each other');
  const bound = gt ?? gte;
  if (bound === undefined)
    return prefix.length === 0 ? undefined : boundOf(prefix, NO_BYTES, false);
  return boundOf(prefix, bound, gt !== undefined);
}

/** Throws TypeError. */
export function upperBound(prefix: Uint8Array, options: RangeOptions): GrowingBytes | undefined {
  const { lt, lte } = options;
  if (lt !== undefined && lte !== undefined) throw new TypeError('lt and lte exclude each other');
  const bound = lt ?? lte;
  if (bound !== undefined) return boundOf(prefix, bound, lte !== undefined);
  const end = behindPrefix(prefix);
  return end && boundOf(NO_BYTES, end, false);
}

/** Throws RangeError. */
export function limitOf({ limit = Infinity }: RangeOptions): number {
  if (typeof limit === 'number' && limit >= 0) return limit;
  throw new RangeError(`limit must be 0 or more, not ${String(limit)}`);
}

/** The key itself, or (`isNext`) the first one behind it. */
function boundOf(prefix: Uint8Array, key: Uint8Array, isNext: boolean): GrowingBytes {
  if (!(key instanceof Uint8Array)) throw new TypeError('a bound must be a Uint8Array');
  const length = prefix.length + key.length + (isNext ? 1 : 0);
  const bound = new GrowingBytes(length);
  bound.region.bytes.set(prefix);
  bound.region.bytes.set(key, prefix.length);
  bound.length = length;
  return bound;
}
