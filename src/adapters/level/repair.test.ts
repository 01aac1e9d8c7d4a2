import fs from 'node:fs';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, describe, expect, test } from 'vitest';
import { KvasirLevel } from './kvasir-level.ts';
import { Scenes } from './testing/scenes.ts';

const scenes = new Scenes();
afterAll(() => scenes.end());

const isTable = (name: string): boolean => name.endsWith('.ldb');

describe('repair', () => {
  test('needs a directory that has something', async () => {
    const directory = path.join(scenes.directory(), '2', '3');
    const missing = { code: 'LEVEL_IO_ERROR', message: expect.stringMatching(/no such file/i) };
    await expect(KvasirLevel.repair(directory)).rejects.toMatchObject(missing);
    expect(fs.existsSync(directory)).toBe(false);
    await expect(KvasirLevel.repair('')).rejects.toThrow(TypeError);
  });

  test('makes a table of the log', async () => {
    const db = scenes.create();
    await db.put('a', '1');
    await expect(KvasirLevel.repair(db.location)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' });
    await db.close();
    expect(fs.readdirSync(db.location).filter(isTable)).toHaveLength(0);
    await KvasirLevel.repair(db.location);
    expect(fs.readdirSync(db.location).filter(isTable)).toHaveLength(1);
    await db.open();
    expect(await db.get('a')).toBe('1');
  });

  test.each(['Kvasir', 'LevelDB'])('of a database of %s without its manifest', async (writer) => {
    const directory = scenes.directory();
    const db = writer === 'Kvasir' ? scenes.create({}, directory) : new ClassicLevel(directory);
    for (let i = 0; i < 100; i++) await db.put(`k${i}`, `v${i}`);
    await db.compactRange('a', 'z');
    await db.put('k1', 'new');
    await db.close();
    for (const name of fs.readdirSync(directory)) {
      if (/^(CURRENT|MANIFEST)/.test(name)) fs.unlinkSync(path.join(directory, name));
    }
    await KvasirLevel.repair(directory);
    const leveldb = new ClassicLevel(directory, { createIfMissing: false });
    expect(await leveldb.get('k1')).toBe('new');
    expect(await leveldb.keys().all()).toHaveLength(100);
    await leveldb.close();
  });
});

describe('damage', () => {
  test('is told by LEVEL_CORRUPTION, at the opening and at reads', async () => {
    const db = scenes.create({ compression: false });
    for (let i = 0; i < 100; i++) await db.put(`k${i}`, `v${i}`);
    await db.compactRange('a', 'z');
    await db.close();
    const table = fs.readdirSync(db.location).find(isTable)!;
    const file = path.join(db.location, table);
    const bytes = fs.readFileSync(file);
    bytes[100]! ^= 1;
    fs.writeFileSync(file, bytes);

    const corruption = {
      code: 'LEVEL_CORRUPTION',
      message: expect.stringContaining(table),
      cause: expect.objectContaining({ code: 'CORRUPTION', offset: 0 }),
    };
    await db.open();
    await expect(db.get('k1')).rejects.toMatchObject(corruption);
    expect(() => db.getSync('k1')).toThrow(expect.objectContaining(corruption));
    await expect(db.getMany(['k1', 'k2'])).rejects.toMatchObject(corruption);
    await expect(db.has('k1')).rejects.toMatchObject(corruption);
    await expect(db.hasMany(['k1'])).rejects.toMatchObject(corruption);
    await expect(db.iterator().next()).rejects.toMatchObject(corruption);
    await expect(db.keys().all()).rejects.toMatchObject(corruption);
    await expect(db.clear({ limit: 1 })).rejects.toMatchObject(corruption);
    await expect(db.clear({ gt: 'k1' })).rejects.toMatchObject(corruption);
    // What is not in the damaged block is read.
    expect(await db.get('other')).toBeUndefined();
    await db.close();

    fs.truncateSync(file, bytes.length - 10);
    await expect(db.open()).rejects.toMatchObject({
      code: 'LEVEL_DATABASE_NOT_OPEN',
      cause: { code: 'LEVEL_CORRUPTION' },
    });
  });

  test('goes with a table that a clear drops whole', async () => {
    const db = scenes.create({ compression: false });
    for (let i = 0; i < 100; i++) await db.put(`k${i}`, `v${i}`);
    await db.compactRange('a', 'z');
    await db.close();
    const file = path.join(db.location, fs.readdirSync(db.location).find(isTable)!);
    const bytes = fs.readFileSync(file);
    bytes[100]! ^= 1;
    fs.writeFileSync(file, bytes);
    await db.open();
    await db.clear();
    expect(await db.keys().all()).toEqual([]);
    expect(await db.get('k1')).toBeUndefined();
    await db.close();
  });
});
