/** kill -9 under load, a few rounds under each policy; `npm run soak` runs fifty. */
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { ServerProcess, temporaryDirectory } from '../support/server.ts';
import { killRound } from './kill9.ts';

const ROUNDS = Number(process.env['KVASIR_ROUNDS'] ?? 2);

test.each(['always', 'everysec', 'no'] as const)(
  'kill -9 under load loses nothing that was acknowledged: appendfsync %s',
  { timeout: 30_000 + ROUNDS * 10_000 },
  async (policy) => {
    const dir = temporaryDirectory();
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await killRound({
        dir,
        policy,
        ms: 150 + Math.random() * 400,
        rewrite: round % 2 === 1,
        from: round * 10_000_000,
      });
      expect(acknowledged).toBeGreaterThan(0);
    }
    fs.rmSync(dir, { recursive: true, force: true });
  },
);

test('a second server on the same directory is refused; after kill -9 the directory is free at once', async () => {
  const dir = temporaryDirectory();
  const first = await ServerProcess.start(['--dir', dir]);
  const second = ServerProcess.spawn(first.port + 1, ['--dir', dir]);
  expect(await second.exited).toBe(1);
  expect(second.output).toMatch(/is in use \(process \d+/);
  await first.kill('SIGKILL');
  const third = await ServerProcess.start(['--dir', dir]);
  expect(await third.kill('SIGTERM')).toBe(0);
  fs.rmSync(dir, { recursive: true, force: true });
});
