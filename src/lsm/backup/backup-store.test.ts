import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { realDirectory } from '../../os/testing.ts';
import { SimulatedCrash } from '../../os/simulated-file-system.ts';
import { open } from '../database/database.ts';
import { LsmError } from '../errors.ts';
import { bytes, type Pairs } from '../testing/model.ts';
import type { BackupStore, MadeBackup } from './backup-store.ts';
import { openBackups } from './open-backups.ts';
import { Scene } from './testing.ts';

const root = realDirectory();
const STORE = '/backups';
const ROUNDS = Number(process.env['KVASIR_SOAK'] ?? 1);
const SEEDS = 10 * ROUNDS;

const storeOf = (scene: Scene): BackupStore => openBackups(STORE, { system: scene.system });

/** The database of a backup, restored, is what it should be; the restored directory is not kept. */
async function checkRestored(scene: Scene, id: number, expected: Pairs[]): Promise<void> {
  const directory = `/restored/${id}-${scene.system.files.calls}`;
  await scene.system.until(storeOf(scene).restore(directory, { id }));
  const db = await scene.at(directory);
  expect(scene.contents(db)).toEqual(expected);
  await scene.system.until(db.verify());
  await scene.system.until(db.close());
}

test('each backup gives back the database of its moment, and shares what is the same', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scene = new Scene(seed);
    const { random, system } = scene;
    await scene.open();
    const store = storeOf(scene);
    const made: { info: MadeBackup; expected: Pairs[] }[] = [];
    for (let round = 0; round < 4; round++) {
      await system.until(scene.write(random.below(200)));
      if (random.below(2) === 0) await system.until(scene.db.flush());
      if (random.below(4) === 0) await system.until(scene.db.compact());
      const expected = scene.expected();
      const backup = scene.db.backup(store, { note: `round ${round}` });
      for (let i = 0; i < 5; i++) {
        await system.files.loop.run(0.5);
        await system.until(scene.write(random.below(40)));
      }
      made.push({ info: await system.until(backup), expected });
      if (random.below(3) === 0) {
        await system.until(scene.db.close());
        await scene.open();
      }
    }
    expect(store.list()).toMatchObject(made.map((_, i) => ({ id: i + 1, note: `round ${i}` })));
    const check = await system.until(store.verify());
    expect(check.problems).toEqual([]);
    expect(check.backups).toBe(4);
    expect(check.bytes).toBe(made.reduce((sum, { info }) => sum + info.addedBytes, 0));
    for (const { info, expected } of made) await checkRestored(scene, info.id, expected);

    await system.until(store.delete(made[1]!.info.id));
    const won = await system.until(store.purge({ keep: 2 }));
    expect(won).toBeGreaterThan(0);
    expect(store.list().map(({ id }) => id)).toEqual([3, 4]);
    for (const { info, expected } of made.slice(2)) await checkRestored(scene, info.id, expected);
    await system.until(scene.db.close());
  }
});

test('a backup of what has not changed reads no table and adds next to nothing', async () => {
  const scene = new Scene(3);
  const { system } = scene;
  await scene.open();
  const store = storeOf(scene);
  await system.until(scene.write(2000));
  await system.until(scene.db.compact());
  await system.until(scene.db.idle());
  const first = await system.until(scene.db.backup(store));
  const second = await system.until(scene.db.backup(store));
  expect(first.addedBytes).toBeGreaterThan(3000);
  expect(second.addedBytes).toBeLessThan(1500);
  // A database that was restored, and another one with the same tables, are found to have the same contents.
  await system.until(store.restore('/again'));
  const again = await scene.at('/again');
  const third = await system.until(again.backup(store));
  expect(third.addedBytes).toBeLessThan(1500);
});

test('tables of the same name and size with other contents are not taken for each other', async () => {
  const scene = new Scene(1);
  const { system } = scene;
  const store = storeOf(scene);
  const options = { system, codec: 'none' as const };
  for (const value of ['aaaa', 'bbbb']) {
    const db = await system.until(open(`/${value}`, options));
    await system.until(db.put(bytes('key'), bytes(value)));
    await system.until(db.flush());
    await system.until(db.backup(store));
    await system.until(db.close());
  }
  for (const [i, value] of ['aaaa', 'bbbb'].entries()) {
    await system.until(store.restore(`/restored/${i}`, { id: i + 1 }));
    const db = await system.until(open(`/restored/${i}`, options));
    expect(db.getSync(bytes('key'))).toEqual(bytes(value));
  }
});

interface Begun {
  readonly scene: Scene;
  readonly first: Pairs[];
}

