/**
 * Directories that another process writes to all the while, LevelDB (classic-level) or Kvasir: what a secondary and openings that only read find there is always a
 * state that there was, whole batches in their order, and never one from before.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, open, openSecondary } from '../src/lsm/index.ts';

const ROUNDS = 120 * Number(process.env['KVASIR_SOAK'] ?? 1);
const RESTARTS = 4;
const BUILT = new URL('../dist/lsm/index.js', import.meta.url).href;

/** Each writes the number of its round to all of these keys in one batch, and to one of many others, and now and then compacts. */
const KEYS = ['a', 'm', 'z'];
const PAYLOAD = 4000;

const PROGRAMS: Readonly<Record<string, string>> = {
  LevelDB: `
    import { ClassicLevel } from 'classic-level';
    const db = new ClassicLevel(process.argv[1], { writeBufferSize: 65536, maxFileSize: 1048576 });
    await db.open();
    let round = Number(await db.get('a').catch(() => undefined) ?? 0);
    process.stdout.write('open');
    for (;;) {
      round++;
      const other = { type: 'put', key: 'k' + (round * 7919 % 2000), value: round + 'v'.repeat(${PAYLOAD}) };
      await db.batch([...['a', 'm', 'z'].map((key) => ({ type: 'put', key, value: String(round) })), other]);
      if (round % 500 === 0) await db.compactRange('', '~');
    }`,
  Kvasir: `
    const { open } = await import(${JSON.stringify(BUILT)});
    const db = await open(process.argv[1], { memtableBytes: 65536, level1Bytes: 262144, fileBytes: 65536 });
    let round = Number(db.getSync(Buffer.from('a'))?.toString() ?? 0);
    process.stdout.write('open');
    for (;;) {
      round++;
      const batch = db.batch();
      for (const key of ['a', 'm', 'z']) batch.put(Buffer.from(key), Buffer.from(String(round)));
      batch.put(Buffer.from('k' + (round * 7919 % 2000)), Buffer.from(round + 'v'.repeat(${PAYLOAD})));
      await batch.write({ sync: round % 3 === 0 });
      if (round % 500 === 0) await db.compact();
    }`,
};

let directory = '';
let writer: ChildProcess | undefined;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-followed-'));
});
afterEach(async () => {
  await stop();
  fs.rmSync(directory, { recursive: true });
});

async function start(program: string): Promise<void> {
  const argv = ['--input-type=module', '-e', program, directory];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  writer = child;
  await once(child.stdout, 'data');
}

/** kill -9: what it had written stays. */
async function stop(): Promise<void> {
  const child = writer;
  writer = undefined;
  if (child === undefined || child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** The round that all keys are of; whole batches alone are there, each of the other keys with a round that has been. */
function roundOf(db: Database): number {
  const values = KEYS.map((key) => db.getSync(Buffer.from(key))?.toString());
  expect(new Set(values).size).toBe(1);
  const round = Number(values[0] ?? 0);
  let newest = 0;
  let others = 0;
  for (const [, value] of db.range({ gte: Buffer.from('k'), lt: Buffer.from('l') })) {
    expect(value.length).toBeGreaterThan(PAYLOAD);
    newest = Math.max(newest, Number(value.subarray(0, -PAYLOAD).toString()));
    others++;
  }
  expect(newest).toBe(round);
  expect(others).toBe(Math.min(round, 2000));
  return round;
}

test.each(Object.entries(PROGRAMS))(
  '%s writes, is killed and begins again',
  async (_, program) => {
    await start(program);
    const secondary = await openSecondary(directory, { memtableBytes: 1 << 20 });
    let last = roundOf(secondary);
    let changes = 0;
    for (let restart = 0; restart < RESTARTS; restart++) {
      for (let i = 0; i < ROUNDS / RESTARTS; i++) {
        const { isChanged } = await secondary.refresh();
        const round = roundOf(secondary);
        expect(round).toBeGreaterThanOrEqual(last);
        if (isChanged) changes++;
        last = round;
        if (i % 10 > 0) continue;
        const readOnly = await open(directory, { readOnly: true });
        const found = roundOf(readOnly);
        expect(found).toBeGreaterThanOrEqual(last);
        await readOnly.close();
        last = found;
        await secondary.refresh();
      }
      await stop();
      if (restart % 2 === 0) {
        await secondary.refresh();
        last = Math.max(last, roundOf(secondary));
      }
      await start(program);
    }
    expect(changes).toBeGreaterThan(RESTARTS);
    await secondary.verify();
    await stop();
    await secondary.refresh();
    const end = roundOf(secondary);
    await secondary.close();
    // The writer's own view, once it is opened again, is the same.
    const db = await open(directory);
    expect(roundOf(db)).toBe(end);
    await db.close();
  },
  600_000,
);
