/**
 * What the keys of a keyspace begin with on the disk: its id, so that the keyspace is one range of keys. Ids are positive integers, in the order of their
 * prefixes:
 *
 *   0xxxxxxx                             ids up to 127
 *   10xxxxxx xxxxxxxx                    up to 16 383
 *   110xxxxx xxxxxxxx xxxxxxxx           up to 2 097 151
 *   1110xxxx xxxxxxxx xxxxxxxx xxxxxxxx  up to 268 435 455
 */

/** Throws RangeError for an id that cannot be. */
export function keyspacePrefix(id: number): Uint8Array {
  if (id < 2 ** 7) return Uint8Array.of(id);
  if (id < 2 ** 14) return Uint8Array.of(0x80 | (id >>> 8), id);
  if (id < 2 ** 21) return Uint8Array.of(0xc0 | (id >>> 16), id >>> 8, id);
  if (id < 2 ** 28) return Uint8Array.of(0xe0 | (id >>> 24), id >>> 16, id >>> 8, id);
  throw new RangeError('the ids of keyspaces are used up');
}

/** The first key behind all that begin with the prefix; undefined where there is none. */
export function behindPrefix(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 255) length--;
  if (length === 0) return undefined;
  const bound = prefix.slice(0, length);
  bound[length - 1]!++;
  return bound;
}
