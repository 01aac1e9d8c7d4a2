/** Every unit goes through with stores that are right, and notices one that is not. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Contestant } from './contestant.ts';
import { Entries } from './entries.ts';
import { KvasirContestant } from './kvasir.ts';
import { Scene } from './scene.ts';
import { MapContestant } from './testing/map-contestant.ts';
import { type Unit, UNITS } from './units.ts';

const VALUE_BYTES = 100;
const MIB: number = 1024 * 1024;
let root = '';

beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-bench-test-'));
});
afterEach(() => {
  fs.rmSync(root, { recursive: true, force: true });
});

async function run(unit: Unit, contestant: Contestant): Promise<Scene> {
  const scene = new Scene(contestant, new Entries(1, VALUE_BYTES), root, {
    entries: 1000,
    seconds: 0.05,
    seed: 1,
    bigBytes: 200_000,
    settings: { compression: 'none', cacheBytes: 8 * MIB, writeBufferBytes: MIB },
  });
  await unit.run(scene);
  return scene;
}

const EACH = UNITS.map((unit) => [unit.name, unit] as const);

test.each(EACH)('%s measures a store in memory', async (_, unit) => {
  const scene = await run(unit, new MapContestant());
  const results = Object.values(scene.results);
  expect(results.length).toBeGreaterThan(0);
  for (const { operations, seconds, cpuSeconds } of results) {
    expect(operations).toBeGreaterThanOrEqual(0);
    expect(seconds).toBeGreaterThan(0);
    expect(cpuSeconds).toBeGreaterThanOrEqual(0);
  }
});

test.each(EACH)('%s measures Kvasir', async (_, unit) => {
  const scene = await run(unit, new KvasirContestant());
  expect(Object.keys(scene.results).length).toBeGreaterThan(0);
  // Nothing is left of what it wrote.
  expect(fs.readdirSync(root)).toEqual([]);
});

test.each(EACH)('%s notices lost writes', async (_, unit) => {
  await expect(run(unit, new MapContestant(3))).rejects.toThrow(/has not the value|entries/);
});
