import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { bytes } from '../testing/model.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { open } from './database.ts';
import { Resources } from './resources.ts';

const options = (system: SimulatedSystem) => ({
  system,
  memtableBytes: 8192,
  resources: new Resources({ workers: 0 }),
});

test('a database that was opened, or flushed, has its log after any crash: a torn edit is no riddle', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const system = new SimulatedSystem();
    const db = await system.until(open('/data', options(system)));
    if (seed % 2 === 0) {
      await system.until(db.put(bytes('key'), bytes('value')));
      await system.until(db.flush());
    }
    const logs = (files: SimulatedSystem['files']): string[] =>
      files.readDirectory('/data').filter((name) => name.endsWith('.log'));
    const [log] = logs(system.files).slice(-1);
    const after = system.restart(new SeededRandomness(seed));
    expect(logs(after.files)).toContain(log);
    // The next edit was being written when the machine stopped.
    const manifest = after.files.readDirectory('/data').find((name) => name.startsWith('MANIFEST'));
    const file = after.files.open(`/data/${manifest!}`, 'write');
    file.write(bytes('\u0001'), 0, 1, file.size());
    const again = await after.until(open('/data', options(after)));
    if (seed % 2 === 0) expect(again.getSync(bytes('key'))).toEqual(bytes('value'));
    await after.until(again.close());
  }
});

test('who asks a poisoned database for work is refused, and does not wait', async () => {
  const system = new SimulatedSystem();
  const db = await system.until(open('/data', options(system)));
  await system.until(db.put(bytes('key'), bytes('value')));
  system.files.fault = (operation, path) =>
    path.includes('MANIFEST') && (operation === 'write' || operation === 'truncate')
      ? 'EIO'
      : undefined;
  const asked = [db.compact(), db.flush(), db.idle(), db.compact()];
  const outcomes = await system.until(Promise.allSettled(asked));
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'POISONED' } });
  }
  await expect(system.until(db.put(bytes('a'), bytes('b')))).rejects.toMatchObject({
    code: 'POISONED',
  });
  // What was written is read all the same, and is there when the database is opened again.
  expect(db.getSync(bytes('key'))).toEqual(bytes('value'));
  await system.until(db.close());
  const after = system.restart();
  const again = await after.until(open('/data', options(after)));
  expect(again.getSync(bytes('key'))).toEqual(bytes('value'));
  await after.until(again.close());
});
