/**
 * What stands behind damage in an incremental file: decides whether a batch that can't be verified is a torn tail, damage in the
 * middle of data, or a place where a real Redis cut our file and went on. Only called when something is wrong, so simple rather than fast.
 */
import { crc32 } from 'node:zlib';
import { COMPLETE, INCOMPLETE, RespParser } from '../bytes/resp-parser.ts';
import { Request } from '../bytes/resp-request.ts';
import { BATCH_BEGIN_BYTES, BATCH_MARK, BatchHead, CHECKED_AT } from './batch.ts';
import type { FileWindow } from './file-window.ts';
import { LINE_BYTES, WINDOW_BYTES } from './limits.ts';

/** Candidates may make the search read the rest of the file this many times over before it gives up. */
const EFFORT = 16;

/**
 * Whether data that was synced stands behind `offset`: a batch there verifies and knows that the log was durable beyond `position`. Then
 * `offset` is not a torn tail, whose loss nobody has been promised against: un-synced batches reach the disk in any order. A file made
 * to waste time is given up on as if it held one.
 */
export function isFollowedBySynced(
  window: FileWindow,
  offset: number,
  seed: number,
  position: number,
): boolean {
  const head = new BatchHead();
  let effort = (window.size - offset) * EFFORT;
  for (let from = offset + 1; from + BATCH_BEGIN_BYTES <= window.size;) {
    const held = window.fill(from, WINDOW_BYTES);
    const bytes = window.region.bytes;
    const found = Buffer.from(bytes.buffer, bytes.byteOffset + window.at, held).indexOf(BATCH_MARK);
    if (found < 0) {
      from += Math.max(1, held - BATCH_MARK.length + 1);
      continue;
    }
    const candidate = from + found;
    effort -= found + 1;
    if (isHeadAt(window, candidate, head) && head.durable > position) {
      effort -= head.length;
      if (effort < 0 || isIntact(window, candidate, head, seed)) return true;
    }
    from = candidate + 1;
  }
  return false;
}

function isHeadAt(window: FileWindow, offset: number, head: BatchHead): boolean {
  const held = window.fill(offset, BATCH_BEGIN_BYTES);
  return head.parse(window.region.bytes, window.at, window.at + held);
}

/** Whether the batch at `offset`, which `head` was parsed from, is whole in the file and has the checksum it says. */
export function isIntact(
  window: FileWindow,
  offset: number,
  head: BatchHead,
  seed: number,
): boolean {
  const end = offset + BATCH_BEGIN_BYTES + head.length;
  if (end > window.size) return false;
  let crc = seed;
  for (let from = offset + CHECKED_AT; from < end;) {
    const part = Math.min(WINDOW_BYTES, end - from);
    window.fill(from, part);
    crc = crc32(window.region.bytes.subarray(window.at, window.at + part), crc);
    from += part;
  }
  return crc === head.crc;
}

/** Where a real Redis went on in a torn batch of ours. */
export interface RedisTail {
  /** The commands of ours before this offset count: Redis loaded them. */
  readonly until: number;
  /** Here begins what it appended. */
  readonly next: number;
}

/**
 * Looks for what a real Redis appended behind `offset`, where commands of ours begin: it cuts a torn command off, and the first thing that it
 * appends is SELECT, which it writes in capitals and we in small letters. Of a transaction that was torn it leaves what was whole, but
 * never ran it. undefined where it was not there.
 */
export function findRedisTail(window: FileWindow, offset: number): RedisTail | undefined {
  const parser = new RespParser();
  parser.maxBulkBytes = 2 ** 32;
  const request = new Request();
  let transaction = -1;
  for (let at = offset; at < window.size;) {
    let held = window.fill(at, LINE_BYTES);
    const first = window.region.bytes[window.at];
    if (first === 35) {
      const newline = window.region.bytes.indexOf(10, window.at);
      if (newline < 0 || newline >= window.at + held) return undefined;
      at += newline + 1 - window.at;
      continue;
    }
    if (first !== 42) return undefined;
    let outcome = parser.parse(window.region, window.at, window.at + held, request, true);
    while (outcome === INCOMPLETE) {
      if (at + parser.needBytes > window.size) return undefined;
      held = window.fill(at, parser.needBytes);
      outcome = parser.parse(window.region, window.at, window.at + held, request, true);
    }
    if (outcome !== COMPLETE) return undefined;
    if (request.count === 2 && request.text(0) === 'SELECT') {
      return { until: transaction < 0 ? at : transaction, next: at };
    }
    if (request.count === 1 && request.is(0, 'MULTI')) transaction = at;
    else if (request.count === 1 && request.is(0, 'EXEC')) transaction = -1;
    at += parser.next - window.at;
  }
  return undefined;
}
