/** The disk engine's commands as their users meet them, on directories of the engine and of LevelDB. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeCounter, open } from '../../src/lsm/index.ts';
import { readKvasirFile, writeKvasirFileSync } from '../../src/lsm/manifest/kvasir-file.ts';
import { NodeFileSystem } from '../../src/os/node-file-system.ts';
import { MAIN, temporaryDirectory } from '../support/server.ts';

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function kvasir(args: readonly string[], input: string | Buffer = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('close', (code) => {
      resolve({ code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() });
    });
  });
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

let root = '';
/** Of the engine, with keyspaces; of LevelDB. */
let ours = '';
let levels = '';

beforeAll(async () => {
  root = temporaryDirectory();
  ours = path.join(root, 'ours');
  levels = path.join(root, 'levels');
  const db = await open(ours, { memtableBytes: 65_536, keyspaced: true });
  const users = db.keyspace('users');
  for (let i = 0; i < 3000; i++) {
    const key = `user:${String(i).padStart(5, '0')}`;
    await users.put(Buffer.from(key), Buffer.from(`name ${i}`), { sync: i > 2990 });
  }
  await db.put(Buffer.from([0, 255]), Buffer.from([1, 2, 3]));
  await db.flush();
  await users.put(Buffer.from('late'), Buffer.from('one'), { sync: true });
  await db.close();
  const level = new ClassicLevel(levels);
  await level.open();
  const batch = level.batch();
  for (let i = 0; i < 3000; i++) batch.put(`key${String(i).padStart(5, '0')}`, `value ${i}`);
  await batch.write();
  await level.compactRange('', '~');
  await level.close();
});
afterAll(() => fs.rmSync(root, { recursive: true }));

function copyOf(directory: string): string {
  const copy = fs.mkdtempSync(path.join(root, 'copy-'));
  fs.cpSync(directory, copy, { recursive: true });
  return copy;
}

function tableOf(directory: string): string {
  return path.join(
    directory,
    fs.readdirSync(directory).find((name) => name.endsWith('.ldb'))!,
  );
}

function damage(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at]! ^= 255;
  fs.writeFileSync(file, bytes);
}

test('--help tells each command, and what is called wrongly ends with 2', async () => {
  const help = await kvasir(['--help']);
  for (const command of ['inspect', 'check', 'repair', 'compact', 'upgrade', 'export']) {
    expect(help.out).toContain(command);
    const outcome = await kvasir([command, '--help']);
    expect([command, outcome.code]).toEqual([command, 0]);
    expect(outcome.out).toContain(`kvasir ${command}`);
    expect((await kvasir([command])).code).toBe(2);
    expect((await kvasir([command, '/nowhere'])).code).toBe(1);
    expect((await kvasir([command, '/nowhere', '--nonsense'])).code).toBe(2);
  }
  expect((await kvasir(['inspect', ours, '--limit', 'x'])).code).toBe(2);
});

test('inspect: a directory in words and as JSON', async () => {
  const { code, out } = await kvasir(['inspect', ours]);
  expect(code).toBe(0);
  expect(out).toContain('keyspaces      (default) (id 1), users (id 2)');
  expect(out).toContain('users:"user:02999"');
  expect(out).toMatch(/to be recovered: 1 entry in 1 batch/);
  const json = JSON.parse((await kvasir(['inspect', ours, '--json'])).out) as {
    levels: { files: { entries: number }[] }[];
    recovery: { entries: number };
    formatLevel: number;
  };
  const entries = json.levels.flatMap(({ files }) => files.map((file) => file.entries));
  expect(entries.reduce((sum, n) => sum + n, 0)).toBe(3001);
  expect(json.recovery.entries).toBe(1);
  expect((await kvasir(['inspect', levels])).out).toContain('leveldb.BytewiseComparator');
});

