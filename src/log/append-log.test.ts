import { beforeEach, describe, expect, test } from 'vitest';
import { SeededRandomness } from '../os/randomness.ts';
import { SimulatedFileSystem } from '../os/simulated-file-system.ts';
import { SimulatedLoop } from '../os/simulated-loop.ts';
import { AppendLog } from './append-log.ts';
import type { SyncPolicy } from './file-sync.ts';
import { IncrementalFile } from './incremental-file.ts';
import { ENTRIES_AT } from './log-buffer.ts';
import { ReserveSpace } from './reserve-space.ts';

describe('the append log', () => {
  let loop: SimulatedLoop;
  let files: SimulatedFileSystem;
  let log: AppendLog;
  let durableCalls: number;
  let fatal: string | undefined;
  beforeEach(() => {
    loop = new SimulatedLoop();
    files = new SimulatedFileSystem(loop);
  });

  /** Syncs of 2 ms run beside the event loop; shorter ones block (file-sync.ts). */
  function open(policy: SyncPolicy, syncUs = 2000): AppendLog {
    files.syncUs = syncUs;
    durableCalls = 0;
    fatal = undefined;
    log = new AppendLog({
      clock: loop,
      timers: loop,
      policy,
      onFatal: (message) => {
        fatal = message;
      },
      log: () => {},
      bufferBytes: 256,
    });
    log.onDurable = () => durableCalls++;
    log.open(newFile('a'), 0);
    return log;
  }

  function newFile(name: string, position = 0): IncrementalFile {
    const file = IncrementalFile.create(files, new SeededRandomness(1), `/${name}`);
    file.writeHeader(position);
    return file;
  }

  function entry(text: string): number {
    log.buffer.reserve(text.length);
    for (let i = 0; i < text.length; i++) {
      log.buffer.region.bytes[log.buffer.at++] = text.charCodeAt(i);
    }
    log.endEntry();
    return log.position;
  }

  const content = (name: string): string =>
    Buffer.from(files.dump().get(`/${name}`)!).toString('latin1');
  const batches = (name: string): string[] =>
    content(name)
      .split('\r\n')
      .filter((line) => !/^#KV[ABE]|^$/.test(line));

  test('positions count entries, one batch a write', () => {
    open('no');
    expect(entry('one')).toBe(3);
    expect(entry('two!')).toBe(7);
    expect([log.position, log.written, log.durable]).toEqual([7, 0, 0]);
    log.write();
    log.write();
    expect([log.position, log.written, log.durable]).toEqual([7, 7, 0]);
    expect(log.buffer.at).toBe(ENTRIES_AT);
    entry('x');
    log.write();
    expect(content('a').match(/#KVB /g)?.length).toBe(2);
    expect(batches('a')).toEqual(['onetwo!#KVE', 'x#KVE'].map((s) => expect.stringContaining(s)));
    expect(log.fileBytes).toBe(content('a').length);
  });

  test('the buffer grows for a large entry and shrinks after it', () => {
    open('no');
    entry('y'.repeat(100_000));
    expect(log.buffer.length).toBe(100_000);
    log.write();
    expect(log.buffer.region.bytes.length).toBe(256);
    expect(content('a')).toContain('y'.repeat(100_000));
  });

  test('everysec: what is written may leave, and is synced within a second', async () => {
    open('everysec');
    const at = entry('one');
    expect(log.canRelease(at)).toBe(false);
    log.write();
    expect(log.canRelease(at)).toBe(true);
    await loop.run(990);
    expect(log.durable).toBe(0);
    await loop.run(20);
    expect(log.durable).toBe(at);
    await loop.run(5000);
    expect(log.figures.syncs).toBe(1);
  });

  test('always: one sync at a time, the next takes what came meanwhile', async () => {
    open('always');
    const first = entry('one');
    log.write();
    expect(log.canRelease(first)).toBe(false);
    await loop.run(1);
    const second = entry('two');
    log.write();
    const third = entry('three');
    log.write();
    await loop.run(1.5);
    expect(log.durable).toBe(first);
    expect(durableCalls).toBe(1);
    await loop.run(2);
    expect(log.canRelease(third)).toBe(true);
    expect(second).toBeLessThan(third);
    expect(log.figures.syncs).toBe(2);
  });

  test('always: a sync waits a little for as many as the last one answered, and no longer', async () => {
    open('always');
    log.syncWaitFraction = 0.25;
    for (let i = 0; i < 10; i++) entry('x');
    log.write();
    await loop.run(2.01);
    expect(log.figures.syncs).toBe(1);
    entry('y');
    log.write();
    await loop.run(0.4);
    expect(log.pendingSyncs).toBe(0);
    await loop.run(0.2);
    expect(log.pendingSyncs).toBe(1);
    await loop.run(3);
    // Once as many have come there is nothing to wait for.
    entry('z');
    log.write();
    expect(log.pendingSyncs).toBe(1);
  });

  test('always: quick syncs are over when write returns', async () => {
    open('always', 300);
    entry('one');
    log.write();
    await loop.run(1);
    const at = entry('two');
    log.write();
    expect(log.canRelease(at)).toBe(true);
  });

  test('a change of policy takes effect at once', async () => {
    open('no');
    const at = entry('one');
    log.write();
    await loop.run(10_000);
    expect(log.durable).toBe(0);
    log.policy = 'always';
    expect(log.canRelease(at)).toBe(false);
    await loop.run(3);
    expect(log.canRelease(at)).toBe(true);
    log.isSyncSuspended = true;
    const next = entry('two');
    log.write();
    expect(log.canRelease(next)).toBe(true);
    await loop.run(3000);
    expect(log.durable).toBe(at);
    log.isSyncSuspended = false;
    await loop.run(3);
    expect(log.durable).toBe(next);
  });

  test('timestamps once a second, not counted', async () => {
    open('no');
    log.hasTimestamps = true;
    entry('one');
    log.write();
    entry('two');
    log.write();
    await loop.run(1000);
    const at = entry('three');
    log.write();
    expect(content('a').match(/#TS:[0-9]{10}\r\n/g)?.length).toBe(2);
    expect(log.written).toBe(at);
    expect(at).toBe(11);
  });

  test('without a file nothing is kept and everything may leave', () => {
    open('always');
    log.close();
    expect(log.canRelease(1e9)).toBe(true);
    entry('one');
    log.write();
    expect([log.position, log.written, log.durable]).toEqual([3, 3, 3]);
  });

  test('during a switch entries wait in memory', () => {
    open('everysec');
    entry('one');
    log.write();
    log.holdFor(newFile('b', log.position));
    const at = entry('two');
    log.write();
    expect(log.written).toBe(3);
    expect(log.canRelease(at)).toBe(false);
    log.switchOver();
    expect(log.canRelease(at)).toBe(true);
    expect(batches('a').join()).not.toContain('two');
    expect(batches('b').join()).toContain('two');
  });

  test('a switch that is given up goes on in the old file', () => {
    open('everysec');
    log.holdFor(newFile('b'));
    const at = entry('two');
    log.cancelSwitch();
    expect(log.canRelease(at)).toBe(true);
    expect(batches('a').join()).toContain('two');
  });

  test('a failed sync: nothing is written there again, new files end it', async () => {
    open('always');
    files.fault = (operation) => (operation === 'fdatasync' ? 'EIO' : undefined);
    let broken = 0;
    log.onBroken = () => broken++;
    const lost = entry('one');
    log.write();
    await loop.run(3);
    expect(broken).toBe(1);
    expect(log.failure).toEqual({
      kind: 'sync',
      code: 'EIO',
      message: 'Errors writing to the AOF file: Input/output error',
    });
    files.fault = undefined;
    const size = content('a').length;
    const pending = entry('two');
    log.write();
    await loop.run(5000);
    expect(content('a').length).toBe(size);
    expect(log.canRelease(lost)).toBe(false);
    await expect(log.sync()).rejects.toThrow('Input/output error');
    expect(() => log.flushSync()).toThrow('Input/output error');

    log.replaceFile(newFile('b', log.position));
    const after = entry('three');
    log.write();
    await loop.run(5000);
    expect(log.canRelease(pending)).toBe(false);
    expect(log.failure?.kind).toBe('sync');
    log.publish();
    expect(log.canRelease(after)).toBe(true);
    expect(log.failure).toBe(undefined);
    expect(batches('b').join()).not.toContain('two');
  });

  test('a full disk: cut back, tried again each second, taken up when there is room', async () => {
    open('everysec');
    entry('one');
    log.write();
    const size = content('a').length;
    files.capacityBytes = files.usedBytes + 10;
    const at = entry('two');
    log.write();
    expect(content('a').length).toBe(size);
    expect(log.failure?.message).toBe('Errors writing to the AOF file: No space left on device');
    expect(log.canRelease(at)).toBe(false);
    expect(log.canRelease(3)).toBe(true);
    await loop.run(1500);
    expect(log.failure).toBeDefined();
    files.capacityBytes = Infinity;
    await loop.run(1000);
    expect(log.failure).toBe(undefined);
    expect(log.canRelease(at)).toBe(true);
    expect(batches('a').join()).toContain('two');
  });

  test('a full disk with a reserve: what is pending is written, and more waits for a new reserve', async () => {
    open('always');
    log.reserve = new ReserveSpace(files, new SeededRandomness(1), '/', 1000);
    const filled = log.reserve.fill();
    await loop.run(10);
    expect(await filled).toBe(true);
    expect(files.usedBytes).toBeGreaterThan(1000);
    files.capacityBytes = files.usedBytes;
    const at = entry('one');
    log.write();
    await loop.run(5);
    expect(log.canRelease(at)).toBe(true);
    expect(log.failure?.code).toBe('ENOSPC');
    await loop.run(3000);
    expect(log.failure?.code).toBe('ENOSPC');
    files.capacityBytes = Infinity;
    await loop.run(2000);
    expect(log.failure).toBe(undefined);
    expect(files.usedBytes).toBeGreaterThan(1000);
    expect(fatal).toBe(undefined);
  });

  test('always without a reserve: entries that cannot be written end the process', () => {
    open('always');
    files.capacityBytes = files.usedBytes;
    const at = entry('one');
    log.write();
    expect(fatal).toContain("Can't recover from AOF write error");
    expect(log.canRelease(at)).toBe(false);
  });

  test('a partial write that cannot be cut off is written over', async () => {
    open('everysec');
    entry('one');
    log.write();
    files.fault = (operation) =>
      operation === 'write' || operation === 'truncate' ? 'EIO' : undefined;
    entry('two');
    log.write();
    await loop.run(1500);
    files.fault = undefined;
    await loop.run(1000);
    expect(log.failure).toBe(undefined);
    expect(batches('a').length).toBe(2);
  });

  test('close writes, syncs and lets go', async () => {
    open('no');
    entry('one');
    log.close();
    expect(batches('a').join()).toContain('one');
    expect(files.restart(new SeededRandomness(3)).dump().size).toBeGreaterThanOrEqual(0);
    expect(log.isOn).toBe(false);
    await expect(log.sync()).resolves.toBe(undefined);
  });
});
