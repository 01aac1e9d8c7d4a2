import { expect, test } from 'vitest';
import { RETRY_MS } from '../limits.ts';
import { bytes, text } from '../testing/model.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { open } from './database.ts';
import { Resources } from './resources.ts';

const options = (system: SimulatedSystem) => ({
  system,
  memtableBytes: 65_536,
  resources: new Resources({ workers: 0 }),
});

test('who waits for a flush or compaction is told that the disk is full; they happen by themselves when there is room', async () => {
  const system = new SimulatedSystem();
  const { files } = system;
  const db = await system.until(open('/data', options(system)));
  for (let i = 0; i < 100; i++) db.putSync(bytes(`key${i}`), bytes('value'.repeat(50)));
  files.capacityBytes = files.usedBytes + 100;
  const asked = [db.flush(), db.idle(), db.compact()];
  for (const outcome of await system.until(Promise.allSettled(asked))) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'DISK_FULL' } });
  }
  expect(text(db.getSync(bytes('key7')))).toBe('value'.repeat(50));
  files.capacityBytes = Infinity;
  await system.until(db.idle());
  expect(db.stats().tables.files).toBe(1);
  db.putSync(bytes('key7'), bytes('new'));
  await system.until(db.flush());
  await system.until(db.close());
  const after = system.restart();
  const again = await after.until(open('/data', options(after)));
  expect(text(again.getSync(bytes('key7')))).toBe('new');
  await after.until(again.close());
});

test('who asks again when there is room does not wait for the next try', async () => {
  const system = new SimulatedSystem();
  const { files } = system;
  const db = await system.until(open('/data', options(system)));
  for (let i = 0; i < 100; i++) db.putSync(bytes(`key${i}`), bytes('value'.repeat(50)));
  files.capacityBytes = files.usedBytes + 100;
  await expect(system.until(db.flush())).rejects.toThrow('No space left');
  await expect(system.until(db.flush())).rejects.toThrow('No space left');
  files.capacityBytes = Infinity;
  const since = files.loop.monotonicUs();
  await system.until(db.flush());
  expect(files.loop.monotonicUs() - since).toBeLessThan((RETRY_MS * 1000) / 2);
  expect(db.stats().tables.files).toBe(1);
  await system.until(db.close());
});

test('room that was zeroed in a log is given back when the log ends', async () => {
  const system = new SimulatedSystem();
  const { files } = system;
  const db = await system.until(open('/data', options(system)));
  for (let i = 0; i < 20; i++) db.putSync(bytes(`key${i}`), bytes('value'), { sync: true });
  // The log has more zeros than the table takes.
  expect(files.usedBytes).toBeGreaterThan(60_000);
  files.capacityBytes = files.usedBytes + 100;
  await system.until(db.flush());
  expect(db.stats().tables.files).toBe(1);
  expect(files.usedBytes).toBeLessThan(10_000);
  await system.until(db.close());
});
