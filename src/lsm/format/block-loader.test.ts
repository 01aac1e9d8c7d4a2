import zlib from 'node:zlib';
import { expect, test } from 'vitest';
import { crc32c, maskCrc } from '../../bytes/crc32c.ts';
import { Region } from '../../bytes/region.ts';
import { BlockCache } from '../cache/block-cache.ts';
import { BlockRequests } from '../cache/block-requests.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import { BlockLoader, type BlockSource, DATA, FILTER } from './block-loader.ts';
import { BLOCK_DEFLATE, BLOCK_RAW, BLOCK_ZSTD, BlockCompressor, isCodecPresent } from './codecs.ts';

const PLAIN = new Uint8Array(Buffer.from('a block of a table, a block of a file; '.repeat(100)));

interface Stored {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** A file of blocks with their trailers, and where they are. */
function fileOf(blocks: readonly Stored[]): { source: BlockSource; offsets: number[] } {
  const parts: Uint8Array[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const { type, bytes } of blocks) {
    const block = Region.allocate(bytes.length + 5);
    block.bytes.set(bytes);
    block.bytes[bytes.length] = type;
    const crc = maskCrc(crc32c(block, 0, bytes.length + 1));
    block.view.setUint32(bytes.length + 1, crc, true);
    parts.push(block.bytes);
    offsets.push(at);
    at += block.bytes.length;
  }
  const file = new MemoryFile('/db/000009.ldb', new Uint8Array(Buffer.concat(parts)));
  return { source: { file, fileNumber: 9, blocksEnd: at, blockEntries: 0 }, offsets };
}

function loaderOf(capacityBytes = 1 << 20): BlockLoader {
  return new BlockLoader(new BlockCache({ capacityBytes }));
}

function contentsOf({ cache }: BlockLoader, slot: number): Uint8Array {
  const start = cache.start(slot);
  return cache.region(slot).bytes.slice(start, start + cache.length(slot));
}

const FOREIGN: Readonly<Record<string, Stored>> = {
  raw: { type: BLOCK_RAW, bytes: PLAIN },
  zlib: { type: BLOCK_ZSTD, bytes: zlib.deflateSync(PLAIN) },
  deflate: { type: BLOCK_DEFLATE, bytes: zlib.deflateRawSync(PLAIN) },
};

for (const [name, stored] of Object.entries(FOREIGN)) {
  test(`a block of ${name} is read`, () => {
    const { source, offsets } = fileOf([stored]);
    const loader = loaderOf();
    const slot = loader.load(source, DATA, offsets[0]!, stored.bytes.length);
    expect(contentsOf(loader, slot)).toEqual(PLAIN);
    loader.cache.release(slot);
    loader.readPlain(source, offsets[0]!, stored.bytes.length);
    const { plain, plainStart, plainEnd } = loader;
    expect(plain.bytes.slice(plainStart, plainEnd)).toEqual(PLAIN);
  });
}

test('zstd is read and written where Node.js has it, and refused by name where it has not', () => {
  const magic = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0);
  if (!isCodecPresent('zstd')) {
    const { source } = fileOf([{ type: BLOCK_ZSTD, bytes: magic }]);
    expect(() => loaderOf().load(source, DATA, 0, magic.length)).toThrow(/22\.15/);
    expect(() => new BlockCompressor('zstd')).toThrow(/22\.15/);
    return;
  }
  const target = Region.allocate(PLAIN.length);
  const compressor = new BlockCompressor('zstd');
  const source = Region.of(PLAIN);
  const end = compressor.compress(source, 0, PLAIN.length, target, 0, PLAIN.length);
  const bytes = target.bytes.slice(0, end);
  expect(end).toBeLessThan(PLAIN.length / 4);
  const loader = loaderOf();
  const slot = loader.load(fileOf([{ type: BLOCK_ZSTD, bytes }]).source, DATA, 0, end);
  expect(contentsOf(loader, slot)).toEqual(PLAIN);
});

test('unknown types are refused by name, damaged contents are corruption, each with its place', () => {
  const refusals: readonly (readonly [Stored, string])[] = [
    [{ type: 9, bytes: PLAIN }, 'UNSUPPORTED'],
    [{ type: BLOCK_ZSTD, bytes: PLAIN }, 'CORRUPTION'],
    [{ type: BLOCK_DEFLATE, bytes: PLAIN }, 'CORRUPTION'],
    [{ type: BLOCK_ZSTD, bytes: zlib.deflateSync(PLAIN).subarray(0, 30) }, 'CORRUPTION'],
    [{ type: 1, bytes: Uint8Array.of(0xff, 0xff, 0xff, 0x7f) }, 'CORRUPTION'],
    [{ type: 3, bytes: Uint8Array.of(0xff, 0xff, 0xff, 0x7f) }, 'CORRUPTION'],
  ];
  for (const [stored, code] of refusals) {
    const { source, offsets } = fileOf([FOREIGN['raw']!, stored]);
    const loader = loaderOf();
    expect(() => loader.load(source, DATA, offsets[1]!, stored.bytes.length)).toThrow(
      expect.objectContaining({ code, path: '/db/000009.ldb', offset: offsets[1] }),
    );
    expect([loader.cache.usedBytes, loader.cache.pinnedBytes()]).toEqual([0, 0]);
  }
});

test('requests are loaded together, neighbours by one read, and pinned until they are released', async () => {
  const stored = Array.from({ length: 10 }, (_, i) => ({
    type: BLOCK_RAW,
    bytes: new Uint8Array(1000).fill(i),
  }));
  const { source, offsets } = fileOf(stored);
  const loader = loaderOf();
  const requests = new BlockRequests(loader);
  for (const i of [3, 0, 1, 3, 9, 2]) requests.add(source, DATA, offsets[i]!, 1000);
  requests.add(source, FILTER, offsets[4]!, 1000);
  expect(requests.length).toBe(6);
  await requests.load();
  expect([requests.length, requests.loaded]).toEqual([0, 6]);
  expect((source.file as MemoryFile).reads).toBe(3);
  for (const i of [0, 1, 2, 3, 4, 9]) {
    const slot = loader.cache.acquire(9, offsets[i]!);
    expect(contentsOf(loader, slot)).toEqual(stored[i]!.bytes);
    loader.cache.release(slot);
  }
  expect(loader.cache.pinnedBytes()).toBe(6 * 1024);
  requests.release();
  expect(loader.cache.pinnedBytes()).toBe(0);
});

test('two that load the same block at once share it; a failure rejects, and pins nothing for ever', async () => {
  const { source } = fileOf([FOREIGN['raw']!]);
  const loader = loaderOf();
  const [one, two] = [new BlockRequests(loader), new BlockRequests(loader)];
  one.add(source, DATA, 0, PLAIN.length);
  two.add(source, DATA, 0, PLAIN.length);
  await Promise.all([one.load(), two.load()]);
  expect(loader.blocksRead).toBe(1);
  one.release();
  two.release();
  loader.cache.eraseFile(9);
  one.add(source, DATA, 0, PLAIN.length);
  (source.file as MemoryFile).bytes[5]! ^= 1;
  await expect(one.load()).rejects.toMatchObject({ code: 'CORRUPTION', offset: 0 });
  one.release();
  expect([loader.cache.usedBytes, loader.cache.pinnedBytes()]).toEqual([0, 0]);
});
