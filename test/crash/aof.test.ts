import { describe, expect, test } from 'vitest';
import { SeededRandomness } from '../../src/os/randomness.ts';
import type { SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { newMachine } from './scenario.ts';
import { TinyStore } from './tiny-store.ts';

async function openStore(files: SimulatedFileSystem): Promise<TinyStore> {
  const store = new TinyStore({
    files,
    loop: files.loop,
    random: new SeededRandomness(1),
    policy: 'everysec',
  });
  let isOpen = false;
  void store.open().then(() => (isOpen = true));
  await files.loop.runUntil(() => isOpen);
  return store;
}

async function fill(store: TinyStore, files: SimulatedFileSystem, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    store.write([[`key:${i % 7}`, `value ${i} ${'x'.repeat(50)}`]]);
    store.aof.log.write();
    store.aof.tick();
    await files.loop.run(1);
  }
}

const manifest = (files: SimulatedFileSystem): string =>
  Buffer.from(files.dump().get('/data/appendonlydir/appendonly.aof.manifest')!).toString();

describe('the append only file', () => {
  test('a new one is a base and an incremental file', async () => {
    const files = newMachine();
    const store = await openStore(files);
    expect(manifest(files)).toBe(
      'file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
    );
    expect(store.aof.currentBytes).toBe(store.aof.directory.sizeBytes);
  });

  test('a rewrite makes the next of both and removes the old', async () => {
    const files = newMachine();
    const store = await openStore(files);
    await fill(store, files, 10);
    expect(store.aof.rewrite()).toBe('started');
    expect(store.aof.rewrite()).toBe('in progress');
    expect(store.aof.isRewriting).toBe(true);
    await files.loop.run(50);
    expect(store.aof.isRewriting).toBe(false);
    expect(manifest(files)).toBe(
      'file appendonly.aof.2.base.aof seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n',
    );
    expect(files.readDirectory('/data/appendonlydir')).toEqual([
      'appendonly.aof.2.base.aof',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
    ]);
    expect(store.aof.baseBytes).toBe(store.aof.currentBytes);
  });

  test('it rewrites itself when it has grown enough', async () => {
    const files = newMachine();
    const store = await openStore(files);
    store.aof.policy.minimumBytes = 2000;
    await fill(store, files, 200);
    expect(store.aof.rewrites).toBeGreaterThan(4);
    expect(store.aof.currentBytes).toBeLessThan(5000);
    const again = await openStore(files.restart(new SeededRandomness(1)));
    expect(again.text.length).toBeGreaterThan(0);
  });

  test('failing rewrites leave no files and come less and less often', async () => {
    const files = newMachine();
    const store = await openStore(files);
    store.aof.policy.minimumBytes = 2000;
    files.fault = (operation, path) =>
      operation === 'write' && path.endsWith('.base') ? 'ENOSPC' : undefined;
    await fill(store, files, 300);
    expect(store.aof.policy.consecutiveFailures).toBe(3);
    expect(store.aof.isLastRewriteOk).toBe(false);
    expect(files.readDirectory('/data/appendonlydir').some((name) => name.startsWith('temp'))).toBe(
      false,
    );
    await files.loop.run(61_000);
    store.aof.tick();
    await files.loop.run(50);
    expect(store.aof.policy.consecutiveFailures).toBe(4);
    expect(store.aof.log.failure).toBe(undefined);
    files.fault = undefined;
    expect(store.aof.rewrite()).toBe('started');
    await files.loop.run(50);
    expect(store.aof.policy.consecutiveFailures).toBe(0);
    const again = await openStore(files.restart());
    expect(again.text).toBe(store.text);
  });

  test('a repair that keeps failing is tried again after growing pauses', async () => {
    const files = newMachine();
    const store = await openStore(files);
    files.fault = (operation, path) =>
      operation === 'fdatasync' || path.includes('temp-') ? 'EIO' : undefined;
    store.write([['a', '1']]);
    store.aof.log.write();
    await files.loop.run(1100);
    expect(store.aof.log.failure?.kind).toBe('sync');
    const before = store.aof.rewrites;
    await files.loop.run(30_000);
    const tries = store.aof.rewrites - before;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(8);
    files.fault = undefined;
    await files.loop.run(60_000);
    expect(store.aof.log.failure).toBe(undefined);
    const again = await openStore(files.restart(new SeededRandomness(5)));
    expect(again.text).toBe(store.text);
  });

  test('while writes fail for want of room no rewrite begins', async () => {
    const files = newMachine();
    const store = await openStore(files);
    files.capacityBytes = files.usedBytes;
    store.write([['a', '1']]);
    store.aof.log.write();
    expect(store.aof.rewrite()).toBe('failed');
  });

  test('while it is off a rewrite makes a base alone, from which the next start begins', async () => {
    const files = newMachine();
    const store = await openStore(files);
    await fill(store, files, 5);
    store.turnOff();
    store.write([['unlogged', '1']]);
    expect(store.aof.rewrite()).toBe('started');
    await files.loop.run(50);
    expect(manifest(files)).toBe('file appendonly.aof.2.base.aof seq 2 type b\n');
    const again = await openStore(files.restart());
    expect(again.data.get('unlogged')).toBe('1');
  });

  test('ended at any moment of a rewrite, everything is there and nothing is left over', async () => {
    for (let us = 0; us < 8000; us += 300) {
      const files = newMachine();
      const store = await openStore(files);
      await fill(store, files, 20);
      store.aof.rewrite();
      await files.loop.run(us / 1000);
      store.write([['last', String(us)]]);
      store.aof.log.write();
      let isClosed = false;
      void store.aof.close().then(() => (isClosed = true));
      await files.loop.runUntil(() => isClosed);
      const names = files.readDirectory('/data/appendonlydir');
      expect(names.filter((name) => name.startsWith('temp-'))).toEqual([]);
      const again = await openStore(files.restart(new SeededRandomness(us)));
      expect(again.text, `${us} us`).toBe(store.text);
    }
  });

  test('off and on again at any moment of a rewrite', async () => {
    for (let us = 0; us < 8000; us += 300) {
      const files = newMachine();
      const store = await openStore(files);
      await fill(store, files, 20);
      store.aof.rewrite();
      await files.loop.run(us / 1000);
      store.turnOff();
      store.write([['off', String(us)]]);
      store.aof.turnOn();
      await fill(store, files, 5);
      await files.loop.run(3000);
      expect(store.aof.log.isPublished).toBe(true);
      expect(store.aof.log.durable).toBe(store.aof.log.position);
      const again = await openStore(files.restart(new SeededRandomness(us)));
      expect(again.text, `${us} us`).toBe(store.text);
    }
  });

  test('turning it on and failing says so and leaves it off', async () => {
    const files = newMachine();
    const store = await openStore(files);
    store.turnOff();
    files.fault = (operation) => (operation === 'open' ? 'EACCES' : undefined);
    expect(() => store.aof.turnOn()).toThrow('Permission denied');
    expect(store.aof.isOn).toBe(false);
  });
});
