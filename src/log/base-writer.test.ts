import { expect, test } from 'vitest';
import { SimulatedFileSystem } from '../os/simulated-file-system.ts';
import { SimulatedLoop } from '../os/simulated-loop.ts';
import { BaseWriter } from './base-writer.ts';
import { BASE_CHUNKS_WAITING } from './limits.ts';

const PIECE = 64;

function newWriter(): { loop: SimulatedLoop; files: SimulatedFileSystem; writer: BaseWriter } {
  const loop = new SimulatedLoop();
  const files = new SimulatedFileSystem(loop);
  const writer = new BaseWriter(files.open('/base', 'create'), PIECE);
  return { loop, files, writer };
}

function produce(writer: BaseWriter, byte: number, count: number): void {
  for (let i = 0; i < count; i++) {
    writer.reserve(1);
    writer.region.bytes[writer.at++] = byte;
  }
}

async function finish(writer: BaseWriter, loop: SimulatedLoop): Promise<Error | undefined> {
  let outcome: { error: Error | undefined } | undefined;
  writer.finish().then(
    () => (outcome = { error: undefined }),
    (error: Error) => (outcome = { error }),
  );
  await loop.runUntil(() => outcome !== undefined);
  return outcome?.error;
}

test('pieces arrive whole and in their places, waiting or not', async () => {
  const { loop, files, writer } = newWriter();
  const expected: number[] = [];
  for (let i = 0; i < 40; i++) {
    produce(writer, i, 50);
    expected.push(...Array.from({ length: 50 }, () => i));
    if (i % 13 === 0) await loop.run(1);
  }
  expect(writer.length).toBe(2000);
  expect(await finish(writer, loop)).toBe(undefined);
  expect([...files.dump().get('/base')!]).toEqual(expected);
});

test('memory is bounded: what the disk is behind with is written at once', async () => {
  const { loop, files, writer } = newWriter();
  const regions = new Set<unknown>();
  writer.onPiece = (region) => regions.add(region);
  produce(writer, 7, 100 * PIECE);
  expect(writer.isBehind).toBe(true);
  expect(regions.size).toBeLessThanOrEqual(BASE_CHUNKS_WAITING + 1);
  let isCaughtUp = false;
  void writer.caughtUp().then(() => (isCaughtUp = true));
  await loop.runUntil(() => isCaughtUp);
  expect(writer.isBehind).toBe(false);
  expect(await finish(writer, loop)).toBe(undefined);
  expect(
    files
      .dump()
      .get('/base')!
      .every((byte) => byte === 7),
  ).toBe(true);
  expect(files.dump().get('/base')!.length).toBe(100 * PIECE);
});

test('an error reaches whoever finishes, never the producer', async () => {
  const { loop, files, writer } = newWriter();
  files.fault = (operation) => (operation === 'write' ? 'ENOSPC' : undefined);
  produce(writer, 7, 100 * PIECE);
  await loop.run(10);
  produce(writer, 7, 100 * PIECE);
  expect(writer.error?.code).toBe('ENOSPC');
  expect((await finish(writer, loop))?.message).toContain('No space left on device');
});