/** A database with one backup, changed since. */
async function begun(): Promise<Begun> {
  const scene = new Scene(5);
  await scene.open();
  await scene.system.until(scene.write(150));
  await scene.system.until(scene.db.flush());
  await scene.system.until(scene.db.backup(storeOf(scene)));
  const first = scene.expected();
  await scene.system.until(scene.write(100));
  await scene.system.until(scene.db.flush());
  await scene.system.until(scene.write(20));
  await scene.system.until(scene.db.idle());
  await scene.system.until(scene.db.sync());
  return { scene, first };
}

type Step = (store: BackupStore, scene: Scene) => Promise<unknown>;
const STEPS: readonly (readonly [string, Step])[] = [
  ['making another', (store, scene) => scene.db.backup(store)],
  [
    'making another and removing it',
    async (store, scene) => {
      const { id } = await scene.db.backup(store);
      await store.delete(id);
    },
  ],
];

test.each(STEPS)(
  'a crash at any call while %s leaves the first backup',
  async (_, step) => {
    const whole = await begun();
    const before = whole.scene.system.files.calls;
    await whole.scene.system.until(step(storeOf(whole.scene), whole.scene));
    const after = whole.scene.system.files.calls;
    expect(after - before).toBeGreaterThan(10);
    for (let call = before + 1; call <= after; call++) {
      for (let round = 0; round < ROUNDS; round++) {
        const { scene, first } = await begun();
        scene.system.files.crashAtCall = call;
        const crashed = scene.system.until(step(storeOf(scene), scene));
        await expect(crashed).rejects.toThrow(SimulatedCrash);
        const isMachine = (call + round) % 3 > 0;
        const random = new SeededRandomness(call * 100 + round);
        scene.system = scene.system.restart(isMachine ? random : undefined);
        const store = storeOf(scene);
        const check = await scene.system.until(store.verify());
        expect(check.problems).toEqual([]);
        await checkRestored(scene, 1, first);
        const [, second] = store.list();
        if (second !== undefined) await checkRestored(scene, second.id, scene.expected());
        // The next one is made as if nothing had been, and what was left is removed.
        await scene.open();
        const { id } = await scene.system.until(scene.db.backup(store));
        await checkRestored(scene, id, scene.expected());
        await scene.system.until(store.purge());
        const left = scene.system.files.readDirectory(`${STORE}/objects`);
        expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
        const objects = (await scene.system.until(store.verify())).objects;
        expect(left.length).toBe(objects);
      }
    }
  },
  3_600_000,
);

test('a call that fails refuses the backup, and leaves the first one and the database', async () => {
  const whole = await begun();
  const before = whole.scene.system.files.calls;
  await whole.scene.system.until(whole.scene.db.backup(storeOf(whole.scene)));
  const after = whole.scene.system.files.calls;
  for (let call = before + 1; call <= after; call++) {
    const { scene, first } = await begun();
    const { system } = scene;
    const store = storeOf(scene);
    system.files.fault = (_, __, at) => (at === call ? 'EIO' : undefined);
    await expect(system.until(scene.db.backup(store))).rejects.toBeInstanceOf(LsmError);
    system.files.fault = undefined;
    await system.until(scene.write(20));
    await checkRestored(scene, 1, first);
    const { id } = await system.until(scene.db.backup(store));
    await checkRestored(scene, id, scene.expected());
    expect((await system.until(store.verify())).problems).toEqual([]);
  }
}, 300_000);

