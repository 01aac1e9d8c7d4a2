import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KvasirLevel } from './kvasir-level.ts';
import { bytesIn, Scenes } from './testing/scenes.ts';

const scenes = new Scenes();
afterAll(() => scenes.end());

describe('a location', () => {
  test('must be a string that is not empty', async () => {
    const error = new TypeError("The first argument 'location' must be a non-empty string");
    for (const location of [undefined, {}, '']) {
      expect(() => new KvasirLevel(location as string)).toThrow(error);
      await expect(KvasirLevel.destroy(location as string)).rejects.toThrow(error);
    }
  });

  test('is made with the directories above it, and told as it was given', async () => {
    const location = path.join(scenes.directory(), 'beep', 'boop');
    const db = scenes.create({}, path.relative('.', location));
    await db.open();
    expect(fs.existsSync(path.join(location, 'CURRENT'))).toBe(true);
    expect(db.location).toBe(path.relative('.', location));
  });

  test('is not made without createIfMissing', async () => {
    const location = path.join(scenes.directory(), 'beep', 'boop');
    const db = scenes.create({ createIfMissing: false }, location);
    await expect(db.open()).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: 'LEVEL_DATABASE_NOT_FOUND' },
    });
    expect(fs.existsSync(path.dirname(location))).toBe(false);
  });

  test('has one database at a time', async () => {
    const first = scenes.create();
    await first.open();
    const second = scenes.create({ multithreading: true }, first.location);
    await expect(second.open()).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: 'LEVEL_LOCKED' },
    });
    await first.close();
    await second.open();
  });
});

describe('approximateSize and compactRange', () => {
  let db: KvasirLevel;
  beforeAll(async () => {
    db = scenes.create();
    await db.open();
  });

  test.each(['approximateSize', 'compactRange'] as const)('%s needs two keys', async (method) => {
    const call = db[method].bind(db) as (...args: unknown[]) => Promise<unknown>;
    for (const args of [[], ['foo']]) {
      await expect(call(...args)).rejects.toThrow(
        new TypeError("The arguments 'start' and 'end' are required"),
      );
    }
  });

  test.each(['approximateSize', 'compactRange'] as const)(
    '%s waits for the opening, encodes keys, and fails on a closed database',
    async (method) => {
      const encoded: string[] = [];
      const keyEncoding = {
        name: 'test',
        format: 'utf8' as const,
        encode: (key: string) => (encoded.push(key), key),
        decode: (key: string) => key,
      };
      const other = scenes.create({ keyEncoding });
      await other[method]('a', 'b');
      expect(other.status).toBe('open');
      expect(encoded).toEqual(['a', 'b']);
      await db[method]('c', 'd', { keyEncoding });
      expect(encoded).toEqual(['a', 'b', 'c', 'd']);
      await other.close();
      await expect(other[method]('a', 'b')).rejects.toMatchObject({
        code: 'LEVEL_DATABASE_NOT_OPEN',
      });
    },
  );

  test('sizes are those of tables', async () => {
    const value = 'a'.repeat(100_000);
    await db.batch(
      Array.from({ length: 10 }, (_, i) => ({ type: 'put', key: `foo${i}`, value }) as const),
    );
    expect(await db.approximateSize('!', '~')).toBe(0);
    await db.close();
    await db.open();
    // A log becomes a table at the opening; behind level 0 snappy leaves a twentieth.
    const size = await db.approximateSize('!', '~');
    expect(size).toBeGreaterThan(1_000_000);
    await db.compactRange('!', '~');
    const smaller = await db.approximateSize('!', '~');
    expect(smaller).toBeGreaterThan(40_000);
    expect(smaller).toBeLessThan(200_000);
    expect(await db.approximateSize('foo3', 'foo5')).toBeLessThan(smaller / 2);
    expect(await db.approximateSize('~', '!')).toBe(0);
  });

  test('compaction gives room back', async () => {
    const [first, last] = ['000000', '000001'];
    await db.batch().put(first, 'x'.repeat(64)).put(last, 'x'.repeat(64)).write();
    await db.compactRange(first, last);
    const before = await db.approximateSize('0', 'b');
    await db.batch().del(first).del(last).write();
    await db.compactRange(first, last);
    expect(await db.approximateSize('0', 'b')).toBeLessThan(before);
  });
});

