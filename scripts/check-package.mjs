/**
 * Whether what `npm pack` makes is what its users need: packed, installed into a directory of its own, and used there from JavaScript (import and require) and from TypeScript (both ways in
 * which it finds the types of a package). `node scripts/check-package.mjs [directory]`: where to do it, a temporary one by default.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const given = process.argv[2];
const work = given ?? fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-package-'));
const user = path.join(work, 'user');

const npm = (cwd, ...args) =>
  execFileSync('npm', [...args, '--silent', '--no-fund', '--no-audit'], { cwd, encoding: 'utf8' });
const node = (...args) =>
  execFileSync(process.execPath, args, {
    cwd: user,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** Uses each entry of the package. */
const IMPORTS = `
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { startServer } from 'kvasir';
import { Keyspace as MemoryKeyspace } from 'kvasir/memory';
import { LsmError, open, openBackups, Resources } from 'kvasir/lsm';
import { checkDirectory, inspectDirectory, rewriteDirectory } from 'kvasir/lsm/tools';
import { KvasirLevel } from 'kvasir/level';

assert.equal(typeof startServer, 'function');
assert.equal(typeof MemoryKeyspace, 'function');

const workers = [];
const failures = [];
process.on('worker', (worker) => workers.push(worker));
subscribe('kvasir:lsm:failure', (failure) => failures.push(failure));
const small = { memtableBytes: 65_536, level1Bytes: 262_144, fileBytes: 65_536 };
const db = await open('./lsm', { ...small, resources: new Resources({ workers: 1 }) });
const key = (i) => Buffer.from(String((i * 7919) % 10_007));
for (let i = 0; i < 10_000; i++) await db.put(key(i), Buffer.from('value ' + i));
await db.compact();
const { flushes, compactions } = db.stats();
assert.ok(flushes.count > 3 && compactions.count > 0);
// The jobs were a thread's, whose program is found in the package.
assert.equal(workers.length, 1);
assert.deepEqual(failures, []);
assert.equal(String(await db.get(key(77))), 'value 77');
await assert.rejects(open('./lsm'), (error) => error instanceof LsmError && error.code === 'LOCKED');
await db.backup(openBackups('./backups'));
await db.close();

assert.equal(checkDirectory({ directory: './lsm' }).problemCount, 0);
assert.equal(inspectDirectory('./lsm').problems.length, 0);
assert.equal((await rewriteDirectory({ from: './lsm', to: './copy' })).entries, 10_000);

const level = new KvasirLevel('./copy', { createIfMissing: false });
assert.equal(await level.get(String(key(77))), 'value 77');
await level.close();
`;

const REQUIRES = `
const assert = require('node:assert/strict');
const { startServer } = require('kvasir');
const { open } = require('kvasir/lsm');
const { checkDirectory } = require('kvasir/lsm/tools');
const { KvasirLevel } = require('kvasir/level');

assert.equal(typeof startServer, 'function');
open('./required').then(async (db) => {
  db.putSync(Buffer.from('a'), Buffer.from('1'));
  await db.close();
  assert.equal(checkDirectory({ directory: './required' }).problemCount, 0);
  const level = new KvasirLevel('./required');
  assert.equal(await level.get('a'), '1');
  await level.close();
});
`;

const TYPES = `
import { startServer } from 'kvasir';
import { Keyspace as MemoryKeyspace } from 'kvasir/memory';
import { type Database, type Entry, LsmError, type LsmErrorCode, open, type OpenOptions } from 'kvasir/lsm';
import { checkDirectory, type CheckReport, rewriteDirectory } from 'kvasir/lsm/tools';
import { KvasirLevel } from 'kvasir/level';

export const options: OpenOptions = { memtableBytes: 65_536, compaction: { style: 'fifo', maxBytes: 1e9 } };
export async function use(): Promise<LsmErrorCode | undefined> {
  const db: Database = await open('./data', options);
  const value: Buffer | undefined = await db.get(Buffer.from('k'));
  const entries: Entry[] = [...db.range({ gte: Buffer.from('a'), limit: 3 })];
  const report: CheckReport = checkDirectory({ directory: './data' });
  const level = new KvasirLevel<string, { n: number }>('./level', { valueEncoding: 'json' });
  const found: { n: number } | undefined = await level.get('a');
  // @ts-expect-error keys are bytes
  await db.put('k', Buffer.from('v'));
  // @ts-expect-error there is no such option
  await open('./data', { memtableByte: 1 });
  await rewriteDirectory({ from: './data', to: './copy' });
  const error: unknown = [value, entries, report, found, startServer, MemoryKeyspace];
  return error instanceof LsmError ? error.code : undefined;
}
`;

/** How a program finds the types of a package, and the file that asks. */
const RESOLUTIONS = [
  { moduleResolution: 'node16', module: 'node16', file: 'types.mts' },
  { moduleResolution: 'nodenext', module: 'nodenext', file: 'types.cts' },
  { moduleResolution: 'bundler', module: 'esnext', file: 'types.ts' },
];

function checkTypes({ moduleResolution, module, file }) {
  const config = {
    compilerOptions: {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
    },
    files: [file],
  };
  fs.writeFileSync(path.join(user, file), TYPES);
  fs.writeFileSync(path.join(user, 'tsconfig.json'), JSON.stringify(config));
  try {
    node(path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json');
  } catch (error) {
    console.error(error.stdout);
    throw new Error(`types of ${file} by moduleResolution ${moduleResolution}`, { cause: error });
  }
}

try {
  const packed = path.basename(
    npm(ROOT, 'pack', '--pack-destination', work).trim().split('\n').at(-1),
  );
  fs.mkdirSync(user);
  fs.writeFileSync(
    path.join(user, 'package.json'),
    JSON.stringify({ name: 'user', private: true }),
  );
  npm(user, 'install', path.join(work, packed));
  for (const name of ['@types/node', 'undici-types']) {
    const target = path.join(user, 'node_modules', name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.cpSync(path.join(ROOT, 'node_modules', name), target, {
      recursive: true,
      dereference: true,
    });
  }
  fs.writeFileSync(path.join(user, 'imports.mjs'), IMPORTS);
  fs.writeFileSync(path.join(user, 'requires.cjs'), REQUIRES);
  node('imports.mjs');
  node('requires.cjs');
  for (const resolution of RESOLUTIONS) checkTypes(resolution);
  const kvasir = (...args) =>
    execFileSync(path.join(user, 'node_modules/.bin/kvasir'), args, {
      cwd: user,
      encoding: 'utf8',
    });
  const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  if (!kvasir('--version').includes(version)) throw new Error('kvasir --version');
  kvasir('check', 'lsm');
  console.log(`${packed}: imports, requires, types, commands`);
} finally {
  if (given === undefined) fs.rmSync(work, { recursive: true });
}
