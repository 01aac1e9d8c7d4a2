import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { FileError } from '../../os/file-system.ts';
import { SeededRandomness } from '../../os/randomness.ts';
import { SimulatedCrash, SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import { realDirectory, realFiles, tableNames } from '../../os/testing.ts';
import { SimulatedLoop } from '../../os/simulated-loop.ts';
import { open } from '../database/database.ts';
import { LsmError } from '../errors.ts';
import { bytes } from '../testing/model.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { Scene } from './testing.ts';

const root = realDirectory();
const COPY = '/copies/one';
const SEEDS = 12 * Number(process.env['KVASIR_SOAK'] ?? 1);

test('a checkpoint is the database of its moment, whatever is written meanwhile', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scene = new Scene(seed);
    const { random, system } = scene;
    await scene.open();
    for (let round = 0; round < 3; round++) {
      await system.until(scene.write(random.below(300)));
      if (random.below(3) === 0) await system.until(scene.db.flush());
      const expected = scene.expected();
      const { sequence } = scene.db.stats();
      const directory = `/copies/${round}`;
      const made = scene.db.checkpoint(directory);
      for (let i = 0; i < 6; i++) {
        await system.files.loop.run(0.3);
        await system.until(scene.write(random.below(60)));
      }
      const info = await system.until(made);
      expect(info.sequence).toBe(sequence);
      expect(system.files.stat(`${directory}/UNFINISHED`)).toBeUndefined();
      const copy = await scene.at(directory);
      expect(scene.contents(copy)).toEqual(expected);
      copy.checkInvariants();
      await system.until(copy.verify());
      await system.until(copy.put(bytes('more'), bytes('of it')));
      await system.until(copy.close());
    }
    expect(scene.contents(scene.db)).toEqual(scene.expected());
    // What had to wait for the copies is removed now.
    await system.until(scene.db.flush());
    await system.until(scene.db.close());
    const before = await scene.at('/data');
    expect(scene.contents(before)).toEqual(scene.expected());
    await system.until(before.close());
  }
});

/** Makes a database and begins a checkpoint of it. What a call that crashes or fails gives is the caller's to judge. */
async function begun(files?: SimulatedFileSystem): Promise<{ scene: Scene; calls: number }> {
  const scene = new Scene(7, new SimulatedSystem(files));
  await scene.open();
  await scene.system.until(scene.write(200));
  await scene.system.until(scene.db.flush());
  await scene.system.until(scene.write(40));
  await scene.system.until(scene.db.idle());
  await scene.system.until(scene.db.sync());
  return { scene, calls: scene.system.files.calls };
}

test('a crash at any call leaves a whole checkpoint, or one that is made anew', async () => {
  const { scene: whole, calls: first } = await begun();
  await whole.system.until(whole.db.checkpoint(COPY));
  const last = whole.system.files.calls;
  expect(last - first).toBeGreaterThan(8);
  for (let call = first + 1; call <= last + 1; call++) {
    for (let seed = 0; seed < 3; seed++) {
      const { scene } = await begun();
      scene.system.files.crashAtCall = call;
      let isMade = false;
      try {
        await scene.system.until(scene.db.checkpoint(COPY));
        isMade = true;
      } catch (error) {
        expect(error).toBeInstanceOf(SimulatedCrash);
      }
      expect(isMade).toBe(call > last);
      scene.system = scene.system.restart(seed === 0 ? undefined : new SeededRandomness(seed));
      const { files } = scene.system;
      if (files.stat(`${COPY}/CURRENT`) === undefined) {
        expect(isMade).toBe(false);
        await scene.open();
        await scene.system.until(scene.db.checkpoint(COPY));
        await scene.system.until(scene.db.close());
      }
      const copy = await scene.at(COPY);
      expect(scene.contents(copy)).toEqual(scene.expected());
      await scene.system.until(copy.verify());
      await scene.system.until(copy.close());
    }
  }
});