describe('compression', () => {
  const value = Buffer.alloc(1024 * 1024, 'a');
  const bytes = 10 * value.length;

  test.each([
    ['is on', undefined, undefined],
    ['is switched off at the opening', undefined, false],
    ['is switched off in the constructor', false, undefined],
  ])('%s', async (_, first, second) => {
    const valueEncoding = 'buffer';
    const db = scenes.create<string, Buffer>({ valueEncoding, compression: first });
    await db.open(second === undefined ? {} : { compression: second });
    await Promise.all(Array.from({ length: 10 }, (_, i) => db.put(String(i), value)));
    await db.compactRange('0', '9');
    await db.close();
    const size = bytesIn(db.location);
    if (first === false || second === false) expect(size).toBeGreaterThanOrEqual(bytes);
    else expect(size).toBeLessThan(bytes / 2);
  });
});

describe('close', () => {
  type Work = (db: KvasirLevel) => Promise<unknown>;
  const works: readonly (readonly [name: string, work: Work])[] = [
    ['get', (db) => db.get('key')],
    ['getMany', (db) => db.getMany(['key', 'other'])],
    ['has', (db) => db.has('key')],
    ['put', (db) => db.put('key2', 'value')],
    ['put with sync', (db) => db.put('key2', 'value', { sync: true })],
    ['del', (db) => db.del('key')],
    ['del with sync', (db) => db.del('key', { sync: true })],
    ['batch of an array', (db) => db.batch([{ type: 'del', key: 'key' }])],
    ['batch of an array, sync', (db) => db.batch([{ type: 'del', key: 'key' }], { sync: true })],
    ['batch', (db) => db.batch().del('key').write()],
    ['batch with sync', (db) => db.batch().del('key').write({ sync: true })],
    ['clear', (db) => db.clear()],
    ['approximateSize', (db) => db.approximateSize('a', 'z')],
    ['compactRange', (db) => db.compactRange('a', 'z')],
  ];
  const all: Work = (db) => Promise.all(works.map(([, work]) => work(db)));

  test.each([...works, ['all of them', all] as const])('waits for %s', async (_, work) => {
    const db = scenes.create();
    await db.open();
    await db.put('key', 'value');
    let hasEnded = false;
    const working = work(db).then(() => (hasEnded = true));
    await db.close();
    expect(hasEnded).toBe(true);
    await working;
  });

  test('waits for reads that go to the disk', async () => {
    const db = scenes.create({ cacheSize: 0 });
    const keys = Array.from({ length: 200 }, (_, i) => `key${i}`);
    const batch = db.batch.bind(db);
    await db.open();
    await batch(keys.map((key) => ({ type: 'put', key, value: 'v'.repeat(1000) })));
    await db.compactRange('a', 'z');
    await db.close();
    await db.open();
    const reading = db.getMany(keys);
    const scanning = db.values().all();
    await db.close();
    expect(new Set(await reading)).toEqual(new Set(['v'.repeat(1000)]));
    // An iterator that is at work is closed when that is done.
    expect(await scanning).toHaveLength(200);
  });

  test('ends iterators that nobody closed', async () => {
    const db = scenes.create();
    await db.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'b', value: '2' },
    ]);
    const reads: Promise<unknown>[] = [];
    for (let i = 0; i < 200; i++) {
      db.iterator();
      reads.push(db.iterator({ highWaterMarkBytes: 0 }).next());
    }
    await db.close();
    expect(await Promise.all(reads)).toEqual(Array.from({ length: 200 }, () => ['a', '1']));
  });

  test('ends an iterator whose caller goes on and on', async () => {
    const db = scenes.create();
    await db.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'b', value: '2' },
    ]);
    const iterator = db.iterator();
    const going = (async () => {
      for (;;) {
        if ((await iterator.next()) === undefined) iterator.seek('a');
      }
    })();
    const ended = expect(going).rejects.toMatchObject({ code: 'LEVEL_ITERATOR_NOT_OPEN' });
    await db.close();
    await ended;
  });

  test('can be followed by an opening with other options', async () => {
    const db = scenes.create({ compression: false });
    await db.put('a', '1');
    await db.close();
    expect(() => db.getSync('a')).toThrow(
      expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' }),
    );
    await db.open({ createIfMissing: false, blockSize: 1024 });
    expect(db.getSync('a')).toBe('1');
    await db.close();
    await expect(db.open({ errorIfExists: true })).rejects.toMatchObject({
      cause: { code: 'LEVEL_DATABASE_EXISTS' },
    });
  });
});

