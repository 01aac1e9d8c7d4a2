/**
 * The envelope of values of keyspaces with a time to live. LevelDB reads it as part of the value.
 *
 *   0 | value                                      never expires
 *   1 | milliseconds since 1970, 6 bytes | value   expires then (little endian)
 */
import type { Region } from '../bytes/region.ts';
import { LsmError } from './errors.ts';

const NEVER = 0;
const EXPIRES = 1;
const NEVER_BYTES = 1;
const EXPIRES_BYTES = 7;
const TWO_32 = 2 ** 32;

/** In place of a time: the value never expires. */
export const NO_EXPIRY = 0;
/** In place of a time: these bytes are no envelope. */
export const NO_ENVELOPE = -1;
/** The year 10 889. */
export const MAX_EXPIRY_MS: number = 2 ** 48 - 1;

/** Bytes before the value. */
export function envelopeBytes(expiresAtMs: number): number {
  return expiresAtMs === NO_EXPIRY ? NEVER_BYTES : EXPIRES_BYTES;
}

/** Writes what stands before the value; returns where the value begins. */
export function writeEnvelope(region: Region, at: number, expiresAtMs: number): number {
  const { bytes, view } = region;
  if (expiresAtMs === NO_EXPIRY) {
    bytes[at] = NEVER;
    return at + NEVER_BYTES;
  }
  bytes[at] = EXPIRES;
  view.setUint32(at + 1, expiresAtMs % TWO_32, true);
  view.setUint16(at + 5, Math.floor(expiresAtMs / TWO_32), true);
  return at + EXPIRES_BYTES;
}

/** When the value in an envelope expires, NO_EXPIRY for never, NO_ENVELOPE where there is none. */
export function expiryOf(region: Region, start: number, end: number): number {
  const kind = start < end ? region.bytes[start]! : -1;
  if (kind === NEVER) return NO_EXPIRY;
  if (kind === EXPIRES && end - start >= EXPIRES_BYTES) {
    return region.view.getUint16(start + 5, true) * TWO_32 + region.view.getUint32(start + 1, true);
  }
  return NO_ENVELOPE;
}

/** LevelDB may have written it, which knows of no envelopes. */
export function noEnvelope(path: string): LsmError {
  const problem = 'a value without the envelope that values of its keyspace have';
  return new LsmError('CORRUPTION', problem, { path });
}

/** Where the value in an envelope begins. `expiryOf` comes first. */
export function valueStartOf(region: Region, start: number): number {
  return start + (region.bytes[start] === NEVER ? NEVER_BYTES : EXPIRES_BYTES);
}

/** Whether it is over: at that very millisecond it is. */
export function isExpired(expiresAtMs: number, nowMs: number): boolean {
  return expiresAtMs > NO_EXPIRY && expiresAtMs <= nowMs;
}
