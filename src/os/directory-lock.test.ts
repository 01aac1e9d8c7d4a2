import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DirectoryLockedError, lockDirectory } from './directory-lock.ts';

/** A process that holds the lock in the way the module does, and lives until it is killed. */
const HOLDER = `
  const fs = require('node:fs'), net = require('node:net');
  const dir = process.argv[1], stat = fs.statSync(dir, { bigint: true });
  const name = '\\0kvasir-directory-lock-' + stat.dev.toString(16) + '-' + stat.ino.toString(16);
  net.createServer().listen({ path: name }, () =>
    net.createServer().listen({ path: dir + '/kvasir.lock' }, () => console.log('held')));
`;

describe('directory lock', () => {
  let directory = '';
  let child: ChildProcess | undefined;
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-lock-'));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    fs.rmSync(directory, { recursive: true });
  });

  test('is held by one, and free after release', async () => {
    const lock = await lockDirectory(directory);
    await expect(lockDirectory(directory)).rejects.toThrow(DirectoryLockedError);
    await expect(lockDirectory(directory)).rejects.toThrow(`process ${process.pid} on`);
    await lock.release();
    expect(fs.readdirSync(directory)).toEqual([]);
    const again = await lockDirectory(directory);
    await again.release();
  });

  test('is the same however the directory is named', async () => {
    const link = `${directory}-link`;
    fs.symlinkSync(directory, link);
    const lock = await lockDirectory(link);
    await expect(lockDirectory(directory)).rejects.toThrow(DirectoryLockedError);
    await lock.release();
    fs.unlinkSync(link);
  });

  test.runIf(process.platform === 'linux')('is free after kill -9 of its holder', async () => {
    child = spawn(process.execPath, ['-e', HOLDER, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child!.stdout!.once('data', resolve));
    await expect(lockDirectory(directory)).rejects.toThrow(DirectoryLockedError);
    const gone = new Promise((resolve) => child!.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(fs.existsSync(path.join(directory, 'kvasir.lock'))).toBe(true);
    const lock = await lockDirectory(directory);
    await lock.release();
  });

  test.runIf(process.platform === 'linux')(
    'is seen through the file alone, as from another network namespace',
    async () => {
      const fileOnly = HOLDER.replace(
        /net\.createServer\(\)\.listen\(\{ path: name \}, \(\) =>/,
        '(',
      );
      child = spawn(process.execPath, ['-e', fileOnly, directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child!.stdout!.once('data', resolve));
      await expect(lockDirectory(directory)).rejects.toThrow(DirectoryLockedError);
    },
  );

  test('works where the path is longer than a socket address', async () => {
    const deep = path.join(directory, 'd'.repeat(100), 'e'.repeat(100));
    fs.mkdirSync(deep, { recursive: true });
    const lock = await lockDirectory(deep);
    await expect(lockDirectory(deep)).rejects.toThrow(DirectoryLockedError);
    await lock.release();
  });

  test('takes no notice of a lying owner file', async () => {
    fs.writeFileSync(path.join(directory, 'kvasir.owner'), `process ${process.pid} on here`);
    const lock = await lockDirectory(directory);
    await lock.release();
  });
});
