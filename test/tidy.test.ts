/** The repository checks itself: floors, banned calls, sizes, links. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function files(folder: string, ending: string): string[] {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
    .map((name) => path.join(folder, name));
}

const read = (file: string): string => fs.readFileSync(path.join(ROOT, file), 'utf8');
const isTest = (file: string): boolean => /\.test\.ts$|\/testing(\/|\.ts$)/.test(file);
const SOURCES = files('src', '.ts').filter((file) => !isTest(file));

/** What each floor may import beside itself. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  os: [],
  log: ['os', 'bytes'],
  memory: ['bytes'],
  lsm: ['os', 'bytes', 'log'],
  models: ['memory', 'lsm', 'log', 'os', 'bytes'],
  protocols: ['models', 'memory', 'os', 'bytes'],
  server: ['protocols', 'models', 'memory', 'lsm', 'log', 'os', 'bytes'],
  adapters: ['memory', 'lsm', 'os', 'bytes'],
  cli: ['adapters', 'server', 'protocols', 'models', 'memory', 'lsm', 'log', 'os', 'bytes'],
};

test('a floor imports only floors below it', () => {
  const upward: string[] = [];
  for (const file of SOURCES) {
    const floor = file.split(path.sep)[1]!;
    for (const [, target] of read(file).matchAll(/(?:from|import\() ?'(\.[^']+)'/g)) {
      const to = path.normalize(path.join(path.dirname(file), target!)).split(path.sep)[1]!;
      if (to !== floor && !BELOW[floor]!.includes(to)) upward.push(`${file} imports ${target}`);
    }
  }
  expect(upward).toEqual([]);
});

test('time, randomness, timers and files are reached through os/ alone', () => {
  const banned =
    /\b(Date\.now|Math\.random|setTimeout|setInterval|setImmediate|performance\.now)\b|from 'node:fs/;
  const found = SOURCES.filter((f) => !/^src.(os|cli)\b/.test(f)).filter((f) =>
    banned.test(withoutComments(read(f))),
  );
  expect(found).toEqual([]);
});

test('no module keeps state: nothing declared by let outside of functions', () => {
  expect(SOURCES.filter((file) => /^(export )?let /m.test(read(file)))).toEqual([]);
});

test('no file is longer than 600 lines', () => {
  const all = [
    ...SOURCES,
    ...files('src', '.test.ts'),
    ...files('test', '.ts'),
    ...files('conformance', '.ts'),
  ];
  expect(all.filter((file) => read(file).split('\n').length > 601)).toEqual([]);
});

test('every test file expects something', () => {
  const tests = [...files('src', '.test.ts'), ...files('test', '.test.ts')];
  expect(tests.length).toBeGreaterThan(50);
  expect(tests.filter((file) => !/\bexpect\(|\bassert|playScript|golden/.test(read(file)))).toEqual(
    [],
  );
});

test('links in the documentation lead somewhere', () => {
  const pages = [...fs.readdirSync(ROOT).filter((f) => f.endsWith('.md')), ...files('docs', '.md')];
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, link] of read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(link!)) continue;
      if (!fs.existsSync(path.join(ROOT, path.dirname(page), link!)))
        broken.push(`${page}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});

test('nothing in the repository is a machine path', () => {
  const tracked = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n');
  const path_ = new RegExp(['/wo', 'rk/(main|shared)'].join(''));
  const found = tracked.filter(
    (file) => /\.(ts|mjs|md|json|sh|txt)$/.test(file) && path_.test(read(file)),
  );
  expect(found).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}
