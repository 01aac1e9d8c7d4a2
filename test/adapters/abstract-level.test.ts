/**
 * abstract-level's own suite, on the real file system. It is written for tape: the whole of it runs while this file is loaded, and each of its tests is then told
 * as one here.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import suite from 'abstract-level/test';
import { createHarness, type Row } from 'tape';
import { afterAll, describe, expect, test } from 'vitest';
import { KvasirLevel } from '../../src/adapters/level/index.ts';

/** What the suite of abstract-level 3.1 has for a database with all features, sublevels included. */
const ASSERTIONS = 5000;

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-level-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

const harness = createHarness();
const names = new Map<number, string>();
const failures = new Map<number, unknown[]>();
let assertions = 0;
// The stream has to be there before the tests are.
const rows = harness.createStream({ objectMode: true });
rows.on('data', (row) => {
  if (row.type === 'test') names.set(row.id, row.name);
  else if (row.type === 'assert') check(row);
});
const ended = new Promise<void>((resolve) => void rows.on('end', resolve));

let databases = 0;
suite({
  test: harness,
  factory: (options) => new KvasirLevel(path.join(root, String(databases++)), options),
});

await ended;

function check(row: Row): void {
  assertions++;
  if (row.ok) return;
  const found = failures.get(row.test) ?? [];
  found.push({ assertion: row.name, error: row.error });
  failures.set(row.test, found);
}

describe("abstract-level's suite", () => {
  for (const [id, name] of names) {
    test(`${id} ${name}`, () => expect(failures.get(id) ?? []).toEqual([]));
  }

  test(`${assertions} assertions`, () => {
    expect(assertions).toBeGreaterThan(ASSERTIONS);
  });
});
