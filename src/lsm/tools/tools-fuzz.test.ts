/** Directories full of anything: every tool ends, in bounded time, with a report or an error of the engine's. */
import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { LsmError } from '../errors.ts';
import type { SimulatedSystem } from '../testing/simulated-system.ts';
import { checkDirectory } from './directory-check.ts';
import { inspectDirectory } from './inspect-directory.ts';
import { logRecords } from './inspect-log.ts';
import { inspectTable, openTable, tableBlocks, tableEntries } from './inspect-table.ts';
import { repairDirectory } from './repair.ts';
import { contentsOf, copyScene, DIRECTORY, type Scene, writeScene } from './testing/tool-scenes.ts';

/** Files of a sound database: damaged, cut, swapped, filled with noise, gone. */
function wreck(scene: Scene, random: SeededRandomness): SimulatedSystem {
  let before: Uint8Array = new Uint8Array(50);
  return copyScene(scene, (_, bytes) => {
    const original = bytes.slice();
    const choice = random.below(8);
    if (choice === 0) return undefined;
    if (choice === 1) return bytes.slice(0, random.below(bytes.length + 1));
    if (choice === 2) return before.slice();
    before = original;
    if (choice > 5) return bytes;
    const from = random.below(bytes.length);
    const to = Math.min(bytes.length, from + random.below([2, 40, 4000][choice - 3]!));
    for (let at = from; at < to; at++) bytes[at] = choice === 4 ? 0 : random.below(256);
    return bytes;
  });
}

/** The result, undefined where the engine refused. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    expect(error).toBeInstanceOf(LsmError);
    return undefined;
  }
}

test('wrecked directories are checked, looked into and repaired, or refused', async () => {
  const scene = await writeScene({ writes: 700 });
  let repaired = 0;
  for (let seed = 1; seed <= 150; seed++) {
    const system = wreck(scene, new SeededRandomness(seed));
    const { files, lockDatabase } = system;
    attempt(() => checkDirectory({ files, directory: DIRECTORY }));
    attempt(() => inspectDirectory(DIRECTORY, files));
    for (const name of files.readDirectory(DIRECTORY)) {
      const file = files.open(`${DIRECTORY}/${name}`, 'read');
      const table = openTable(file);
      inspectTable(table, name);
      attempt(() => [...tableBlocks(table, name)]);
      attempt(() => [...tableEntries(table, name, {}, () => {})]);
      attempt(() => [...logRecords(file, name)].map((record) => [...record.entries()]));
      file.close();
    }
    try {
      const options = { files, lockDatabase, directory: DIRECTORY, targetBytes: 4096 };
      await system.until(repairDirectory(options));
    } catch (error) {
      expect(error).toBeInstanceOf(LsmError);
      continue;
    }
    repaired++;
    // A repair leaves what is sound, and what the engine opens.
    expect(checkDirectory({ files, directory: DIRECTORY }).problems, `seed ${seed}`).toEqual([]);
    expect((await contentsOf(system)).size).toBeLessThanOrEqual(1000);
  }
  expect(repaired).toBeGreaterThan(100);
});