test('damage is found, by file; what is not damaged can be restored', async () => {
  const { scene } = await begun();
  const { system } = scene;
  const store = storeOf(scene);
  const { id } = await system.until(scene.db.backup(store));
  const objects = system.files
    .readDirectory(`${STORE}/objects`)
    .map((name) => `${STORE}/objects/${name}`);
  const random = new SeededRandomness(1);
  for (const path of objects) {
    const good = system.files.dump().get(path)!;
    const bad = good.slice();
    bad[random.below(bad.length)]! ^= 1 << random.below(8);
    for (const damaged of [bad, good.subarray(0, good.length - 1)]) {
      system.files.put(path, damaged);
      const { problems } = await system.until(store.verify());
      expect(problems.length).toBeGreaterThan(0);
      for (const { error, file } of problems) {
        expect(error).toMatchObject({ code: 'CORRUPTION', path });
        expect(file).toBeDefined();
      }
      for (const broken of new Set(problems.map((problem) => problem.id))) {
        const restored = system.until(store.restore('/r', { id: broken }));
        await expect(restored).rejects.toMatchObject({ code: 'CORRUPTION', path });
        expect(system.files.stat('/r')).toBeUndefined();
      }
    }
    system.files.put(path, good);
  }
  system.files.unlink(objects[0]!);
  expect((await system.until(store.verify())).problems[0]!.error.code).toBe('IO_ERROR');

  // A backup's own file: the others can still be restored, but nothing may be removed but itself.
  const own = `${STORE}/000002.backup`;
  const file = system.files.dump().get(own)!;
  for (let at = 0; at < file.length; at += 7) {
    const bad = file.slice();
    bad[at]! ^= 4;
    system.files.put(own, bad);
    expect(store.list().map((info) => info.id)).toEqual([1]);
  }
  const { problems } = await system.until(store.verify(2));
  expect(problems[0]).toMatchObject({ id: 2, file: undefined, error: { path: own } });
  await expect(system.until(store.purge())).rejects.toMatchObject({ code: 'CORRUPTION' });
  await expect(system.until(store.restore('/r', { id }))).rejects.toMatchObject({ path: own });
  await system.until(store.delete(2));
  expect(await system.until(store.purge())).toBe(0);
});

test('what is not there, or somebody else has, is said so', async () => {
  const { scene } = await begun();
  const { system } = scene;
  const store = storeOf(scene);
  const gone = { code: 'NOT_FOUND' };
  await expect(system.until(store.verify(7))).rejects.toMatchObject(gone);
  await expect(system.until(store.delete(7))).rejects.toMatchObject(gone);
  await expect(system.until(store.restore('/r', { id: 7 }))).rejects.toMatchObject(gone);
  await expect(system.until(store.restore('/data'))).rejects.toMatchObject({ code: 'EXISTS' });
  expect(() => openBackups('/data', { system })).toThrow(
    expect.objectContaining({ code: 'EXISTS' }),
  );
  system.files.put('/newer/KVASIR-BACKUPS', bytes('KVASIR-BACKUPS 2\n'));
  expect(() => openBackups('/newer', { system })).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED' }),
  );
  const backup = scene.db.backup(store);
  await expect(system.until(storeOf(scene).purge())).rejects.toMatchObject({ code: 'LOCKED' });
  await system.until(backup);
  await expect(scene.db.backup(store, { note: 'x'.repeat(2000) })).rejects.toThrow(RangeError);
  const empty = openBackups('/empty', { system });
  await expect(system.until(empty.restore('/r'))).rejects.toMatchObject(gone);
});

test('progress is told, and a signal ends the work', async () => {
  const { scene } = await begun();
  const { system } = scene;
  const store = storeOf(scene);
  const seen: number[] = [];
  const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) => {
    seen.push(doneBytes);
    expect(doneBytes).toBeLessThanOrEqual(totalBytes);
  };
  await system.until(scene.db.backup(store, { onProgress }));
  expect(seen.length).toBeGreaterThan(1);
  expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  const aborted = { code: 'ABORTED' };
  const begin = () => {
    const controller = new AbortController();
    return { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) };
  };
  await system.until(scene.write(300));
  await expect(system.until(scene.db.backup(store, begin()))).rejects.toMatchObject(aborted);
  await expect(system.until(store.verify(undefined, begin()))).rejects.toMatchObject(aborted);
  await expect(system.until(store.restore('/r', begin()))).rejects.toMatchObject(aborted);
  expect(system.files.stat('/r')).toBeUndefined();
  expect(store.list().length).toBe(2);
});

test('on a real disk: LevelDB opens what was restored', async () => {
  const db = await open(path.join(root, 'data'), { memtableBytes: 64 * 1024 });
  const store = openBackups(path.join(root, 'backups'));
  const expected: [string, string][] = [];
  const write = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      const entry: [string, string] = [String(i).padStart(6, '0'), `value ${i}`.repeat(5)];
      expected.push(entry);
      await db.put(Buffer.from(entry[0]), Buffer.from(entry[1]));
    }
  };
  await write(0, 3000);
  await db.flush();
  await db.backup(store);
  await write(3000, 3100);
  const { addedBytes, sizeBytes } = await db.backup(store);
  expect(addedBytes).toBeLessThan(sizeBytes / 2);
  await store.restore(path.join(root, 'restored'));
  const level = new ClassicLevel(path.join(root, 'restored'));
  await level.open({ createIfMissing: false });
  expect(await level.iterator().all()).toEqual(expected);
  await level.close();
  expect((await store.verify()).problems).toEqual([]);
  await db.close();
});
