import { expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { SimulatedCrash, type SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import { readCurrent, setCurrent, setCurrentSync } from './current.ts';
import { manifestFileName } from './file-names.ts';
import { readManifest } from './manifest-state.ts';
import { ManifestWriter } from './manifest-writer.ts';
import { adding, DIRECTORY, firstEdit, machine } from './testing/manifest-scenes.ts';
import type { VersionEdit } from './version-edit.ts';

const LAST = 25;

/** The number of the last file that a commit added; 0 the empty database, -1 none. */
interface Progress {
  committed: number;
}

/** What three openings of a database do to its manifests, with three commits each. */
async function open(
  files: SimulatedFileSystem,
  isAsync: boolean,
  progress: Progress,
): Promise<void> {
  const sync = (writer: ManifestWriter): Promise<void> | void =>
    isAsync ? writer.syncAsync() : writer.sync();
  const makeCurrent = (number: number): Promise<void> | void =>
    isAsync ? setCurrent(files, DIRECTORY, number) : setCurrentSync(files, DIRECTORY, number);
  let old: number | undefined = undefined;
  for (let number = 2; number < LAST; number += 10) {
    const edit: VersionEdit =
      old === undefined ? firstEdit() : readManifest(files, DIRECTORY, old).toEdit();
    const writer = new ManifestWriter(files, DIRECTORY, number);
    writer.append(edit);
    await sync(writer);
    await makeCurrent(number);
    progress.committed = Math.max(progress.committed, 0);
    if (old !== undefined) files.unlink(`${DIRECTORY}/${manifestFileName(old)}`);
    for (let i = 1; i <= 3; i++) {
      writer.append(adding(number + i));
      await sync(writer);
      progress.committed = number + i;
    }
    writer.close();
    old = number;
  }
}

async function run(files: SimulatedFileSystem, isAsync: boolean): Promise<number> {
  const progress: Progress = { committed: -1 };
  let error: unknown;
  let isOver = false;
  void open(files, isAsync, progress)
    .catch((e: unknown) => (error = e))
    .finally(() => (isOver = true));
  for (let i = 0; i < 1000 && !isOver && !files.isDead; i++) await files.loop.run(1);
  if (error !== undefined && !(error instanceof SimulatedCrash)) throw error;
  return progress.committed;
}

/** What is committed is there, and nothing but what was added in order. */
function check(files: SimulatedFileSystem, committed: number, what: string): void {
  const current = readCurrent(files, DIRECTORY);
  if (current === undefined) {
    expect(committed, what).toBe(-1);
    return;
  }
  const found = [...readManifest(files, DIRECTORY, current).files.keys()];
  const all = [3, 4, 5, 13, 14, 15, 23, 24, 25];
  expect(found, what).toEqual(all.slice(0, found.length));
  expect(found.at(-1) ?? 0, what).toBeGreaterThanOrEqual(committed);
}

test.each([
  ['blocking', false, 4096],
  ['blocking, small pages', false, 8],
  ['beside the loop', true, 4096],
  ['beside the loop, small pages', true, 8],
] as const)(
  'a committed version survives a crash at every call (%s)',
  async (_, isAsync, pageBytes) => {
    const fresh = (): SimulatedFileSystem => {
      const files = machine();
      files.pageBytes = pageBytes;
      return files;
    };
    const whole = fresh();
    expect(await run(whole, isAsync)).toBe(LAST);
    expect(whole.calls).toBeGreaterThan(40);
    for (let call = 2; call <= whole.calls; call++) {
      const files = fresh();
      files.crashAtCall = call;
      const committed = await run(files, isAsync);
      check(files.restart(), committed, `call ${call}, the process alone`);
      for (let seed = 0; seed < 30; seed++) {
        check(files.restart(new SeededRandomness(seed)), committed, `call ${call}, seed ${seed}`);
      }
    }
  },
);
