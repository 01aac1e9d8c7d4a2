import { describe, expect, test } from 'vitest';
import type { SyncPolicy } from '../../src/log/file-sync.ts';
import { crashEverywhere, newMachine, run } from './scenario.ts';

const POLICIES: readonly SyncPolicy[] = ['always', 'everysec', 'no'];

describe.each(POLICIES)('a crash anywhere, appendfsync %s', (policy) => {
  test('while writing', async () => {
    const calls = await crashEverywhere({ policy, seed: 1, ticks: 25 });
    expect(calls).toBeGreaterThan(25);
  });

  test('while rewriting', async () => {
    await crashEverywhere({
      policy,
      seed: 2,
      ticks: 30,
      at: (tick, store, files) => {
        if (tick !== 5 && tick !== 20) return;
        expect(store.aof.rewrite() === 'failed' && !files.isDead).toBe(false);
      },
    });
  });
  test('while writes come faster than syncs, and a rewrite among them', async () => {
    await crashEverywhere({
      policy,
      seed: 3,
      ticks: 40,
      tickMs: 0.5,
      at: (tick, store) => {
        if (tick === 8) store.aof.rewrite();
      },
    });
  });
});

test('a run without a crash does what the crashing ones are meant to', async () => {
  const { store, acknowledged } = await run(
    {
      policy: 'always',
      seed: 2,
      ticks: 30,
      at: (tick, s) => {
        if (tick === 5 || tick === 20) s.aof.rewrite();
      },
    },
    newMachine(),
  );
  expect(store.aof.rewrites).toBe(3);
  expect(store.aof.isLastRewriteOk).toBe(true);
  expect(acknowledged).toBeGreaterThan(store.versions.length - 4);
});
