import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileError, readSmallFile } from './file-system.ts';
import { NodeFileSystem, stubbornly } from './node-file-system.ts';

describe('the real file system', () => {
  const files = new NodeFileSystem();
  let directory = '';
  const at = (name: string): string => path.join(directory, name);
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-files-'));
  });
  afterEach(() => fs.rmSync(directory, { recursive: true }));

  test('writes at places, reads back, truncates, syncs', async () => {
    const file = files.open(at('f'), 'create');
    file.write(Buffer.from('hello world'), 0, 11, 0);
    await file.writeAsync(Buffer.from('__HELLO__'), 2, 7, 0);
    file.dataSync();
    await file.dataSyncAsync();
    file.sync();
    await file.syncAsync();
    const bytes = new Uint8Array(20);
    expect(file.read(bytes, 3, 17, 0)).toBe(11);
    expect(Buffer.from(bytes.subarray(3, 14)).toString()).toBe('HELLO world');
    expect(await file.readAsync(bytes, 0, 5, 6)).toBe(5);
    expect(Buffer.from(bytes.subarray(0, 5)).toString()).toBe('world');
    file.truncate(5);
    expect(file.size()).toBe(5);
    file.close();
    files.syncDirectory(directory);
    await files.syncDirectoryAsync(directory);
    expect(Buffer.from(readSmallFile(files, at('f'), 100)).toString()).toBe('HELLO');
    expect(() => readSmallFile(files, at('f'), 4)).toThrow('File too large');
  });

  test('opens as the mode says, and names what failed', () => {
    expect(() => files.open(at('f'), 'read')).toThrow(new FileError('open', at('f'), 'ENOENT'));
    expect(() => files.open(at('f'), 'write')).toThrow('No such file or directory');
    files.open(at('f'), 'create').close();
    expect(() => files.open(at('f'), 'create')).toThrow('File exists');
    const file = files.open(at('f'), 'write');
    file.write(Buffer.from('abc'), 0, 3, 0);
    files.open(at('f'), 'replace').close();
    expect(file.size()).toBe(0);
    file.close();
    file.close();
    expect(files.stat(at('f'))).toEqual({ sizeBytes: 0, isDirectory: false });
    expect(files.stat(at('g'))).toBeUndefined();
  });

  test('waits with closing for calls that are under way', async () => {
    const file = files.open(at('f'), 'create');
    const big = new Uint8Array(4 * 1024 * 1024);
    const written = file.writeAsync(big, 0, big.length, 0);
    file.close();
    await expect(written)
      .rejects.toMatchObject({ code: 'EBADF' })
      .catch(() => undefined);
    await expect(file.syncAsync()).rejects.toMatchObject({ code: 'EBADF' });
  });

  test('gives files other names', () => {
    files.open(at('a'), 'create').close();
    files.link(at('a'), at('b'));
    const file = files.open(at('a'), 'write');
    file.write(Buffer.from('abc'), 0, 3, 0);
    file.close();
    files.unlink(at('a'));
    expect(files.stat(at('b'))?.sizeBytes).toBe(3);
    files.open(at('a'), 'create').close();
    expect(() => files.link(at('a'), at('b'))).toThrow('File exists');
  });

  test('knows a file again that nobody wrote to', () => {
    fs.writeFileSync(at('a'), 'abc');
    const identity = files.identity(at('a'));
    fs.linkSync(at('a'), at('b'));
    fs.renameSync(at('a'), at('c'));
    expect(files.identity(at('a'))).toBeUndefined();
    expect(files.identity(at('b'))).toBe(identity);
    expect(files.identity(at('c'))).toBe(identity);
    fs.copyFileSync(at('c'), at('a'));
    expect(files.identity(at('a'))).not.toBe(identity);
    fs.appendFileSync(at('b'), 'd');
    expect(files.identity(at('c'))).not.toBe(identity);
  });

  test('removes directories that are empty', () => {
    files.makeDirectory(at('d'));
    files.open(at('d/f'), 'create').close();
    expect(() => files.removeDirectory(at('d'))).toThrow('Directory not empty');
    files.unlink(at('d/f'));
    files.removeDirectory(at('d'));
    expect(files.stat(at('d'))).toBeUndefined();
  });

  test('does not remove a directory as if it were a file', async () => {
    files.makeDirectory(at('d'));
    expect(() => files.unlink(at('d'))).toThrow(FileError);
    await expect(files.unlinkAsync(at('d'))).rejects.toThrow(FileError);
    await expect(files.unlinkAsync(at('e'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(files.stat(at('d'))?.isDirectory).toBe(true);
  });

  test('tries again on Windows what another program prevents for a moment', () => {
    const failing = (times: number, code: string) => {
      let calls = 0;
      return () => {
        calls++;
        if (calls <= times) throw Object.assign(new Error(code), { code });
        return calls;
      };
    };
    const twice = failing(2, 'EBUSY');
    stubbornly(twice, true);
    expect(twice()).toBe(4);
    expect(() => stubbornly(failing(1, 'EBUSY'), false)).toThrow('EBUSY');
    expect(() => stubbornly(failing(1, 'ENOENT'), true)).toThrow('ENOENT');
    expect(() => stubbornly(failing(1000, 'EPERM'), true)).toThrow('EPERM');
  });

  test('renames over, lists and removes', async () => {
    files.makeDirectory(at('a/b'));
    files.makeDirectory(at('a/b'));
    files.open(at('a/x'), 'create').close();
    files.open(at('a/y'), 'create').close();
    files.rename(at('a/x'), at('a/y'));
    expect(files.readDirectory(at('a'))).toEqual(['b', 'y']);
    await files.unlinkAsync(at('a/y'));
    expect(() => files.unlink(at('a/y'))).toThrow(FileError);
    expect(files.freeBytes(directory)).toBeGreaterThan(0);
  });
});
