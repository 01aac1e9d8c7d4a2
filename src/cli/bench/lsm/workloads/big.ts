/** Overwrites of random keys, several times as many bytes as there are, with a cache much smaller than the data: stalls, amplification, memory. */
import { Draw } from '../entries.ts';
import { directoryBytes, LapTimer, Meter, writtenBytes } from '../measure.ts';
import type { Scene } from '../scene.ts';

const CACHE_BYTES: number = 256 * 1024 * 1024;
/** Bytes that are overwritten, over the bytes that there are. */
const TIMES = 4;
const WRITERS = 64;
/** Operations of a writer between two turns of the event loop. */
const STRIDE = 64;
/** Entries that are loaded from one list of numbers. */
const LOAD = 1_000_000;
/** Of stalls that count: operations that took longer. */
const STALL_MS = 100;

export async function bigOverwrite(scene: Scene): Promise<void> {
  const change = { cacheBytes: CACHE_BYTES };
  await scene.withStore(change, async (directory) => {
    const { contestant, data } = scene;
    const entryBytes = 16 + data.valueBytes;
    const operations = Math.floor(scene.bigBytes / entryBytes);
    const entries = Math.floor(operations / TIMES);
    for (let from = 0; from < entries; from += LOAD) {
      const count = Math.min(LOAD, entries - from);
      await scene.load(
        Uint32Array.from({ length: count }, (_, i) => from + i),
        0,
      );
    }
    await contestant.settle?.();
    const generations = new Uint8Array(entries);
    const laps = new LapTimer();
    const written = writtenBytes();
    const meter = new Meter();
    const stalls = await overwrite(scene, generations, operations, laps);
    const result = { ...meter.done(operations), latency: laps.latency() };
    await contestant.settle?.();
    const budget = contestant.budgetBytes?.({
      ...scene.settings,
      ...change,
      directory,
      isDurable: false,
    });
    if (budget !== undefined) {
      const own = generations.byteLength;
      result.extra['MB beyond budget'] = (result.peakRssBytes! - budget - own) / 1e6;
    }
    result.extra['stalls over 100 ms'] = stalls;
    result.extra['write amplification'] = (writtenBytes() - written) / (operations * entryBytes);
    result.extra['space amplification'] = directoryBytes(directory) / (entries * entryBytes);
    await contestant.close();
    const slot = data.slot();
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

/** By several writers at once where the store has promises. Each key belongs to one of them, so that its newest value is known. Returns how many stalled. */
async function overwrite(
  scene: Scene,
  generations: Uint8Array,
  operations: number,
  laps: LapTimer,
): Promise<number> {
  const { contestant, data } = scene;
  const writers = contestant.put === undefined ? 1 : WRITERS;
  const own = Math.floor(generations.length / writers);
  let done = 0;
  let stalls = 0;
  const writer = async (_: unknown, id: number): Promise<void> => {
    const draw = new Draw(scene.seed + id);
    const slot = data.slot();
    for (let n = 1; done < operations; n++) {
      done++;
      const i = draw.below(own) * writers + id;
      generations[i]!++;
      const key = data.write(slot, 2 * i);
      const value = data.value(2 * i, generations[i]!);
      const from = performance.now();
      if (contestant.put === undefined) contestant.putSync!(key, value);
      else await contestant.put(key, value);
      const ms = performance.now() - from;
      laps.record(ms);
      if (ms > STALL_MS) stalls++;
      if (n % STRIDE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return stalls;
}
