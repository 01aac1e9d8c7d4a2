/** Puts a value with its envelope (expiry.ts) into a batch. */
import { envelopeBytes, writeEnvelope } from './expiry.ts';
import { TYPE_VALUE } from './internal-key.ts';
import type { WriteBatch } from './write-batch.ts';

/** Adds the entry of the key `prefix` + `key`. Throws LsmError LIMIT, with the batch as it was. */
export function addEnveloped(
  batch: WriteBatch,
  prefix: Uint8Array,
  key: Uint8Array,
  value: Uint8Array,
  expiresAtMs: number,
): void {
  const head = envelopeBytes(expiresAtMs);
  batch.reserve(TYPE_VALUE, prefix.length + key.length, head + value.length);
  const { region, keyAt, valueAt } = batch;
  region.bytes.set(prefix, keyAt);
  region.bytes.set(key, keyAt + prefix.length);
  writeEnvelope(region, valueAt, expiresAtMs);
  region.bytes.set(value, valueAt + head);
}
