/**
 * Examples of the documentation are run: the blocks of a page that are JavaScript, one behind the other, as one program in a directory of its own. What a line prints stands behind it, as
 * `console.log(x); // what` (of a loop, several: `// one // two`).
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Names of this package are found from below its root alone. */
const PROGRAMS = path.join(ROOT, 'dist');
let work = '';
let programs = '';

beforeAll(() => {
  work = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-docs-'));
  programs = fs.mkdtempSync(path.join(PROGRAMS, 'docs-'));
});
afterAll(() => {
  fs.rmSync(work, { recursive: true });
  fs.rmSync(programs, { recursive: true });
});

function blocksOf(page: string): string[] {
  const text = fs.readFileSync(path.join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
}

function outputOf(program: string): string[] {
  return [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].flatMap(([, expected]) =>
    expected!.split(' // '),
  );
}

async function run(name: string, program: string): Promise<string[]> {
  const file = path.join(programs, `${name}.mjs`);
  fs.writeFileSync(file, program);
  const directory = path.join(work, name);
  fs.mkdirSync(directory);
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: directory });
  return stdout.split('\n').filter((line) => line !== '');
}

test.each(['docs/lsm.md', 'docs/lsm-styles.md', 'docs/level.md'])(
  '%s says what happens',
  async (page) => {
    const blocks = blocksOf(page);
    expect(blocks.length).toBeGreaterThan(0);
    const program = blocks.join('\n');
    expect(await run(path.basename(page, '.md'), program)).toEqual(outputOf(program));
  },
);

test('the README says what happens', async () => {
  const blocks = blocksOf('README.md');
  expect(blocks.length).toBeGreaterThan(0);
  for (const [i, block] of blocks.entries()) {
    expect(await run(`readme-${i}`, block)).toEqual(outputOf(block));
  }
});
