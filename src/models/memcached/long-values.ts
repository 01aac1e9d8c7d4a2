/**
 * Values that are too long for a record's block, as they are answered: what is long enough is lent, so that it costs next to nothing however
 * many a retrieval asks for. An answer in datagrams is copied, since it is whole or an error.
 */
import type { Ref } from '../../memory/index.ts';
import { LEND_BYTES } from '../redis/host.ts';
import type { RedisModel } from '../redis/model.ts';
import type { MemcachedClient } from './client.ts';
import { MAX_ANSWER_BYTES, MAX_RETRIEVED_BYTES } from './options.ts';

/** What a value on loan is counted as. */
const LOAN_BYTES = 4096;

/** Writes the value of a record that does not hold it in its block. */
export function writeLongValue(
  model: RedisModel,
  client: MemcachedClient,
  ref: Ref,
  length: number,
): void {
  const { engine, host, reply } = model;
  if (length >= LEND_BYTES && !client.isDatagram) {
    host.output.lend(engine, ref, 0, length);
    return;
  }
  // An answer that has become too long is not sent: it need not become any longer.
  const to = client.isDatagram ? Math.min(length, MAX_ANSWER_BYTES + 1) : length;
  engine.eachValueSpan(ref, 0, to, (region, start, end) => reply.raw(region, start, end - start));
}

/** Bytes of memory that a value takes once it was written. */
export function memoryOfValue(client: MemcachedClient, length: number): number {
  return length >= LEND_BYTES && !client.isDatagram ? LOAN_BYTES : length;
}

/** What all values of one retrieval may take. */
export function roomOf(client: MemcachedClient): number {
  return client.isDatagram ? MAX_ANSWER_BYTES : MAX_RETRIEVED_BYTES;
}
