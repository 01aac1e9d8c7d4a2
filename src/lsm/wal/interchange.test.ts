import { spawn } from 'node:child_process';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { joinPath } from '../../os/file-system.ts';
import { realDirectory, realFiles as files, tableNames } from '../../os/testing.ts';
import { TYPE_DELETION } from '../internal-key.ts';
import { readCurrent, setCurrent } from '../manifest/current.ts';
import { parseFileName } from '../manifest/file-names.ts';
import {
  KVASIR_COMPARATOR,
  LEVELDB_COMPARATOR,
  readManifest,
  type ManifestState,
} from '../manifest/manifest-state.ts';
import { ManifestWriter } from '../manifest/manifest-writer.ts';
import { VersionEdit } from '../manifest/version-edit.ts';
import { WriteBatch } from '../write-batch.ts';
import { recoverLogs } from './log-recovery.ts';
import { prepareLog } from './prepared-log.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

/** A put, or (no value) a deletion. */
type Operation = readonly [key: string, value: string | undefined];
type Contents = Map<string, string>;

const root = realDirectory();
let made = 0;
let directory = '';
const begin = (): void => {
  directory = joinPath(root, String(made++));
  files.makeDirectory(directory);
};
beforeEach(begin);

function apply(contents: Contents, operations: readonly Operation[]): void {
  for (const [key, value] of operations) {
    if (value === undefined) contents.delete(key);
    else contents.set(key, value);
  }
}

const sorted = (contents: Contents): [string, string][] =>
  [...contents].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

// ---- LevelDB's side

function openLevel(options: object = {}): Promise<ClassicLevel> {
  const db = new ClassicLevel(directory, { compression: false, ...options });
  return db.open().then(() => db);
}

async function levelContents(db: ClassicLevel): Promise<[string, string][]> {
  const all = await db.iterator().all();
  return all.map(([key, value]) => [key, value]);
}

const toLevel = ([key, value]: Operation) =>
  value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const);

// ---- ours

async function beginLog(
  number: number,
  lastSequence: number,
  zeroBytes = 0,
): Promise<WriteAheadLog> {
  const durableSequence = lastSequence;
  const prepared = await prepareLog({
    files,
    directory,
    number: 900 + number,
    durableSequence,
    zeroBytes,
  });
  return new WriteAheadLog({
    files,
    directory,
    number,
    prepared,
    zeroBytes,
    lastSequence,
    durableSequence,
  });
}

function append(log: WriteAheadLog, operations: readonly Operation[]): void {
  const batch = new WriteBatch();
  for (const [key, value] of operations) {
    const k = Region.of(Buffer.from(key));
    const v = Region.of(Buffer.from(value ?? ''));
    if (value === undefined) batch.delete(k, 0, k.bytes.length);
    else batch.put(k, 0, k.bytes.length, v, 0, v.bytes.length);
  }
  batch.seal(log.lastSequence + 1);
  log.append(batch.region, 0, batch.sizeBytes);
}

/** Makes a database of a manifest and a log of these batches, synced after each third. */
async function writeDirectory(
  batches: readonly (readonly Operation[])[],
  zeroBytes = 0,
): Promise<void> {
  const edit = new VersionEdit();
  edit.comparator = LEVELDB_COMPARATOR;
  edit.logNumber = 3;
  edit.nextFileNumber = 4;
  edit.lastSequence = 0;
  const manifest = new ManifestWriter(files, directory, 2);
  manifest.append(edit);
  await manifest.syncAsync();
  manifest.close();
  await setCurrent(files, directory, 2);
  const log = await beginLog(3, 0, zeroBytes);
  for (const [i, batch] of batches.entries()) {
    append(log, batch);
    log.write();
    if (i % 3 < 2) continue;
    log.zeroAhead();
    await log.syncAsync();
  }
  if (zeroBytes === 0) log.close();
}

interface Read {
  readonly state: ManifestState;
  readonly contents: Contents;
  readonly lastSequence: number;
  readonly drops: number;
}

/** What manifest and logs say, tables left aside. */
function readDirectory(): Read {
  const state = readManifest(files, directory, readCurrent(files, directory)!);
  state.checkComparator();
  const numbers = files
    .readDirectory(directory)
    .map(parseFileName)
    .filter((name) => name?.kind === 'log' && name.number >= state.logNumber)
    .map((name) => name!.number);
  const contents: Contents = new Map();
  let drops = 0;
  const steps = recoverLogs({
    files,
    directory,
    numbers,
    lastSequence: state.lastSequence,
    formatLevel: 1,
    mode: 'tolerate-torn-tail',
    apply: (batch) => {
      while (batch.next()) {
        const { region, keyStart, keyEnd, valueStart, valueEnd } = batch;
        const key = Buffer.from(region.bytes.slice(keyStart, keyEnd)).toString();
        const value = Buffer.from(region.bytes.slice(valueStart, valueEnd)).toString();
        apply(contents, [[key, batch.type === TYPE_DELETION ? undefined : value]]);
      }
    },
    report: () => drops++,
  });
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return { state, contents, lastSequence: step.value.lastSequence, drops };
}

const operation: fc.Arbitrary<Operation> = fc.tuple(
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' }),
  fc.oneof(
    { weight: 4, arbitrary: fc.string({ maxLength: 100 }) },
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 70_000 }).map((n) => 'x'.repeat(n)) },
  ),
);
const batches = fc.array(fc.array(operation, { minLength: 1, maxLength: 8 }), { maxLength: 12 });

