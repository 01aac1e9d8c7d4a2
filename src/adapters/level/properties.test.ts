import { ClassicLevel } from 'classic-level';
import { afterAll, describe, expect, test } from 'vitest';
import { Scenes } from './testing/scenes.ts';

const scenes = new Scenes();
afterAll(() => scenes.end());

const STATS = `\
                               Compactions
Level  Files Size(MB) Time(sec) Read(MB) Write(MB)
--------------------------------------------------
`;

describe('getProperty', () => {
  test('of an empty database', async () => {
    const db = scenes.create();
    expect(() => db.getProperty(undefined as never)).toThrow(
      new TypeError("The first argument 'property' must be a string"),
    );
    const notOpen = expect.objectContaining({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    expect(() => db.getProperty('leveldb.stats')).toThrow(notOpen);
    await db.open();
    for (const unknown of ['foo', 'leveldb.foo', 'leveldb.num-files-at-level', ''])
      expect(db.getProperty(unknown)).toBe('');
    for (let level = 0; level < 7; level++) {
      expect(db.getProperty(`leveldb.num-files-at-level${level}`)).toBe('0');
    }
    expect(db.getProperty('leveldb.num-files-at-level7')).toBe('');
    expect(db.getProperty('leveldb.num-files-at-level1x')).toBe('');
    expect(db.getProperty('leveldb.stats')).toBe(STATS);
    expect(db.getProperty('leveldb.sstables')).toBe(
      [0, 1, 2, 3, 4, 5, 6].map((level) => `--- level ${level} ---\n`).join(''),
    );
    expect(Number(db.getProperty('leveldb.approximate-memory-usage'))).toBeGreaterThan(0);
    await db.close();
    expect(() => db.getProperty('leveldb.stats')).toThrow(notOpen);
  });

  test('of a database with tables, as LevelDB tells it of the same directory', async () => {
    const db = scenes.create<Buffer>({ keyEncoding: 'buffer' });
    for (let i = 0; i < 256; i++) await db.put(Buffer.from([i, 0x27, 0x7f, i]), 'value');
    await db.compactRange(Buffer.alloc(0), Buffer.alloc(10, 255));
    await db.put(Buffer.from('x'), 'y'.repeat(100_000));
    await db.del(Buffer.from('z'));
    await db.close();
    await db.open();
    const sstables = db.getProperty('leveldb.sstables');
    expect(sstables).toMatch(/\['x' @ 257 : 1 \.\. 'z' @ 258 : 0\]\n/);
    expect(sstables).toMatch(/\['\\x00'\\x7f\\x00' @ 1 : 1 \.\. '\\xff'\\x7f\\xff' @ 256 : 1\]\n/);
    const files = [0, 1, 2, 3, 4, 5, 6].map((level) =>
      db.getProperty(`leveldb.num-files-at-level${level}`),
    );
    expect(files.map(Number).reduce((sum, n) => sum + n)).toBe(2);
    const stats = db.getProperty('leveldb.stats');
    expect(stats.startsWith(STATS)).toBe(true);
    expect(stats.slice(STATS.length)).toMatch(/^( {2}\d {8}1 {8}0 {9}0 {8}0 {9}0\n){2}$/);
    await db.close();

    const leveldb = new ClassicLevel(db.location);
    await leveldb.open();
    expect(leveldb.getProperty('leveldb.sstables')).toBe(sstables);
    await leveldb.close();
  });
});
