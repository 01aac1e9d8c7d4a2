import { expect, test } from 'vitest';
import { bytes, text } from '../testing/model.ts';
import { Scene } from './testing.ts';

const key = (n: number): string => `k${String(n).padStart(3, '0')}`;

async function filled(): Promise<Scene> {
  const scene = new Scene();
  await scene.open({ memtableBytes: 65_536, level0Files: 100 });
  for (let n = 0; n < 100; n++) scene.db.putSync(bytes(key(n)), bytes(`old${n}`));
  return scene;
}

const overwrite = async (scene: Scene, value: string): Promise<void> => {
  for (let n = 0; n < 100; n++) scene.db.putSync(bytes(key(n)), bytes(value));
  await scene.until(scene.db.compact());
  await scene.pass(100);
};

for (const reverse of [false, true]) {
  test(`an iterator that rests keeps no tables and memtables, reverse: ${reverse}`, async () => {
    const scene = await filled();
    const { db } = scene;
    const iterator = db.range({ reverse }).iterator();
    const numbers = Array.from({ length: 100 }, (_, n) => (reverse ? 99 - n : n));
    const { heldBytes } = db.stats().memtables;
    for (const n of numbers.slice(0, 5)) {
      expect(iterator.next()).toBe(true);
      await overwrite(scene, `new${n}`);
      const [pin, ...others] = db.stats().pins;
      expect(others).toEqual([]);
      expect(pin).toMatchObject({ holder: 'iterator', sequence: 100, tables: 0, memtables: 0 });
      expect(pin!.writesBehind).toBeGreaterThanOrEqual(100);
      expect(pin!.ageMs).toBeGreaterThan(0);
      // One is written to, one is for the next.
      expect(db.stats().memtables.heldBytes).toBeLessThanOrEqual(2 * heldBytes);
      expect(scene.tables()).toBe(db.stats().tables.files);
      // What it stands on it still tells.
      expect([text(iterator.key()), text(iterator.value())]).toEqual([key(n), `old${n}`]);
      const { valueBytes, valueStart, valueEnd } = iterator;
      expect(text(valueBytes.subarray(valueStart, valueEnd))).toBe(`old${n}`);
    }
    const batch = await scene.until(iterator.nextBatch(10));
    expect(batch.map(([, value]) => text(value))).toEqual(
      numbers.slice(5, 15).map((n) => `old${n}`),
    );
    await overwrite(scene, 'newest');
    iterator.seek(bytes(key(50)));
    await overwrite(scene, 'newest of all');
    expect(iterator.next()).toBe(true);
    expect(text(iterator.value())).toBe('old50');
    iterator.close();
    expect(db.stats().pins).toEqual([]);
  });
}

test('batches that are read go on where they were, whatever is flushed meanwhile', async () => {
  const scene = await filled();
  const batch = scene.db.indexedBatch();
  batch.put(bytes(key(0)), bytes('own0')).put(bytes(key(2)), bytes('own2'));
  const iterator = batch.range().iterator();
  const seen: (string | undefined)[] = [];
  for (let n = 0; n < 5; n++) {
    iterator.next();
    seen.push(text(iterator.value()));
    await overwrite(scene, 'new');
  }
  expect(seen).toEqual(['own0', 'old1', 'own2', 'old3', 'old4']);
  iterator.close();
});

test('a snapshot is told with its age, and what was written since', async () => {
  const scene = await filled();
  const snapshot = scene.db.snapshot();
  await scene.pass(5000);
  await overwrite(scene, 'new');
  const { pins, versions } = scene.db.stats();
  expect(pins).toEqual([
    {
      holder: 'snapshot',
      sequence: 100,
      writesBehind: 100,
      ageMs: expect.any(Number),
      tables: 0,
      tableBytes: 0,
      memtables: 0,
    },
  ]);
  expect(pins[0]!.ageMs).toBeGreaterThanOrEqual(5000);
  expect(versions).toBe(1);
  expect(scene.get(key(7), { snapshot })).toBe('old7');
  snapshot.close();
});
