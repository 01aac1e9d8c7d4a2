/** The lock on a database among processes of Kvasir: one at a time, and free at once after `kill -9`. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/server.ts';

const MODULE = new URL('../../dist/os/database-lock.js', import.meta.url).href;
/** Says whether it has the lock, and then lives until it is killed. */
const HOLDER = `
  import(${JSON.stringify(MODULE)}).then(({ lockDatabase }) => lockDatabase(process.argv[1])).then(
    (lock) => { console.log('held', lock.isHeld()); setInterval(() => {}, 1000); },
    (error) => { console.log(error.code, error.message); process.exit(); });
`;

let directory = '';
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  fs.rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, ['-e', HOLDER, directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let warnings = '';
  child.stderr.on('data', (text) => (warnings += String(text)));
  const said = String(await new Promise((resolve) => child.stdout.once('data', resolve))).trim();
  expect(warnings).toBe('');
  return { child, said };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

test('one process has the database, the next one after it was killed', async () => {
  for (let round = 0; round < 3; round++) {
    const first = await start();
    expect(first.said).toBe('held true');
    const second = await start();
    expect(second.said).toMatch(
      new RegExp(`^DIRECTORY_LOCKED .*process ${first.child.pid} on .*, since `),
    );
    await kill(first.child);
    expect(fs.existsSync(path.join(directory, 'LOCK'))).toBe(true);
  }
});

test('of many that start at once one has it', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => start()));
  const said = all.map((one) => one.said.slice(0, 16)).sort((a, b) => a.localeCompare(b));
  expect(said.filter((text) => text === 'held true')).toHaveLength(1);
  expect(said.filter((text) => text === 'DIRECTORY_LOCKED')).toHaveLength(5);
});
