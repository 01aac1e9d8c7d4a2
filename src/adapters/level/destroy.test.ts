import fs from 'node:fs';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, describe, expect, test } from 'vitest';
import { KvasirLevel } from './kvasir-level.ts';
import { Scenes } from './testing/scenes.ts';

const scenes = new Scenes();
afterAll(() => scenes.end());

async function made(): Promise<KvasirLevel> {
  const db = scenes.create();
  await db.put('a', '1');
  await db.compactRange('a', 'b');
  await db.put('b', '2');
  return db;
}

describe('destroy', () => {
  test('finds nothing to do where there is no database', async () => {
    const directory = scenes.directory();
    await KvasirLevel.destroy(directory);
    expect(fs.existsSync(directory)).toBe(false);
    await KvasirLevel.destroy(path.join(directory, '1', '2', '3'));
    expect(fs.existsSync(directory)).toBe(false);
    fs.mkdirSync(path.join(directory, 'bar'), { recursive: true });
    fs.writeFileSync(path.join(directory, 'foo'), 'FOO');
    await KvasirLevel.destroy(directory);
    expect(fs.readdirSync(directory)).toEqual(['bar', 'foo']);
  });

  test('removes the directory of a database', async () => {
    const db = await made();
    await db.close();
    await KvasirLevel.destroy(db.location);
    expect(fs.existsSync(db.location)).toBe(false);
  });

  test("removes LevelDB's directory", async () => {
    const directory = scenes.directory();
    const leveldb = new ClassicLevel(directory);
    await leveldb.put('a', '1');
    await leveldb.compactRange('a', 'b');
    await leveldb.close();
    await KvasirLevel.destroy(directory);
    expect(fs.existsSync(directory)).toBe(false);
  });

  test('leaves what is not of the database', async () => {
    const db = await made();
    await db.close();
    fs.writeFileSync(path.join(db.location, 'foo'), 'FOO');
    await KvasirLevel.destroy(db.location);
    expect(fs.readdirSync(db.location)).toEqual(['foo']);
    expect(fs.readFileSync(path.join(db.location, 'foo'), 'utf8')).toBe('FOO');
  });

  test('refuses a database that is open', async () => {
    const db = await made();
    await expect(KvasirLevel.destroy(db.location)).rejects.toMatchObject({ code: 'LEVEL_LOCKED' });
    expect(await db.get('a')).toBe('1');
  });
});