test('a call that fails leaves nothing behind, and the database as it was', async () => {
  const { scene: whole, calls: first } = await begun();
  await whole.system.until(whole.db.checkpoint(COPY));
  const last = whole.system.files.calls;
  let refused = 0;
  for (let call = first + 1; call <= last; call++) {
    for (const code of ['EIO', 'ENOSPC']) {
      const { scene } = await begun();
      const { system, db } = scene;
      system.files.fault = (_, __, at) => (at === call ? code : undefined);
      const error = await system.until(
        db.checkpoint(COPY).then(
          () => undefined,
          (e: unknown) => e,
        ),
      );
      system.files.fault = undefined;
      expect(error, `call ${call}`).toBeInstanceOf(LsmError);
      refused++;
      await system.until(scene.write(20));
      expect(scene.contents(db)).toEqual(scene.expected());
      if (system.files.stat(`${COPY}/CURRENT`) === undefined) {
        await system.until(db.checkpoint(COPY));
        const copy = await scene.at(COPY);
        expect(scene.contents(copy)).toEqual(scene.expected());
      }
      await system.until(db.close());
    }
  }
  expect(refused).toBeGreaterThan(10);
});

/** A file system without hard links. */
class Linkless extends SimulatedFileSystem {
  override link(from: string): void {
    throw new FileError('link', from, 'EXDEV');
  }
}

test('where there are no hard links tables are copied', async () => {
  const { scene } = await begun(new Linkless(new SimulatedLoop()));
  await scene.system.until(scene.db.checkpoint(COPY));
  const copy = await scene.at(COPY);
  expect(scene.contents(copy)).toEqual(scene.expected());
});

test('a directory with anything in it is not touched', async () => {
  const { scene } = await begun();
  const { system, db } = scene;
  await system.until(db.checkpoint(COPY));
  const before = system.files.dump();
  const refusal = { code: 'EXISTS', path: COPY };
  await expect(system.until(db.checkpoint(COPY))).rejects.toMatchObject(refusal);
  expect(system.files.dump()).toEqual(before);
  system.files.put('/mine/notes.txt', bytes('mine'));
  await expect(system.until(db.checkpoint('/mine'))).rejects.toMatchObject({ found: 'notes.txt' });
  // Unfinished, but somebody has put something there.
  system.files.put('/mine/UNFINISHED', bytes(''));
  await expect(system.until(db.checkpoint('/mine'))).rejects.toMatchObject({ found: 'notes.txt' });
  await system.until(db.close());
  await expect(system.until(db.checkpoint('/late'))).rejects.toMatchObject({ code: 'CLOSED' });
  expect(system.files.stat('/late')).toBeUndefined();
});

test('closing the database ends a checkpoint that is being made', async () => {
  const { scene } = await begun(new Linkless(new SimulatedLoop()));
  const { system, db } = scene;
  const made = db.checkpoint(COPY);
  const ended = expect(system.until(made)).rejects.toMatchObject({ code: 'CLOSED' });
  await system.until(db.close());
  await ended;
  expect(system.files.stat(COPY)).toBeUndefined();
});

test('LevelDB opens a checkpoint; tables are links on a real disk', async () => {
  const directory = path.join(root, 'data');
  const db = await open(directory, { memtableBytes: 64 * 1024 });
  const expected: [string, string][] = [];
  for (let i = 0; i < 3000; i++) {
    const entry: [string, string] = [String(i).padStart(6, '0'), `value ${i}`.repeat(5)];
    expected.push(entry);
    await db.put(Buffer.from(entry[0]), Buffer.from(entry[1]));
  }
  const copy = path.join(root, 'copy');
  const { tables } = await db.checkpoint(copy);
  expect(tables).toBeGreaterThan(0);
  await db.put(Buffer.from('later'), Buffer.from('not in it'));
  const links = tableNames(copy);
  expect(links.length).toBe(tables);
  for (const name of links) {
    expect(realFiles.identity(path.join(copy, name))).toBe(
      realFiles.identity(path.join(directory, name)),
    );
  }
  expect(realFiles.stat(path.join(copy, 'LOCK'))).toBeUndefined();
  const level = new ClassicLevel(copy);
  await level.open({ createIfMissing: false });
  expect(await level.iterator().all()).toEqual(expected);
  await level.close();
  await db.close();
});
