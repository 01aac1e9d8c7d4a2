import { expect, test } from 'vitest';
import { SystemTimers } from './timers.ts';

/** Timers that keep this process alive. */
const held = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

test('what nobody waits for does not keep the process alive; what somebody waits for does, until it is over or cancelled', async () => {
  const timers = new SystemTimers();
  const before = held();
  const cancels = [timers.after(100_000, () => {}), timers.every(100_000, () => {})];
  expect(held()).toBe(before);
  cancels.push(timers.hold(100_000, () => {}));
  expect(held()).toBe(before + 1);
  for (const cancel of cancels) cancel();
  expect(held()).toBe(before);
  await new Promise<void>((resolve) => {
    timers.hold(1, resolve);
    expect(held()).toBe(before + 1);
  });
  expect(held()).toBe(before);
});
