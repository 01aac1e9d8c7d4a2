import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock, type Clock } from '../../src/os/clock.ts';
import { NodeFileSystem } from '../../src/os/node-file-system.ts';
import { SystemRandomness } from '../../src/os/randomness.ts';
import { SystemTimers, type Timers } from '../../src/os/timers.ts';
import type { SyncPolicy } from '../../src/log/file-sync.ts';
import { TinyStore } from './tiny-store.ts';

/** The log on the real disk, with real time: what the simulation can't know is that the calls do what they are taken to do. */
describe('the log on the real file system', () => {
  let directory = '';
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-log-'));
  });
  afterEach(() => fs.rmSync(directory, { recursive: true }));

  async function openStore(policy: SyncPolicy): Promise<TinyStore> {
    const clock = new SystemClock();
    const timers = new SystemTimers();
    const loop: Clock & Timers = {
      now: () => clock.now(),
      nowUs: () => clock.nowUs(),
      monotonicUs: () => clock.monotonicUs(),
      cpuUs: () => clock.cpuUs(),
      after: (ms, fn) => timers.after(ms, fn),
      hold: (ms, fn) => timers.hold(ms, fn),
      every: (ms, fn) => timers.every(ms, fn),
      soon: (fn) => timers.soon(fn),
      sleepSync: (ms) => timers.sleepSync(ms),
    };
    const store = new TinyStore({
      files: new NodeFileSystem(),
      loop,
      random: new SystemRandomness(),
      policy,
      dir: directory,
      reserveBytes: 100_000,
    });
    await store.open();
    return store;
  }

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test.each(['always', 'everysec', 'no'] as const)(
    'write, rewrite, end, load: %s',
    async (policy) => {
      const store = await openStore(policy);
      for (let i = 0; i < 500; i++) {
        store.write([
          [`key:${i % 17}`, `value ${i}`],
          ['other', String(i)],
        ]);
        store.aof.log.write();
        if (i === 200) expect(store.aof.rewrite()).toBe('started');
        if (i % 10 === 0) await turn();
      }
      while (store.aof.isRewriting) await turn();
      expect(store.aof.isLastRewriteOk).toBe(true);
      await store.aof.log.sync();
      expect(store.aof.log.durable).toBe(store.aof.log.position);
      expect(store.aof.log.canRelease(store.aof.log.position)).toBe(true);
      const { text } = store;
      await store.aof.close();
      expect(fs.readdirSync(path.join(directory, 'appendonlydir'))).toEqual([
        'appendonly.aof.2.base.aof',
        'appendonly.aof.2.incr.aof',
        'appendonly.aof.manifest',
        'kvasir.reserve',
      ]);
      const again = await openStore(policy);
      expect(again.text).toBe(text);
      again.write([['more', '1']]);
      await again.aof.close();
      const third = await openStore(policy);
      expect(third.data.get('more')).toBe('1');
      await third.aof.close();
    },
  );

  test('a torn tail is cut off on the disk', async () => {
    const store = await openStore('no');
    store.write([['a', '1']]);
    store.aof.log.write();
    store.write([['b', '2']]);
    await store.aof.close();
    const file = path.join(directory, 'appendonlydir', 'appendonly.aof.1.incr.aof');
    const size = fs.statSync(file).size;
    fs.truncateSync(file, size - 40);
    const again = await openStore('no');
    expect(again.text).toBe('a=1');
    expect(fs.statSync(file).size).toBeLessThan(size - 40);
    await again.aof.close();
  });
});