describe('keys and values', () => {
  test('may lie in memory that can be resized or is shared, or be any view of it', async () => {
    const db = scenes.create<Uint8Array, Uint8Array>({
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    const keys = [
      new Uint8Array(Reflect.construct(ArrayBuffer, [2, { maxByteLength: 16 }]) as ArrayBuffer),
      new Uint8Array(new SharedArrayBuffer(3)),
      new DataView(new ArrayBuffer(4)) as unknown as Uint8Array,
    ];
    for (const key of keys) await db.put(key, key);
    for (const key of keys) {
      const value = await db.get(key);
      expect(value).toEqual(Buffer.alloc(key.byteLength));
    }
    expect(await db.keys().all()).toHaveLength(3);
  });

  test('are text of any length', async () => {
    const db = scenes.create();
    await db.open();
    for (const length of [0, 1, 100, 5000, 100_000]) {
      for (const char of ['a', 'ä', '𝄞']) {
        const text = char.repeat(length);
        await db.put(`k${text}`, text);
        expect(db.getSync(`k${text}`)).toBe(text);
        expect(await db.get(`k${text}`)).toBe(text);
        expect(await db.values({ gte: `k${text}`, limit: 1 }).all()).toEqual([text]);
      }
    }
  });

  test('may be changed by the caller at once', async () => {
    const db = scenes.create<Buffer, Buffer>({ keyEncoding: 'buffer', valueEncoding: 'buffer' });
    await db.open();
    const bytes = Buffer.from('a');
    const writes: Promise<void>[] = [];
    for (const char of 'abc') {
      bytes.write(char);
      writes.push(
        db.put(bytes, bytes),
        db.batch([{ type: 'put', key: Buffer.concat([bytes, bytes]), value: bytes }]),
      );
    }
    await Promise.all(writes);
    expect((await db.keys().all()).map(String)).toEqual(['a', 'aa', 'b', 'bb', 'c', 'cc']);
    expect((await db.values().all()).map(String)).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  test('can be given away without taking others along', async () => {
    const db = scenes.create<string, Buffer>({ valueEncoding: 'buffer' });
    for (const key of ['a', 'b']) await db.put(key, Buffer.from(key));
    const [a, b] = await db.getMany(['a', 'b']);
    try {
      structuredClone(a, { transfer: [a!.buffer as ArrayBuffer] });
    } catch (error) {
      expect(error).toMatchObject({ name: 'DataCloneError' });
    }
    expect(String(b)).toBe('b');
    expect(String(await db.get('a'))).toBe('a');
  });

  test('of many batches that nobody awaited happen in their order', async () => {
    const db = scenes.create({ writeBufferSize: 1 });
    await db.open();
    const value = 'x'.repeat(50_000);
    const writes = Array.from({ length: 2000 }, (_, i) =>
      i % 2 === 0
        ? db.put(`k${i % 10}`, value + i)
        : db.batch([{ type: 'put', key: `k${i % 10}`, value: value + i }]),
    );
    // 100 MB: more than may wait.
    await Promise.all(writes);
    const last = await db.values().all();
    expect(last).toEqual(Array.from({ length: 10 }, (_, i) => value + (1990 + i)));
  });
});
