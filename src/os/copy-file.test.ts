import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyFile, linkOrCopy } from './copy-file.ts';
import { FileError, type FileSystem } from './file-system.ts';
import { NodeFileSystem } from './node-file-system.ts';
import { SimulatedFileSystem } from './simulated-file-system.ts';
import { SimulatedLoop } from './simulated-loop.ts';

let directory = '';
const at = (name: string): string => path.join(directory, name);
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-copy-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

const big = Buffer.from(Array.from({ length: 2_500_000 }, (_, i) => (i * 7 + (i >> 10)) & 255));

describe('copies of files', () => {
  const files = new NodeFileSystem();

  test('are of the length asked for', async () => {
    fs.writeFileSync(at('a'), big);
    for (const length of [0, 1, 1024 * 1024, 2_400_001, big.length]) {
      const name = at(`copy ${length}`);
      await copyFile(files, at('a'), name, length);
      expect(Buffer.compare(fs.readFileSync(name), big.subarray(0, length))).toBe(0);
    }
  });

  test('that fail are not there', async () => {
    fs.writeFileSync(at('a'), 'abc');
    await expect(copyFile(files, at('a'), at('b'), 4)).rejects.toMatchObject({ code: 'EIO' });
    expect(fs.existsSync(at('b'))).toBe(false);
    fs.writeFileSync(at('b'), 'old');
    await expect(copyFile(files, at('a'), at('b'), 3)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(fs.readFileSync(at('b'), 'latin1')).toBe('old');
  });

  test('are links where there can be, else of the bytes', async () => {
    fs.writeFileSync(at('a'), big);
    await linkOrCopy(files, at('a'), at('b'));
    expect(fs.statSync(at('b')).ino).toBe(fs.statSync(at('a')).ino);
    const without: FileSystem = Object.assign(new NodeFileSystem(), {
      link: (from: string): void => {
        throw new FileError('link', from, 'EXDEV');
      },
    });
    await linkOrCopy(without, at('a'), at('c'));
    expect(fs.statSync(at('c')).ino).not.toBe(fs.statSync(at('a')).ino);
    expect(Buffer.compare(fs.readFileSync(at('c')), big)).toBe(0);
    await expect(linkOrCopy(files, at('a'), at('c'))).rejects.toMatchObject({ code: 'EEXIST' });
  });

  test('are made on the simulated machine too, synced', async () => {
    const machine = new SimulatedFileSystem(new SimulatedLoop());
    machine.put('/d/a', big);
    let isDone = false;
    void copyFile(machine, '/d/a', '/d/b', big.length).then(() => {
      machine.syncDirectory('/d');
      isDone = true;
    });
    await machine.loop.runUntil(() => isDone);
    expect(Buffer.compare(machine.restart().dump().get('/d/b')!, big)).toBe(0);
  });
});