describe('LevelDB and the log and manifest', () => {
  test('it reads what we wrote, marks and zeroed room included, and goes on from there', async () => {
    await fc.assert(
      fc
        .asyncProperty(
          batches,
          fc.constantFrom(0, 40_000, 300_000),
          operation,
          async (list, zeroBytes, more) => {
            await writeDirectory(list, zeroBytes);
            const expected: Contents = new Map();
            for (const batch of list) apply(expected, batch);
            let db = await openLevel({ createIfMissing: false, paranoidChecks: true });
            expect(await levelContents(db)).toEqual(sorted(expected));
            await db.batch([toLevel(more)]);
            apply(expected, [more]);
            await db.close();
            db = await openLevel({ createIfMissing: false, paranoidChecks: true });
            expect(await levelContents(db)).toEqual(sorted(expected));
            await db.close();
          },
        )
        .afterEach(begin),
      { numRuns: 25 },
    );
  });

  test('we read what it wrote', async () => {
    await fc.assert(
      fc
        .asyncProperty(batches, async (list) => {
          const db = await openLevel();
          const expected: Contents = new Map();
          for (const batch of list) {
            await db.batch(batch.map(toLevel), { sync: batch.length % 2 === 0 });
            apply(expected, batch);
          }
          // Its files while it is open are what a crash of the process leaves.
          const open = readDirectory();
          await db.close();
          const closed = readDirectory();
          for (const { contents, lastSequence, drops } of [open, closed]) {
            expect(sorted(contents)).toEqual(sorted(expected));
            expect(lastSequence).toBe(list.flat().length);
            expect(drops).toBe(0);
          }
        })
        .afterEach(begin),
      { numRuns: 25 },
    );
  });

  test('its manifest tells its tables, as they are in the directory', async () => {
    const db = await openLevel({ writeBufferSize: 65_536, maxFileSize: 1_048_576 });
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 2000; i++)
        await db.put(`key ${(i * 7919) % 5000}`, `${round} ${'v'.repeat(1000)}`);
      await db.compactRange('', round % 2 === 0 ? 'key 3' : '~');
    }
    await db.close();
    const { state } = readDirectory();
    const tables = tableNames(directory);
    expect(tables.length).toBeGreaterThan(1);
    expect([...state.files.keys()].sort((a, b) => a - b)).toEqual(
      tables.map((name) => parseFileName(name)!.number).sort((a, b) => a - b),
    );
    for (const file of state.files.values()) {
      const name = `${String(file.number).padStart(6, '0')}.ldb`;
      expect(file.sizeBytes).toBe(files.stat(joinPath(directory, name))!.sizeBytes);
      expect(Buffer.compare(file.smallest, file.largest)).toBeLessThanOrEqual(0);
    }
    expect(state.nextFileNumber).toBeGreaterThan(Math.max(...state.files.keys()));
    expect(state.lastSequence).toBeGreaterThan(2000);
  });

  test('either goes on where the other stopped, again and again', async () => {
    const expected: Contents = new Map();
    let db = await openLevel();
    await db.close();
    for (let round = 0; round < 5; round++) {
      // We go on as recovery does: a manifest and a log of our own, the old log copied into it.
      const { state, contents, lastSequence } = readDirectory();
      const number = state.nextFileNumber + 10;
      const log = await beginLog(number + 1, lastSequence);
      append(log, [...contents]);
      append(log, [[`ours ${round}`, 'a'.repeat(40_000)]]);
      log.write();
      await log.syncAsync();
      const edit = state.toEdit();
      edit.logNumber = number + 1;
      edit.previousLogNumber = 0;
      edit.nextFileNumber = number + 2;
      edit.lastSequence = lastSequence;
      const manifest = new ManifestWriter(files, directory, number);
      manifest.append(edit);
      await manifest.syncAsync();
      await setCurrent(files, directory, number);
      log.close();
      manifest.close();
      apply(expected, [[`ours ${round}`, 'a'.repeat(40_000)]]);

      db = await openLevel({ createIfMissing: false, paranoidChecks: true });
      expect(await levelContents(db)).toEqual(sorted(expected));
      await db.put(`theirs ${round}`, 'b');
      apply(expected, [[`theirs ${round}`, 'b']]);
      if (round === 3) await db.compactRange('', '~');
      await db.close();
      db = await openLevel();
      expect(await levelContents(db)).toEqual(sorted(expected));
      await db.close();
    }
    expect(expected.size).toBe(10);
  });

  test('it refuses a directory of format level 2', async () => {
    await writeDirectory([[['a', '1']]]);
    const state = readManifest(files, directory, 2);
    state.formatLevel = 2;
    state.comparator = KVASIR_COMPARATOR;
    const manifest = new ManifestWriter(files, directory, 4);
    manifest.append(state.toEdit());
    await manifest.syncAsync();
    manifest.close();
    await setCurrent(files, directory, 4);
    await expect(openLevel()).rejects.toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN' });
    expect([...readDirectory().contents]).toEqual([['a', '1']]);
  });

  test('what it had written when it was killed is read', async () => {
    const script = `
      const { ClassicLevel } = require('classic-level');
      (async () => {
        const db = new ClassicLevel(process.argv[1]);
        for (let i = 0; ; i++) {
          await db.put('key ' + i, String(i).repeat(50));
          if (i === 3000) console.log('ready');
        }
      })();`;
    const child = spawn(process.execPath, ['-e', script, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    const { contents, lastSequence } = readDirectory();
    expect(lastSequence).toBeGreaterThan(3000);
    expect(contents.size).toBe(lastSequence);
    for (const [key, value] of [...contents]) expect(value).toBe(key.slice(4).repeat(50));
  });
});
