/** The range of stored keys that `--keyspace`, `--from` and `--to` ask for. */
import { behindPrefix } from '../../lsm/database/keyspace-prefix.ts';
import { LsmError } from '../../lsm/errors.ts';
import { parseBytes } from '../../lsm/tools/bytes-text.ts';
import type { KeyNames } from '../../lsm/tools/key-names.ts';

export interface RangeOptions {
  readonly keyspace?: string;
  readonly from?: string;
  readonly to?: string;
}

export interface StoredRange {
  /** Inclusive; undefined for no bound. */
  readonly from: Uint8Array | undefined;
  readonly to: Uint8Array | undefined;
  readonly contains: (key: Uint8Array) => boolean;
}

/** Throws LsmError NOT_FOUND for a keyspace that is not there. */
export function storedRange({ keyspace, from, to }: RangeOptions, names: KeyNames): StoredRange {
  const prefix = keyspace === undefined ? new Uint8Array(0) : names.prefixOf(keyspace);
  if (prefix === undefined) throw new LsmError('NOT_FOUND', `there is no keyspace ${keyspace}`);
  const key = (text: string): Uint8Array => Buffer.concat([prefix, parseBytes(text)]);
  const first = from === undefined ? (prefix.length === 0 ? undefined : prefix) : key(from);
  // The first key behind the keyspace is in it no more, but only keys of others can be equal to it.
  const last = to === undefined ? behindPrefix(prefix) : key(to);
  const contains = (stored: Uint8Array): boolean =>
    (first === undefined || Buffer.compare(stored, first) >= 0) &&
    (last === undefined || Buffer.compare(stored, last) <= 0) &&
    prefix.every((byte, i) => stored[i] === byte);
  return { from: first, to: last, contains };
}
