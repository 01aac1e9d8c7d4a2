/**
 * The write path's first half, and recovery's, make no garbage: batches are built, verified, framed, written and read back without a
 * single collection. (Counted, not timed; see no-garbage.test.ts.)
 */
import { expect, test } from 'vitest';
import { Region } from '../src/bytes/region.ts';
import { BatchReader } from '../src/lsm/batch-reader.ts';
import { RECORD, RecordReader } from '../src/lsm/wal/record-reader.ts';
import { RecordWriter } from '../src/lsm/wal/record-writer.ts';
import { MemoryFile } from '../src/lsm/testing/memory-file.ts';
import { WriteBatch } from '../src/lsm/write-batch.ts';
import { collectionsDuring } from './support/garbage.ts';

/** Takes all and keeps the first megabyte. */
class FixedFile extends MemoryFile {
  constructor() {
    super('000001.log', new Uint8Array(1024 * 1024));
  }

  override write(source: Uint8Array, from: number, to: number, position: number): void {
    const length = Math.min(to - from, this.bytes.length - position);
    for (let i = 0; i < length; i++) this.bytes[position + i] = source[from + i]!;
  }

  override read(target: Uint8Array, at: number, length: number, position: number): number {
    for (let i = 0; i < length; i++) target[at + i] = this.bytes[position + i]!;
    return length;
  }
}

const key = Region.of('0123456789abcdef');
/** With its key and the rest of a batch under 128 bytes, above which one native call copies a record faster, through a view. */
const value = Region.of('v'.repeat(70));

test('a million batches are built and logged without garbage', async () => {
  const file = new FixedFile();
  const writer = new RecordWriter(file, 0);
  const batch = new WriteBatch();
  let sequence = 1;
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) {
      batch.clear();
      batch.put(key, 0, 16, value, 0, 70);
      batch.delete(key, 0, 16);
      batch.seal(sequence);
      sequence += 2;
      writer.append(batch.region, 0, batch.sizeBytes);
      if (i % 64 === 63) writer.write();
    }
  };
  run(200_000);
  expect(await collectionsDuring(() => run(1_000_000))).toBe(0);
});

test('a million records are read and verified without garbage', async () => {
  const file = new FixedFile();
  const writer = new RecordWriter(file, 0);
  const batch = new WriteBatch();
  for (let i = 0; writer.position < file.size() - 200; i++) {
    batch.clear();
    batch.put(key, 0, 16, value, 0, 70);
    batch.seal(i + 1);
    writer.append(batch.region, 0, batch.sizeBytes);
  }
  writer.write();
  const reader = new RecordReader(file, file.size());
  const entries = new BatchReader();
  let read = 0;
  const run = (count: number): void => {
    for (const end = read + count; read < end;) {
      reader.seek(0, writer.position);
      while (reader.next() === RECORD) {
        if (!entries.verify(reader.region, reader.start, reader.end, 1)) throw entries.error('', 0);
        read++;
      }
    }
  };
  run(200_000);
  expect(await collectionsDuring(() => run(1_000_000))).toBe(0);
  expect(read).toBeGreaterThan(1_000_000);
});
