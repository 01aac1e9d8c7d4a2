import { describe, expect, test } from 'vitest';
import type { SyncPolicy } from '../../src/log/file-sync.ts';
import type { SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { crashEverywhere, newMachine, run, type Scenario } from './scenario.ts';
import type { TinyStore } from './tiny-store.ts';

const POLICIES: readonly SyncPolicy[] = ['always', 'everysec', 'no'];
const isIncremental = (path: string): boolean => path.includes('.incr');

/** What a run looks like from outside, over its ticks. */
interface Watch {
  failures: (string | undefined)[];
}

function watched(scenario: Scenario): { scenario: Scenario; watch: Watch } {
  const watch: Watch = { failures: [] };
  const at = (tick: number, store: TinyStore, files: SimulatedFileSystem): void => {
    scenario.at?.(tick, store, files);
    watch.failures.push(store.aof.log.failure?.message);
  };
  return { scenario: { ...scenario, at }, watch };
}

describe.each(POLICIES)('a failed sync, appendfsync %s', (policy) => {
  const scenario: Scenario = {
    policy,
    seed: 3,
    ticks: 120,
    at: (tick, store, files) => {
      // Under `no` only a rewrite syncs.
      if (tick === 4) void store.aof.log.sync().catch(() => undefined);
      if (tick !== 3) return;
      let left = 2;
      files.fault = (operation, path) => {
        if (operation !== 'fdatasync' || !isIncremental(path) || left === 0) return undefined;
        left--;
        return 'EIO';
      };
    },
  };

  test('refuses writes until the data is durable in new files', async () => {
    const { store, acknowledged } = await run(scenario, newMachine());
    const reports = store.reports.join('\n');
    expect(reports).toContain('Input/output error. Writes are refused until a rewrite');
    expect(reports).toContain('durable in new files; writes are taken again');
    expect(store.aof.log.failure).toBe(undefined);
    expect(acknowledged).toBeGreaterThan(store.versions.length - 8);
  });

  test('loses nothing that was promised, wherever a crash comes', async () => {
    await crashEverywhere({ ...scenario, ticks: 40 });
  });
});

describe.each(['everysec', 'no'] as const)('a full disk, appendfsync %s', (policy) => {
  const scenario = (ticks: number): Scenario => ({
    policy,
    seed: 4,
    ticks,
    reserveBytes: 600,
    at: (tick, _store, files) => {
      if (tick === 6) files.capacityBytes = files.usedBytes + 50;
      if (tick === 60) files.capacityBytes = Infinity;
    },
  });

  test('refuses writes, writes what was pending, and recovers when there is room', async () => {
    const { scenario: s, watch } = watched(scenario(160));
    const { store, acknowledged } = await run(s, newMachine());
    expect(watch.failures).toContain('Errors writing to the AOF file: No space left on device');
    expect(watch.failures.at(-1)).toBe(undefined);
    expect(acknowledged).toBeGreaterThan(store.versions.length - 8);
  });

  test('loses nothing that was promised, wherever a crash comes', async () => {
    await crashEverywhere(scenario(90));
  });
});

describe('a full disk, appendfsync always', () => {
  const scenario = (reserveBytes: number): Scenario => ({
    policy: 'always',
    seed: 5,
    ticks: 160,
    reserveBytes,
    at: (tick, _store, files) => {
      if (tick === 10) files.capacityBytes = files.usedBytes + 20;
      if (tick === 60) files.capacityBytes = Infinity;
    },
  });

  test('uses the reserve and recovers', async () => {
    const { store, acknowledged } = await run(scenario(2000), newMachine());
    expect(store.fatal).toBe(undefined);
    expect(store.reports.join('\n')).toContain('what was pending went to the reserve');
    expect(acknowledged).toBeGreaterThan(store.versions.length - 8);
  });

  test('ends the process where there is none', async () => {
    const { store } = await run(scenario(0), newMachine());
    expect(store.fatal).toContain("Can't recover from AOF write error");
  });

  test('loses nothing that was promised, wherever a crash comes', async () => {
    await crashEverywhere({ ...scenario(2000), ticks: 90 });
    await crashEverywhere({ ...scenario(0), ticks: 90 });
  });
});

describe.each(POLICIES)('failures while rewriting, appendfsync %s', (policy) => {
  test.each(['open', 'write', 'fsync', 'rename', 'fsync directory', 'unlink'] as const)(
    'a failing %s leaves a log that loads',
    async (operation) => {
      // Each of the first calls of this kind fails once, in a run of its own.
      for (let nth = 0; nth < 3; nth++) {
        let seen = 0;
        const scenario: Scenario = {
          policy,
          seed: 6 + nth,
          ticks: 24,
          at: (tick, store, files) => {
            if (tick !== 5 && tick !== 16) return;
            store.aof.rewrite();
            seen = 0;
            files.fault = (kind, path) => {
              if (kind !== operation || path.endsWith('1.incr.aof')) return undefined;
              return seen++ === nth && tick === 5 ? 'EIO' : undefined;
            };
          },
        };
        await crashEverywhere(scenario, 2);
      }
    },
    60_000,
  );
});

describe.each(POLICIES)('CONFIG SET appendonly, appendfsync %s', (policy) => {
  const scenario: Scenario = {
    policy,
    seed: 9,
    ticks: 50,
    at: (tick, store) => {
      if (tick === 8) store.turnOff();
      if (tick === 16) store.aof.turnOn();
      if (tick === 24) store.turnOff();
      if (tick === 25) store.aof.turnOn();
    },
  };

  test('off and on again: from the new base on everything counts', async () => {
    const { store, acknowledged } = await run(scenario, newMachine());
    expect(store.aof.isOn).toBe(true);
    expect(store.aof.log.isPublished).toBe(true);
    expect(acknowledged).toBeGreaterThan(store.versions.length - 8);
  });

  test('loses nothing that was promised, wherever a crash comes', async () => {
    await crashEverywhere(scenario);
  });
});

/** More with `KVASIR_CRASH_SEEDS=100`. */
const SEEDS = Number(process.env['KVASIR_CRASH_SEEDS'] ?? 4);

describe.each(POLICIES)('everything at once, appendfsync %s', (policy) => {
  test(
    'loses nothing that was promised, wherever a crash comes',
    async () => {
      for (let seed = 100; seed < 100 + SEEDS; seed++) {
        let left = seed % 3;
        const at: Scenario['at'] = (tick, store, files) => {
          if (tick === 6 || tick === 22) store.aof.rewrite();
          if (tick === 12 && left > 0) {
            files.fault = (operation, path) =>
              operation === 'fdatasync' && isIncremental(path) && left-- > 0 ? 'EIO' : undefined;
          }
          if (tick === 16 && seed % 4 === 0) files.capacityBytes = files.usedBytes + 100;
          if (tick === 18 && seed % 5 === 0) store.turnOff();
          if (tick === 19 && seed % 5 === 0) store.aof.turnOn();
          if (tick === 24) files.capacityBytes = Infinity;
        };
        const tickMs = seed % 2 === 0 ? 5 : 0.7;
        await crashEverywhere({ policy, seed, ticks: 40, tickMs, reserveBytes: 800, at });
      }
    },
    20_000 * SEEDS,
  );
});