test('inspect: tables, blocks, entries, logs, manifests', async () => {
  const table = tableOf(levels);
  expect((await kvasir(['inspect', table])).out).toMatch(/data blocks[\s\S]*metaindex[\s\S]*index/);
  const blocks = jsonLines((await kvasir(['inspect', table, '--blocks', '--json'])).out);
  expect(blocks[0]).toMatchObject({ offset: 0, codec: 'snappy', first: 'key00000' });
  const range = ['--from', 'key00100', '--to', 'key00199', '--json'];
  const entries = jsonLines((await kvasir(['inspect', table, ...range])).out);
  expect(entries.map(({ key }) => key)).toEqual(
    Array.from({ length: 100 }, (_, i) => `key00${String(100 + i)}`),
  );
  const limited = await kvasir(['inspect', table, '--entries', '--limit', '3']);
  expect(limited.out.split('\n').length).toBe(4);
  expect((await kvasir(['inspect', table, '--block', '0'])).out).toMatch(/^data at 0/);
  const names = fs.readdirSync(ours);
  const log = path.join(
    ours,
    names.find((name) => name.endsWith('.log'))!,
  );
  expect((await kvasir(['inspect', log, '--entries'])).out).toContain('users:"late" @ 3002 value');
  const manifest = path.join(
    ours,
    names.find((name) => name.startsWith('MANIFEST'))!,
  );
  expect((await kvasir(['inspect', manifest])).out).toContain('comparator leveldb.Bytewise');
  const last = path.join(
    ours,
    names.findLast((name) => name.endsWith('.ldb'))!,
  );
  const of = async (...args: string[]): Promise<string> =>
    (await kvasir(['inspect', last, '--limit', '1', ...args])).out.trim();
  expect(await of('--keyspace', 'users', '--from', 'user:02900')).toContain('users:"user:02900"');
  expect(await of('--keyspace', '', '--entries')).toContain('0x00ff @ 3001 value  0x010203');
  const unknown = await kvasir(['inspect', path.join(ours, 'KVASIR')]);
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('--as table')]);
});

test('check: 0 where all is well, 1 with file, offset, expected and found where not', async () => {
  for (const directory of [ours, levels]) {
    const { code, out } = await kvasir(['check', directory]);
    expect([code, out]).toEqual([0, expect.stringContaining('no problems')]);
  }
  const copy = copyOf(levels);
  damage(tableOf(copy), 500);
  const { code, out } = await kvasir(['check', copy]);
  expect(code).toBe(1);
  expect(out).toMatch(
    /000\d+\.ldb, offset 0: checksum .* \(expected [0-9a-f]{8}, found [0-9a-f]{8}\)/,
  );
  const report = JSON.parse((await kvasir(['check', copy, '--json'])).out) as {
    problemCount: number;
  };
  expect(report.problemCount).toBe(1);
  expect((await kvasir(['check', levels, '--quiet'])).out).toBe('');
});

test('repair: says what is lost, keeps what it replaced, and LevelDB opens the result', async () => {
  expect((await kvasir(['repair', copyOf(levels)])).out).toContain('nothing to repair');
  const copy = copyOf(levels);
  const table = tableOf(copy);
  damage(table, 500);
  const trial = await kvasir(['repair', copy, '--dry-run']);
  expect(trial.out).toContain('keys up to "key');
  expect((await kvasir(['check', copy])).code).toBe(1);
  const { code, out } = await kvasir(['repair', copy]);
  expect(code).toBe(0);
  expect(out).toContain(`lost/${path.basename(table)}`);
  expect(fs.existsSync(path.join(copy, 'lost', path.basename(table)))).toBe(true);
  expect((await kvasir(['check', copy])).code).toBe(0);
  const level = new ClassicLevel(copy, { createIfMissing: false });
  await level.open();
  expect(await level.get('key02999')).toBe('value 2999');
  expect(await level.get('key00000')).toBe(undefined);
  await level.close();
});

test('repair: not while the database is open, by us or by LevelDB', async () => {
  const copy = copyOf(ours);
  const db = await open(copy);
  expect(await kvasir(['repair', copy])).toMatchObject({ code: 1, out: '' });
  await db.close();
  const level = new ClassicLevel(copyOf(levels));
  await level.open();
  const outcome = await kvasir(['repair', level.location]);
  await level.close();
  expect([outcome.code, outcome.err]).toEqual([1, expect.stringContaining('in use')]);
});

