/** Counts garbage collections: what the guards of the data planes go by. */
import { PerformanceObserver, performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';

/** What allocates at all collects in each attempt; a single collection may be of garbage that the test itself left before. */
const ATTEMPTS = 3;

/** Collections while `run` runs: the fewest of some attempts. (Counted, not timed: a scavenge comes with about 16 MB of young objects.) */
export async function collectionsDuring(run: () => void): Promise<number> {
  let fewest = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS && fewest > 0; attempt++) {
    fewest = Math.min(fewest, await collectionsDuringOne(run));
  }
  return fewest;
}

async function collectionsDuringOne(run: () => void): Promise<number> {
  const times: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) times.push(entry.startTime);
  });
  observer.observe({ entryTypes: ['gc'] });
  await setImmediate();
  const from = performance.now();
  run();
  const to = performance.now();
  await setImmediate();
  await setImmediate();
  observer.disconnect();
  return times.filter((at) => at >= from && at <= to).length;
}
