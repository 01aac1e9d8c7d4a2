/** memcached's expiration times: seconds from now up to 30 days, a time since the epoch beyond that, 0 for never, less than 0 for at once. */

/** The item stays. */
export const NEVER = -1;
/** The item is gone as soon as it is there. */
export const AT_ONCE = 0;

const MAX_DELTA_SECONDS: number = 60 * 60 * 24 * 30;

/** When an item with this expiration time goes, in ms since the epoch; NEVER or AT_ONCE. */
export function expiryOf(exptime: number, nowMs: number): number {
  if (exptime === 0) return NEVER;
  if (exptime < 0) return AT_ONCE;
  if (exptime <= MAX_DELTA_SECONDS) return nowMs + exptime * 1000;
  const atMs = exptime * 1000;
  return atMs <= nowMs ? AT_ONCE : atMs;
}

/** Whole seconds that are left until `atMs`, so that an item with any time left has 1 at least. */
export function secondsLeft(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}
