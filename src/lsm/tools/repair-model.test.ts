/** Whatever the engine did under whatever options: without its manifest, a repair finds the same again. */
import { expect, test } from 'vitest';
import { open } from '../database/database.ts';
import { bytes, text } from '../testing/model.ts';
import { ModelRun } from '../testing/model-run.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { repairDirectory } from './repair.ts';
import { repairWithoutManifest } from './testing/repair-rerun.ts';

const RUNS = 25 * Number(process.env['KVASIR_SOAK'] ?? 1);
const OPERATIONS = 150;

/** Seeds that found something once: range tombstones of logs were lost. */
const FOUND = [100_005];

test('a database that lost its manifest is the same after a repair', async () => {
  let closed = 0;
  const seeds = [...FOUND, ...Array.from({ length: RUNS }, (_, i) => (i + 1) * 7919)];
  for (const seed of seeds) {
    const run = new ModelRun(seed);
    run.onClosed = async (one) => {
      closed++;
      await repairWithoutManifest(one);
    };
    await run.play(OPERATIONS);
  }
  expect(closed).toBeGreaterThanOrEqual(RUNS);
}, 3_600_000);

test.each([[], ['b']])(
  'a log that has nothing but a range tombstone (and %s) hides what is in tables',
  async (...more) => {
    const system = new SimulatedSystem();
    const db = await system.until(open('/data', { system, formatLevel: 2 }));
    for (const key of ['a', 'b', 'c', 'd']) db.putSync(bytes(key), bytes('1'));
    await system.until(db.flush());
    const batch = db.batch();
    batch.deleteRange(bytes('b'), bytes('d'));
    for (const key of more) batch.put(bytes(key), bytes('2'));
    batch.writeSync();
    const killed = system.restart();
    const { files, lockDatabase } = killed;
    for (const name of files.readDirectory('/data')) {
      if (name.startsWith('MANIFEST')) files.unlink(`/data/${name}`);
    }
    const { isRebuild } = await killed.until(
      repairDirectory({ files, lockDatabase, directory: '/data' }),
    );
    expect(isRebuild).toBe(true);
    const again = await killed.until(open('/data', { system: killed }));
    expect([...again.range()].map(([key]) => text(key))).toEqual(['a', ...more, 'd']);
    await killed.until(again.close());
  },
);
