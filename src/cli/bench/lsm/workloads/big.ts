/** Overwrites of random keys, several times as many bytes as there are, with a cache much smaller than the data: stalls, amplification, memory. */
import { Draw } from '../entries.ts';
import { directoryBytes, LapTimer, Meter, writtenBytes } from '../measure.ts';
import type { Scene } from '../scene.ts';

const CACHE_BYTES: number = 256 * 1024 * 1024;
/** Bytes that are overwritten, over the bytes that there are. */
const TIMES = 4;
const STRIDE = 1024;
/** Of stalls that count: operations that took longer. */
const STALL_MS = 100;

export async function bigOverwrite(scene: Scene): Promise<void> {
  const change = { cacheBytes: CACHE_BYTES };
  await scene.withStore(change, async (directory) => {
    const { contestant, data } = scene;
    const entryBytes = 16 + data.valueBytes;
    const operations = Math.floor(scene.bigBytes / entryBytes);
    const entries = Math.floor(operations / TIMES);
    await scene.load(scene.order(entries, false), 0);
    await contestant.settle?.();
    const generations = new Uint16Array(entries);
    const draw = new Draw(scene.seed);
    const slot = data.slot();
    const laps = new LapTimer();
    const written = writtenBytes();
    const meter = new Meter();
    let stalls = 0;
    for (let n = 0; n < operations; n++) {
      const i = draw.below(entries);
      const key = data.write(slot, 2 * i);
      const value = data.value(2 * i, ++generations[i]!);
      const from = performance.now();
      if (contestant.put === undefined) contestant.putSync!(key, value);
      else await contestant.put(key, value);
      const ms = performance.now() - from;
      laps.record(ms);
      if (ms > STALL_MS) stalls++;
      if (n % STRIDE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const result = { ...meter.done(operations), latency: laps.latency() };
    result.extra['stalls over 100 ms'] = stalls;
    const budget = contestant.budgetBytes?.({
      ...scene.settings,
      ...change,
      directory,
      isDurable: false,
    });
    if (budget !== undefined)
      result.extra['MB beyond budget'] = (result.peakRssBytes! - budget) / 1e6;
    await contestant.settle?.();
    result.extra['write amplification'] = (writtenBytes() - written) / (operations * entryBytes);
    result.extra['space amplification'] = directoryBytes(directory) / (entries * entryBytes);
    await contestant.close();
    const opened = performance.now();
    await scene.open(directory, change);
    await scene.read(data.write(slot, 0));
    result.extra['ms to open'] = performance.now() - opened;
    scene.results['overwrite of random keys, cache 256 MB'] = result;
    for (let i = 0; i < entries; i += Math.ceil(entries / 1000)) {
      data.check(await scene.read(data.write(slot, 2 * i)), 2 * i, generations[i]!);
    }
  });
}
