import { expect, test } from 'vitest';
import { DirectoryLockedError } from './directory-lock.ts';
import { SimulatedLocks } from './simulated-locks.ts';

test('simulated locks are held by one, released, and lost on demand', async () => {
  const locks = new SimulatedLocks();
  const first = await locks.lockDatabase('/db');
  await expect(locks.lockDatabase('/db')).rejects.toThrow(DirectoryLockedError);
  await expect(locks.lockDirectory('/db')).rejects.toThrow(DirectoryLockedError);
  const other = await locks.lockDirectory('/other');
  expect(first.isHeld()).toBe(true);
  locks.lose('/db');
  expect(first.isHeld()).toBe(false);
  const second = await locks.lockDatabase('/db');
  await first.release();
  expect(second.isHeld()).toBe(true);
  await second.release();
  await other.release();
  expect(second.isHeld()).toBe(false);
});