test('export and import: lines of JSON go round, keyspaces and bytes of any kind included', async () => {
  const { code, out, err } = await kvasir(['export', ours]);
  expect([code, err]).toEqual([0, '']);
  const exported = jsonLines(out);
  expect(exported.length).toBe(3002);
  expect(exported[0]).toEqual({ keyBase64: 'AP8=', value: '\u0001\u0002\u0003' });
  expect(exported[1]).toEqual({ keyspace: 'users', key: 'late', value: 'one' });
  const copy = path.join(root, 'imported');
  const imported = await kvasir(['import', copy, '--keyspaces'], out);
  expect(imported).toMatchObject({ code: 0, err: '' });
  expect(imported.out).toContain('3,002 entries');
  expect((await kvasir(['export', copy])).out).toBe(out);
  expect((await kvasir(['check', copy])).code).toBe(0);
  const some = await kvasir([
    'export',
    ours,
    '--keyspace',
    'users',
    '--from',
    'user:00010',
    '--limit',
    '2',
  ]);
  expect(some.out).toBe(
    '{"key":"user:00010","value":"name 10"}\n{"key":"user:00011","value":"name 11"}\n',
  );
  expect((await kvasir(['export', ours, '--keyspace', 'nobody'])).err).toContain(
    'no keyspace nobody',
  );
});

test('import: a line that is no entry is named, and what came before it stays', async () => {
  const copy = path.join(root, 'broken');
  const input = '{"key":"a","value":"1"}\n\n{"key":"b"}\n{"key":"c","value":"3"}\n';
  const outcome = await kvasir(['import', copy], input);
  expect(outcome.code).toBe(1);
  expect(outcome.err).toContain('line 3 of the input: either value or valueBase64 is needed');
  const mixed = '{"key":"a","value":"1"}\n{"keyspace":"users","key":"b","value":"2"}\n';
  const refused = await kvasir(['import', path.join(root, 'raw')], mixed);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('line 2 of the input')]);
});

test('import from a directory of LevelDB, export to one', async () => {
  const copy = path.join(root, 'from-leveldb');
  expect(await kvasir(['import', copy, '--from', levels])).toMatchObject({ code: 0, err: '' });
  const lines = jsonLines((await kvasir(['export', copy])).out);
  expect(lines.length).toBe(3000);
  expect(lines.at(-1)).toEqual({ key: 'key02999', value: 'value 2999' });
  const target = path.join(root, 'to-leveldb');
  expect((await kvasir(['export', ours, '--leveldb', target])).err).toContain('no keyspaces');
  const args = ['export', ours, '--keyspace', 'users', '--leveldb', target, '--json'];
  expect(JSON.parse((await kvasir(args)).out)).toMatchObject({ entries: 3001 });
  const level = new ClassicLevel(target, { createIfMissing: false });
  await level.open();
  expect(await level.get('user:02999')).toBe('name 2999');
  expect((await level.keys().all()).length).toBe(3001);
  await level.close();
  expect((await kvasir(args)).code).toBe(1);
});

test('compact: one level, and smaller', async () => {
  const copy = copyOf(ours);
  const { code, out } = await kvasir(['compact', copy]);
  expect([code, out]).toEqual([0, expect.stringContaining('now 1 table')]);
  expect((await kvasir(['check', copy])).code).toBe(0);
  expect((await kvasir(['compact', path.join(root, 'nowhere')])).code).toBe(1);
  expect((await kvasir(['compact', copy, '--codec', 'brotli'])).code).toBe(2);
  expect((await kvasir(['compact', copy, '--codec', 'lz4'])).err).toContain('format level 2');
});

test('upgrade: LevelDB refuses the directory from then on; export --database is the way back', async () => {
  const copy = copyOf(levels);
  expect((await kvasir(['upgrade', copy])).out).toContain('level 2 now, before 1');
  expect(JSON.parse((await kvasir(['upgrade', copy, '--json'])).out)).toMatchObject({ before: 2 });
  const refused = new ClassicLevel(copy, { createIfMissing: false });
  await expect(refused.open()).rejects.toMatchObject({
    cause: { code: 'LEVEL_CORRUPTION' },
  });
  expect((await kvasir(['compact', copy, '--codec', 'lz4'])).code).toBe(0);
  expect((await kvasir(['check', copy])).code).toBe(0);
  const back = path.join(root, 'level-1');
  expect((await kvasir(['export', copy, '--database', back, '--limit', '1'])).code).toBe(1);
  const { out } = await kvasir(['export', copy, '--database', back]);
  expect(out).toContain('3,000 entries');
  const level = new ClassicLevel(back, { createIfMissing: false });
  await level.open();
  expect(await level.get('key02999')).toBe('value 2999');
  expect((await level.keys().all()).length).toBe(3000);
  await level.close();
  const args = ['export', ours, '--database', path.join(root, 'spaced'), '--json'];
  expect(JSON.parse((await kvasir(args)).out)).toMatchObject({ keyspaces: ['', 'users'] });
  expect((await kvasir(args)).err).toContain('there is a database');
  expect((await kvasir(['upgrade', path.join(root, 'nowhere')])).code).toBe(1);
});

