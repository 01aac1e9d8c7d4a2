import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BATCH_BEGIN_BYTES,
  BATCH_END_BYTES,
  BatchHead,
  batchSeed,
  formatHeader,
  formatNonce,
  frameBatch,
  HEADER_BYTES,
  looksLikeBegin,
  parseHeader,
  TIMESTAMP_BYTES,
  timestampBytes,
  writeTimestamp,
} from './batch.ts';
import { isIntact } from './batch-scan.ts';
import { FileWindow, type WindowSource } from './file-window.ts';

const NONCE = '0123456789abcdef';
const SEED = batchSeed(NONCE);

function frame(payload: Uint8Array, position: number, durable: number): Uint8Array {
  const bytes = new Uint8Array(BATCH_BEGIN_BYTES + payload.length + BATCH_END_BYTES);
  bytes.set(payload, BATCH_BEGIN_BYTES);
  const end = frameBatch(
    bytes,
    BATCH_BEGIN_BYTES,
    BATCH_BEGIN_BYTES + payload.length,
    position,
    durable,
    SEED,
  );
  expect(end).toBe(bytes.length);
  return bytes;
}

function windowOf(bytes: Uint8Array): FileWindow {
  const source: WindowSource = {
    read(target, at, length, position) {
      const part = bytes.subarray(position, position + length);
      target.set(part, at);
      return part.length;
    },
  };
  return new FileWindow(source, bytes.length, 256);
}

/** Whether `bytes` are one whole batch. */
function isBatch(bytes: Uint8Array, head: BatchHead): boolean {
  if (!head.parse(bytes, 0, bytes.length)) return false;
  if (!isIntact(windowOf(bytes), 0, head, SEED)) return false;
  return head.isEnd(bytes, 0, BATCH_BEGIN_BYTES + head.length, bytes.length);
}

describe('batches', () => {
  test('the bytes of one', () => {
    const bytes = frame(Buffer.from('*1\r\n$4\r\nPING\r\n'), 0x1a2b, 0x1a00);
    expect(Buffer.from(bytes).toString()).toBe(
      '#KVB e569bd13 0000000001a2b 0000002b 0000000e\r\n*1\r\n$4\r\nPING\r\n#KVE e569bd13 0000000e\r\n',
    );
    expect(Buffer.from(formatHeader(NONCE, 77)).toString()).toBe(
      '#KVASIR-AOF 1 0123456789abcdef 000000000004d\r\n',
    );
  });

  test('are read as they were written', () => {
    const position = fc.integer({ min: 0, max: 2 ** 52 - 1 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1000 }), position, fc.nat(), (payload, at, lag) => {
        const durable = Math.max(0, at - lag);
        const head = new BatchHead();
        expect(isBatch(frame(payload, at, durable), head)).toBe(true);
        expect(head).toMatchObject({ position: at, durable, length: payload.length });
      }),
    );
  });

  test('know nothing of what is synced when it is too long ago to say', () => {
    const head = new BatchHead();
    expect(isBatch(frame(Buffer.from('x'), 2 ** 40, 5), head)).toBe(true);
    expect(head.durable).toBe(0);
  });

  test('a changed byte anywhere is found', () => {
    const bytes = frame(Buffer.from('*1\r\n$4\r\nPING\r\n'), 123, 100);
    for (let i = 0; i < bytes.length; i++) {
      for (const flip of [1, 0x20, 0x80]) {
        const damaged = Uint8Array.from(bytes);
        damaged[i]! ^= flip;
        expect(isBatch(damaged, new BatchHead()), `byte ${i}`).toBe(false);
      }
    }
  });

  test('another file with another nonce does not verify', () => {
    const bytes = frame(Buffer.from('x'), 1, 1);
    const head = new BatchHead();
    expect(head.parse(bytes, 0, bytes.length)).toBe(true);
    expect(isIntact(windowOf(bytes), 0, head, batchSeed('f123456789abcdef'))).toBe(false);
  });

  test('headers and timestamps', () => {
    const header = formatHeader(formatNonce(new Uint8Array(8).fill(0xab)), 2 ** 45);
    expect(header.length).toBe(HEADER_BYTES);
    expect(parseHeader(header, 0, header.length)).toEqual({
      nonce: 'abababababababab',
      position: 2 ** 45,
    });
    expect(parseHeader(header, 0, header.length - 1)).toBe(undefined);
    const bytes = new Uint8Array(TIMESTAMP_BYTES);
    writeTimestamp(bytes, 0, 1_700_000_000);
    expect(Buffer.from(bytes).toString()).toBe('#TS:1700000000\r\n');
    expect(timestampBytes(bytes, 0, bytes.length)).toBe(TIMESTAMP_BYTES);
    expect(timestampBytes(Buffer.from('*1\r\n'), 0, 4)).toBe(0);
  });

  test('every line is shorter than what Redis reads of one', () => {
    expect(Math.max(BATCH_BEGIN_BYTES, BATCH_END_BYTES, HEADER_BYTES)).toBeLessThan(128);
  });

  test('a part of the first mark is enough to look like a batch', () => {
    expect(looksLikeBegin(Buffer.from('#K'), 0, 2)).toBe(true);
    expect(looksLikeBegin(Buffer.from('#TS:'), 0, 4)).toBe(false);
    expect(looksLikeBegin(Buffer.from(''), 0, 0)).toBe(false);
  });
});
