import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockWith } from './database-lock.ts';
import { DirectoryLockedError } from './directory-lock.ts';
import { hasRecordLocks, holdersIn } from './record-locks.ts';

const isLinux = process.platform === 'linux';
const MODES = hasRecordLocks() ? [true, false] : [false];

/** Opens the database with LevelDB in a process of its own; says `open`, or the code of what went wrong. Lives until it is killed. */
const LEVELDB = `
  const { ClassicLevel } = require('classic-level');
  const db = new ClassicLevel(process.argv[1]);
  db.open().then(() => db.put('a', '1')).then(
    () => { console.log('open'); setInterval(() => {}, 1000); },
    (error) => { console.log(error.cause?.code ?? error.code); process.exit(); });
`;

let directory = '';
let child: ChildProcess | undefined;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-lock-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  fs.rmSync(directory, { recursive: true });
});

const lockPath = (): string => path.join(directory, 'LOCK');

async function openElsewhere(): Promise<string> {
  child = spawn(process.execPath, ['-e', LEVELDB, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = await new Promise((resolve) => child!.stdout!.once('data', resolve));
  return String(said).trim();
}

async function kill(): Promise<void> {
  const gone = new Promise((resolve) => child!.once('exit', resolve));
  child!.kill('SIGKILL');
  await gone;
}

describe.each(MODES)('the lock on a database (record locks: %s)', (canLockRecords) => {
  const lock = () => lockWith(directory, canLockRecords);

  test('is held by one, and leaves an empty file when it is released', async () => {
    for (let round = 0; round < 3; round++) {
      const held = await lock();
      expect(held.isHeld()).toBe(true);
      await expect(lock()).rejects.toThrow(DirectoryLockedError);
      await expect(lockWith(directory, false)).rejects.toThrow(`process ${process.pid} on`);
      expect(held.isHeld()).toBe(true);
      await held.release();
      expect(fs.readdirSync(directory)).toEqual(['LOCK']);
      expect(fs.statSync(lockPath()).size).toBe(0);
    }
  });

  test('keeps LevelDB out, and lets it in afterwards', async () => {
    const held = await lock();
    expect(await openElsewhere()).toMatch(canLockRecords ? /^LEVEL_LOCKED$/ : /^LEVEL_/);
    expect(held.isHeld()).toBe(true);
    await held.release();
    expect(await openElsewhere()).toBe('open');
  });

  test.runIf(isLinux)('is refused while LevelDB is there, and free after its kill -9', async () => {
    expect(await openElsewhere()).toBe('open');
    await expect(lock()).rejects.toThrow(`LevelDB, in process ${child!.pid}`);
    expect(fs.statSync(lockPath()).isFile()).toBe(true);
    // It was not disturbed by our looking.
    await expect(lock()).rejects.toThrow(DirectoryLockedError);
    await kill();
    const held = await lock();
    await held.release();
  });

  test.runIf(isLinux)('is refused while LevelDB is open in this very process', async () => {
    const db = new ClassicLevel(directory);
    await db.open();
    await expect(lock()).rejects.toThrow(DirectoryLockedError);
    await db.put('a', '1');
    await db.close();
    const held = await lock();
    await held.release();
  });

  test('takes over what one that was killed left behind', async () => {
    fs.mkdirSync(lockPath());
    fs.writeFileSync(path.join(lockPath(), 'README'), '');
    fs.writeFileSync(`${lockPath()}.aside`, '');
    const held = await lock();
    expect(held.isHeld()).toBe(true);
    await held.release();
    expect(fs.statSync(lockPath()).isFile()).toBe(true);
  });

  test('notices that LOCK was replaced', async () => {
    const held = await lock();
    fs.renameSync(lockPath(), `${lockPath()}2`);
    expect(held.isHeld()).toBe(false);
    fs.writeFileSync(lockPath(), '');
    expect(held.isHeld()).toBe(false);
    fs.unlinkSync(lockPath());
    fs.renameSync(`${lockPath()}2`, lockPath());
    expect(held.isHeld()).toBe(true);
    await held.release();
  });

  test.runIf(isLinux)(
    'of records ends with any descriptor of LOCK that closes, and that is noticed',
    async () => {
      const held = await lock();
      const db = new ClassicLevel(directory);
      // An addon in this process is not refused by a lock of this process.
      const isOpen = await db.open().then(
        () => true,
        () => false,
      );
      expect(isOpen).toBe(canLockRecords);
      expect(held.isHeld()).toBe(true);
      if (isOpen) await db.close();
      expect(held.isHeld()).toBe(!canLockRecords);
      await held.release();
    },
  );

  test('works where the directory’s name is a strange one', async () => {
    const strange = path.join(directory, 'file:a?mode=memory&b#c %41');
    fs.mkdirSync(strange);
    const held = await lockWith(strange, canLockRecords);
    expect(fs.readdirSync(strange)).toContain('LOCK');
    expect(held.isHeld()).toBe(true);
    await held.release();
  });
});

test('the list of locks is read for device and inode, waiting ones left aside', () => {
  const list = [
    '1: POSIX  ADVISORY  WRITE 100 fe:00:77 1073741824 1073742335',
    '1: -> POSIX  ADVISORY  WRITE 101 fe:00:77 1073741824 1073742335',
    '2: FLOCK  ADVISORY  WRITE 102 fe:00:78 0 EOF',
    '3: POSIX  ADVISORY  READ 103 103:0a:77 0 EOF',
    '',
  ].join('\n');
  expect(holdersIn(list, 0xfe00n, 77n)).toEqual([100]);
  expect(holdersIn(list, 0xfe00n, 79n)).toEqual([]);
  // Majors beyond 4095 and minors beyond 255 are packed apart.
  expect(holdersIn(list, (0x103n << 8n) | 0x0an, 77n)).toEqual([103]);
});
