/**
 * DEBUG DIGEST: a checksum of all data, computed as Redis does, so that a Redis with the same data answers the same.
 *
 *   mix(d, x)   d = SHA1(d xor SHA1(x))
 *   value       mix(type as 4 bytes, big-endian), mix(the string's bytes); volatile: xor SHA1("!!expire!!")
 *   key         of 20 zero bytes: mix(key), then value's steps
 *   all         of 20 zero bytes: for each database with keys mix(its number as 4 bytes), then xor SHA1(key's digest) for each key
 */
import { createHash } from 'node:crypto';
import type { MemoryEngine, Ref } from '../../../memory/index.ts';
import type { Context } from '../context.ts';
import type { RedisModel } from '../model.ts';

const DIGEST_BYTES = 20;

function sha1(bytes: Uint8Array | string): Buffer {
  return createHash('sha1').update(bytes).digest();
}

function xorInto(digest: Buffer, other: Uint8Array): void {
  for (let i = 0; i < DIGEST_BYTES; i++) digest[i]! ^= other[i]!;
}

/** `hashed` is SHA1 of what is mixed in. */
function mix(digest: Buffer, hashed: Uint8Array): void {
  xorInto(digest, hashed);
  sha1(digest).copy(digest);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function mixValue(engine: MemoryEngine, ref: Ref, digest: Buffer): void {
  mix(digest, sha1(uint32(engine.type(ref))));
  const hash = createHash('sha1');
  engine.eachValueSpan(ref, 0, engine.valueLength(ref), (region, start, end) => {
    hash.update(region.bytes.subarray(start, end));
  });
  mix(digest, hash.digest());
  if (engine.isVolatile(ref)) xorInto(digest, sha1('!!expire!!'));
}

/** The digest of all databases, in hexadecimal. */
export function datasetDigest(model: RedisModel): string {
  const { engine } = model;
  const all = Buffer.alloc(DIGEST_BYTES);
  for (const db of model.databases) {
    if (db.keys.size === 0) continue;
    mix(all, sha1(uint32(db.id)));
    db.keys.forEach((ref) => {
      const digest = Buffer.alloc(DIGEST_BYTES);
      mix(digest, sha1(engine.copyKey(ref)));
      mixValue(engine, ref, digest);
      xorInto(all, sha1(digest));
    });
  }
  return all.toString('hex');
}

/** The digest of the value of the key in argument `i`, expired or not; zeros where there is none. */
export function keyDigest(c: Context, i: number): string {
  const { request, db, engine } = c;
  const digest = Buffer.alloc(DIGEST_BYTES);
  const start = request.start[i]!;
  const end = request.end[i]!;
  const ref = db.keys.find(db.keys.hash(request.region, start, end), request.region, start, end);
  if (ref !== 0) mixValue(engine, ref, digest);
  return digest.toString('hex');
}
