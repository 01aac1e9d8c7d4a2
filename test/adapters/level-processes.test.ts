/** What holds between processes: one has the database, whoever it is; `kill -9` takes nothing that was acknowledged; who ends without closing leaves all. */
import fs from 'node:fs';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KvasirLevel } from '../../src/adapters/level/index.ts';
import { SeededRandomness } from '../../src/os/randomness.ts';
import { temporaryDirectory } from '../support/server.ts';
import { type Implementation, LevelChild } from './level-child.ts';
import type { Level } from './level-run.ts';

const ROUNDS = 2 * Number(process.env['KVASIR_ROUNDS'] ?? 3);
const SEED = Number(process.env['KVASIR_SEED'] ?? Date.now() % 2 ** 31);
const KVASIR = 'kvasir/level';
const CLASSIC = 'classic-level';

let root = '';
let directory = '';
const children: LevelChild[] = [];
beforeEach(() => {
  root = temporaryDirectory();
  directory = path.join(root, 'db');
});
afterEach(() => {
  for (const child of children) child.process.kill('SIGKILL');
  fs.rmSync(root, { recursive: true, force: true });
});

function start(implementation: Implementation, program: string): LevelChild {
  const child = new LevelChild(implementation, directory, program);
  children.push(child);
  return child;
}

function create(implementation: Implementation): Level {
  const options = { compression: false, writeBufferSize: 65_536 };
  const db: unknown =
    implementation === KVASIR
      ? new KvasirLevel(directory, options)
      : new ClassicLevel(directory, options);
  return db as Level;
}

/** Old versions of Node.js cannot lock LevelDB's file: a directory stands in its place, also after `kill -9`, until Kvasir opens the database again. */
function hasStandIn(): boolean {
  return fs.statSync(path.join(directory, 'LOCK')).isDirectory();
}

describe('the lock', () => {
  const HOLD = `
    const db = new Level(directory);
    await db.open();
    say('open');
    setInterval(() => {}, 1000);
  `;

  test.each<[Implementation, Implementation]>([
    [KVASIR, CLASSIC],
    [CLASSIC, KVASIR],
    [KVASIR, KVASIR],
  ])('of %s keeps %s out, and ends with its process', async (holder, other) => {
    const child = start(holder, HOLD);
    expect(await child.said()).toBe('open');
    const db = create(other);
    const error = await db.open().catch((error: unknown) => error);
    const isWeak = holder === KVASIR && other === CLASSIC && hasStandIn();
    const code = isWeak ? 'LEVEL_IO_ERROR' : 'LEVEL_LOCKED';
    expect(error).toMatchObject({ code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code } });
    await child.kill();
    if (isWeak) {
      const kvasir = create(KVASIR);
      await kvasir.open();
      await kvasir.close();
    }
    await db.open();
    await db.put('a', '1');
    await db.close();
  });
});

describe('an end without closing', () => {
  test.each([
    ['after the constructor', ''],
    ['while it opens', 'void db.open();'],
    ['when it is open', 'await db.open();'],
    ['after writes', "await db.put('a', '1'); void db.put('b', '2');"],
    ['with an iterator', "await db.put('a', '1'); const it = db.iterator();"],
    ['with an iterator at work', 'await db.open(); void db.iterator().next().catch(() => {});'],
    ['after a flush and a compaction', "await db.put('a', '1'); await db.compactRange('a', 'b');"],
    ['while it closes', 'await db.open(); void db.close();'],
    ['after an opening that failed', 'await db.open({ createIfMissing: false }).catch(() => {});'],
  ])('%s ends the process', async (_, program) => {
    const child = start(KVASIR, `const db = new Level(directory); say('made'); ${program}`);
    expect(await child.ended).toBe(0);
    expect(child.lines).toEqual(['made']);
    const db = create(KVASIR);
    await db.open();
    if (program.includes("put('a'")) expect(await db.get('a')).toBe('1');
    await db.close();
  });
});

/** Batch `i`, which writer and reader both know. */
const BATCH = `(i) => [
  { type: 'put', key: 'k' + (i % 300), value: i + ':' + 'v'.repeat((i * 37) % 1500) },
  { type: 'del', key: 'k' + ((i * 7) % 300) },
  { type: 'put', key: 'last', value: String(i) },
]`;

/** Writes one batch after the other, from the one behind the last that is there. */
const WRITE = `
  const batchOf = ${BATCH};
  const db = new Level(directory, { writeBufferSize: 65536, compression: false });
  let i = Number((await db.get('last')) ?? -1);
  for (;;) {
    i++;
    await db.batch(batchOf(i), { sync: i % 100 < 10 });
    say(String(i));
    if (i % 1500 === 0) void db.compactRange('a', 'z').catch(() => {});
  }
`;

interface Change {
  readonly type: 'put' | 'del';
  readonly key: string;
  readonly value: string;
}

test(
  'kill -9 of either, looked at by the other, loses no acknowledged batch and tears none',
  { timeout: 60_000 + ROUNDS * 10_000 },
  async () => {
    const random = new SeededRandomness(SEED);
    // oxlint-disable-next-line typescript/no-implied-eval
    const batchOf = new Function(`return ${BATCH}`)() as (i: number) => readonly Change[];
    const expected = new Map<string, string>();
    let last = -1;
    for (let round = 0; round < ROUNDS; round++) {
      const [writer, reader] = round % 2 === 0 ? [KVASIR, CLASSIC] : [CLASSIC, KVASIR];
      const child = start(writer as Implementation, WRITE);
      await child.said();
      await new Promise((resolve) => setTimeout(resolve, random.below(800)));
      await child.kill();
      const acknowledged = Number(child.lines.at(-1));
      expect(acknowledged, `seed ${SEED}: ${child.lines[0]}`).toBeGreaterThan(last);
      if (hasStandIn()) {
        const kvasir = create(KVASIR);
        await kvasir.open();
        await kvasir.close();
      }
      const db = create(reader as Implementation);
      await db.open();
      const found = Number(await db.get('last'));
      expect([acknowledged, acknowledged + 1], `seed ${SEED}, round ${round}`).toContain(found);
      for (let i = last + 1; i <= found; i++) {
        for (const { type, key, value } of batchOf(i)) {
          if (type === 'put') expected.set(key, value);
          else expected.delete(key);
        }
      }
      last = found;
      const entries = new Map(await db.iterator().all());
      expect(entries, `seed ${SEED}, round ${round}`).toEqual(expected);
      await db.close();
    }
  },
);