test('a reader that has seen enough is no error', async () => {
  const child = spawn(
    'sh',
    ['-c', `"$0" "$1" inspect "$2" --entries | head -n 1`, process.execPath, MAIN, tableOf(levels)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, err]).toEqual([0, '']);
});

test('values that expire and operands are shown, checked, exported and imported as what they are', async () => {
  const ruled = path.join(root, 'ruled');
  const db = await open(ruled, { formatLevel: 2, keyspaced: true });
  const cache = db.keyspace('cache', { ttl: true });
  const counts = db.keyspace('counts', { mergeOperator: 'counter' });
  const expiresAtMs = Date.UTC(2100, 0, 1);
  await cache.put(Buffer.from('a'), Buffer.from('later'), { expiresAtMs });
  await cache.put(Buffer.from('b'), Buffer.from('never'));
  await cache.put(Buffer.from('c'), Buffer.from('gone'), { expiresAtMs: 1 });
  await counts.merge(Buffer.from('n'), encodeCounter(5));
  await counts.merge(Buffer.from('n'), encodeCounter(6), { sync: true });
  const log = fs.readdirSync(ruled).find((name) => name.endsWith('.log'))!;
  const inLog = await kvasir(['inspect', path.join(ruled, log), '--entries']);
  expect(inLog.out).toMatch(/cache:"a" @ 1 value {2}"later" {2}expires 2100-01-01T00:00:00.000Z/);
  expect(inLog.out).toMatch(/cache:"b" @ 2 value {2}"never"\n/);
  expect(inLog.out).toMatch(/counts:"n" @ 4 merge/);
  await db.flush();
  await db.close();
  expect((await kvasir(['check', ruled])).code).toBe(0);
  const table = fs.readdirSync(ruled).find((name) => name.endsWith('.ldb'))!;
  const args = ['inspect', path.join(ruled, table), '--entries', '--json'];
  const entries = jsonLines((await kvasir(args)).out);
  expect(entries.map(({ key, type, expiresAtMs: at }) => [key, type, at])).toEqual([
    ['a', 'value', expiresAtMs],
    ['b', 'value', undefined],
    ['c', 'deletion', undefined],
    ['n', 'merge', undefined],
  ]);
  const exported = (await kvasir(['export', ruled])).out;
  expect(jsonLines(exported)).toEqual([
    { keyspace: 'cache', key: 'a', value: 'later', expiresAtMs },
    { keyspace: 'cache', key: 'b', value: 'never' },
    { keyspace: 'counts', key: 'n', value: '\u000b\0\0\0\0\0\0\0' },
  ]);
  const copy = path.join(root, 'ruled-copy');
  expect((await kvasir(['import', copy], exported)).err).toBe('');
  expect((await kvasir(['export', copy])).out).toBe(exported);
  const other = path.join(root, 'ruled-other');
  expect((await kvasir(['import', other, '--from', ruled])).err).toBe('');
  expect((await kvasir(['export', other])).out).toBe(exported);
  // KVASIR no longer says what the keyspaces do.
  const description = readKvasirFile(new NodeFileSystem(), other)!;
  const keyspaces = description.keyspaces.map((one) => ({ ...one, settings: { ttl: {} } }));
  writeKvasirFileSync(new NodeFileSystem(), other, { ...description, keyspaces }, 1000);
  const check = await kvasir(['check', other]);
  expect(check.out).toContain('a value of the keyspace counts without its envelope');
});
