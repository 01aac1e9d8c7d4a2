import { describe, expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { FileError } from '../../os/file-system.ts';
import { SeededRandomness } from '../../os/randomness.ts';
import type { SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import { WriteBatch } from '../write-batch.ts';
import { discardLog, prepareLog, prepareLogSync } from './prepared-log.ts';
import { append, begin, bytesOf, DIRECTORY, machine, recover, upTo } from './testing/log-scenes.ts';

describe('the write-ahead log', () => {
  test('gives back its batches in order, over several files', () => {
    const files = machine();
    let log = begin(files, 1);
    for (let i = 0; i < 9; i++) {
      append(log, 1 + (i % 3), 1000 * i);
      log.write();
      if (i % 3 === 2) log = begin(files, 3 + 2 * i, log);
    }
    expect(recover(files)).toMatchObject({ sequences: upTo(18), drops: [], lastSequence: 18 });
    expect(log.lastSequence).toBe(18);
    expect(log.writtenSequence).toBe(18);
    expect(log.durableSequence).toBe(0);
  });

  test('refuses a batch that does not follow', () => {
    const log = begin(machine(), 1);
    append(log, 2);
    const batch = new WriteBatch();
    batch.seal(2);
    expect(() => log.append(batch.region, 0, batch.sizeBytes)).toThrow(RangeError);
  });

  test('says in marks what was synced', () => {
    const files = machine();
    const log = begin(files, 1);
    const first = log.sizeBytes;
    append(log, 1);
    const batchBytes = log.sizeBytes - first;
    append(log, 1);
    expect(log.sizeBytes).toBe(first + 2 * batchBytes);
    log.write();
    log.sync();
    expect(log.durableSequence).toBe(2);
    append(log, 1);
    expect(log.sizeBytes).toBe(first + 3 * batchBytes + first);
    append(log, 1);
    expect(log.sizeBytes).toBe(first + 4 * batchBytes + first);
  });

  test('a sync makes older logs and names durable too', async () => {
    const files = machine();
    const older = begin(files, 1);
    append(older, 3);
    older.write();
    const log = begin(files, 3, older);
    append(log, 2);
    log.write();
    append(log, 1);
    let isSynced = false;
    void log.syncAsync().then(() => (isSynced = true));
    await files.loop.runUntil(() => isSynced);
    expect(log.durableSequence).toBe(5);
    for (let seed = 0; seed < 50; seed++) {
      const { sequences } = recover(files.restart(new SeededRandomness(seed)));
      expect(sequences).toEqual(upTo(5));
    }
  });

  test('is pre-zeroed, and gives back what it did not use', () => {
    const files = machine();
    const log = begin(files, 1, undefined, 600_000);
    append(log, 3);
    log.write();
    expect(bytesOf(files, '000002.log').length).toBe(600_000);
    expect(recover(files)).toMatchObject({ sequences: upTo(3), drops: [], lastSequence: 3 });
    log.close();
    expect(bytesOf(files, '000002.log').length).toBe(log.sizeBytes);
    expect(recover(files).sequences).toEqual(upTo(3));
  });

  test('has zeros behind its records where few are synced at a time, and in every mode they are no damage', () => {
    const files = machine();
    const log = begin(files, 1, undefined, 0, 100_000);
    const size = (): number => bytesOf(files, '000002.log').length;
    const write = (valueBytes: number): void => {
      append(log, 1, valueBytes);
      log.write();
      log.zeroAhead();
      log.sync();
    };
    write(100);
    expect(size()).toBe(log.sizeBytes + 100_000);
    const first = size();
    for (let i = 2; i <= 80; i++) write(1000);
    expect(size()).toBe(first);
    for (const mode of [
      'tolerate-torn-tail',
      'point-in-time',
      'absolute',
      'skip-corrupt',
    ] as const) {
      expect(recover(files, mode)).toMatchObject({ sequences: upTo(80), drops: [] });
    }
    for (let i = 81; i <= 90; i++) write(1000);
    expect(size()).toBeGreaterThan(first);
    const second = size();
    // Of what is as large as this no other would meet the room.
    for (let i = 91; i <= 120; i++) write(10_000);
    expect(size()).toBeGreaterThan(second);
    expect(size()).toBe(log.sizeBytes);
    expect(recover(files, 'absolute')).toMatchObject({ sequences: upTo(120), drops: [] });
    // What a crash leaves of a record has the zeros behind it.
    const at = log.sizeBytes;
    write(50);
    write(50);
    append(log, 1, 50);
    log.write();
    const bytes = bytesOf(files, '000002.log').slice();
    bytes.fill(0, log.sizeBytes - 20);
    files.put(`${DIRECTORY}/000002.log`, bytes);
    expect(bytes.length).toBeGreaterThan(log.sizeBytes + 50_000);
    expect(recover(files)).toMatchObject({ sequences: upTo(122), drops: [{ path: log.path }] });
    expect(() => recover(files, 'absolute')).toThrow('a wrong checksum');
    expect(at).toBeLessThan(log.sizeBytes);
  });

  test('goes on without zeros where the disk has no room for them', () => {
    const files = machine();
    const log = begin(files, 1, undefined, 0, 100_000);
    files.capacityBytes = files.usedBytes + 20_000;
    for (let i = 1; i <= 100; i++) {
      append(log, 1, 100);
      log.write();
      log.zeroAhead();
      log.sync();
    }
    expect(bytesOf(files, '000002.log').length).toBe(log.sizeBytes);
    expect(recover(files, 'absolute')).toMatchObject({ sequences: upTo(100), drops: [] });
    append(log, 1, 30_000);
    expect(() => log.write()).toThrow(FileError);
    log.cutBack();
    files.capacityBytes = Infinity;
    append(log, 1, 100);
    log.write();
    log.zeroAhead();
    log.sync();
    expect(bytesOf(files, '000002.log').length).toBe(log.sizeBytes);
    expect(recover(files, 'absolute')).toMatchObject({ sequences: upTo(101), drops: [] });
  });

  test('is released by what makes its entries durable elsewhere', () => {
    const files = machine();
    const a = begin(files, 1);
    append(a, 2);
    a.write();
    const b = begin(files, 3, a);
    append(b, 2);
    b.write();
    const c = begin(files, 5, b);
    c.releaseUpTo(2);
    expect(c.durableSequence).toBe(0);
    c.releaseUpTo(4);
    expect(c.durableSequence).toBe(4);
    c.close();
  });

  test('a prepared file that is not needed is removed, one that can’t be made leaves nothing', async () => {
    const files = machine();
    const options = { files, directory: DIRECTORY, number: 1, durableSequence: 0, zeroBytes: 10 };
    discardLog(files, prepareLogSync(options));
    expect(files.readDirectory(DIRECTORY)).toEqual([]);
    files.fault = (operation) => (operation === 'fsync' ? 'EIO' : undefined);
    expect(() => prepareLogSync(options)).toThrow('Input/output error');
    let error: unknown;
    void prepareLog(options).catch((e: unknown) => (error = e));
    await files.loop.runUntil(() => error !== undefined);
    expect(error).toBeInstanceOf(FileError);
    expect(files.readDirectory(DIRECTORY)).toEqual([]);
  });

  test('after a failed sync it never syncs again', async () => {
    const files = machine();
    const log = begin(files, 1);
    append(log, 1);
    log.write();
    files.fault = (operation) => (operation === 'fdatasync' ? 'EIO' : undefined);
    expect(() => log.sync()).toThrow('Input/output error');
    files.fault = undefined;
    expect(() => log.sync()).toThrow('Input/output error');
    await expect(log.syncAsync()).rejects.toThrow('Input/output error');
    expect(log.durableSequence).toBe(0);
    log.close();
  });
});

describe('recovery', () => {
  /** Three synced batches, then `unsynced` more. */
  function scene(
    unsynced: number,
    isMarked: boolean,
  ): { files: SimulatedFileSystem; at: number[] } {
    const files = machine();
    const log = begin(files, 1);
    const at: number[] = [];
    for (let i = 0; i < 3 + unsynced; i++) {
      at.push(log.sizeBytes);
      append(log, 2);
      log.write();
      if (isMarked && i === 2) log.sync();
    }
    return { files, at };
  }

  function damage(files: SimulatedFileSystem, offset: number): SimulatedFileSystem {
    const bytes = bytesOf(files, '000002.log').slice();
    bytes[offset]! ^= 1;
    files.put(`${DIRECTORY}/000002.log`, bytes);
    return files;
  }

  test('drops and reports a torn tail', () => {
    const { files, at } = scene(2, true);
    const bytes = bytesOf(files, '000002.log');
    files.put(`${DIRECTORY}/000002.log`, bytes.slice(0, bytes.length - 5));
    const { sequences, drops } = recover(files);
    expect(sequences).toEqual(upTo(8));
    expect(drops).toHaveLength(1);
    expect(drops[0]).toMatchObject({ path: '/db/000002.log', offset: at[4] });
    expect(drops[0]!.bytes).toBe(bytes.length - 5 - at[4]!);
    expect(drops[0]!.error.message).toMatch(/^\/db\/000002.log, offset \d+: a record cut off/);
    expect(() => recover(files, 'absolute')).toThrow('a record cut off');
  });

  test('drops what follows a gap in what was not synced', () => {
    const { files, at } = scene(3, true);
    const { sequences, drops } = recover(damage(files, at[4]! + 10));
    expect(sequences).toEqual(upTo(8));
    expect(drops.map((drop) => drop.offset)).toEqual([at[4]]);
  });

  test('stops at damage to what was synced, naming place, expected and found', () => {
    const { files, at } = scene(1, true);
    damage(files, at[1]! + 10);
    let error: unknown;
    try {
      recover(files);
    } catch (e) {
      error = e;
    }
    expect(error).toMatchObject({ code: 'CORRUPTION', path: '/db/000002.log', offset: at[1] });
    expect(String(error)).toMatch(
      /a wrong checksum, and what follows had been synced \(expected 0x[0-9a-f]{8}, found 0x/,
    );
    expect(recover(files, 'point-in-time').sequences).toEqual(upTo(2));
    const salvaged = recover(files, 'skip-corrupt');
    expect(salvaged.sequences).toEqual([1, 2, 5, 6, 7, 8]);
    expect(salvaged.drops).toHaveLength(1);
    expect(salvaged.drops[0]!.bytes).toBe(at[2]! - at[1]!);
  });

  test('finds what shows it even where a damaged length hides it', () => {
    for (const byte of [4, 5]) {
      const { files, at } = scene(1, true);
      damage(files, at[1]! + byte);
      expect(() => recover(files)).toThrow('what follows had been synced');
    }
  });

  test('goes on behind a damaged mark, since nothing is missing', () => {
    const { files, at } = scene(2, true);
    const { sequences, drops } = recover(damage(files, at[3]! + 8));
    expect(sequences).toEqual(upTo(10));
    expect(drops.map(({ offset, bytes }) => [offset, bytes])).toEqual([[at[3], 19]]);
  });

  test('takes a damaged beginning for damage: it was synced with its name', () => {
    const { files } = scene(0, false);
    damage(files, 8);
    expect(() => recover(files)).toThrow('what follows had been synced');
    expect(recover(files, 'point-in-time').sequences).toEqual([]);
  });

  test('notices that a synced log is missing', () => {
    const files = machine();
    const a = begin(files, 1);
    append(a, 2);
    a.write();
    a.sync();
    const b = begin(files, 3, a);
    append(b, 1);
    b.write();
    files.unlink(`${DIRECTORY}/000002.log`);
    expect(() => recover(files)).toThrow('synced entries are missing');
    expect(recover(files, 'point-in-time').sequences).toEqual([]);
    expect(recover(files, 'skip-corrupt').sequences).toEqual([3]);
    expect(recover(files, 'absolute', 2).sequences).toEqual([3]);
  });

  test('of a log without marks takes damage that anything follows for damage', () => {
    const files = machine();
    const { files: source, at } = scene(2, false);
    const foreign = bytesOf(source, '000002.log').slice(at[0]);
    files.put(`${DIRECTORY}/000002.log`, foreign);
    expect(recover(files).sequences).toEqual(upTo(10));
    for (let offset = 0; offset < foreign.length; offset++) {
      const bytes = foreign.slice();
      bytes[offset]! ^= 0x20;
      files.put(`${DIRECTORY}/000002.log`, bytes);
      const isLast = offset >= at[4]! - at[0]!;
      if (isLast) expect(recover(files).sequences).toEqual(upTo(8));
      else expect(() => recover(files), String(offset)).toThrow('had been synced');
    }
  });

  test('names an entry that it does not know, in every mode but the one for salvage', () => {
    const files = machine();
    const log = begin(files, 1);
    append(log, 1);
    const batch = new WriteBatch();
    const key = Region.of('k');
    batch.merge(key, 0, 1, key, 0, 1);
    batch.seal(2);
    log.append(batch.region, 0, batch.sizeBytes);
    log.write();
    for (const mode of ['tolerate-torn-tail', 'point-in-time', 'absolute'] as const) {
      expect(() => recover(files, mode)).toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED', path: '/db/000002.log' }),
      );
    }
    expect(recover(files, 'skip-corrupt').sequences).toEqual([1]);
  });
});
