/** Reading: what is in the cache, what is not there, everything, ranges; and, with a cache of a fifth of the data, what has to be read from files. */
import type { StoreSettings } from '../contestant.ts';
import { Draw } from '../entries.ts';
import { directoryBytes, Meter } from '../measure.ts';
import type { Scene } from '../scene.ts';

/** Reads between two looks at the clock. */
const STRIDE = 256;
/** Entries between two keys that are read to warm the cache: fewer than a block has. */
const WARM_STEP = 10;
const RANGE = 100;
const SEEKS = 16;
/** How many times as much data as cache. */
const BEYOND = 5;
/** Small beside a cache that is small. */
const SMALL_WRITE_BUFFER: number = 4 * 1024 * 1024;

/** What is done between two looks at the clock; returns how many operations that were. */
type Work = () => number | Promise<number>;

/** All reads from one store: loaded in random order, compacted, opened anew, its blocks in the cache. */
export async function reads(scene: Scene): Promise<void> {
  await scene.withStore({}, async (directory) => {
    await load(scene, directory, {});
    await warm(scene);
    const { contestant } = scene;
    if (contestant.getSync !== undefined) {
      await measure(scene, 'readrandom, cached, sync', readSync(scene));
      await measure(scene, 'readmissing, sync', missSync(scene));
    }
    if (contestant.get !== undefined) {
      await measure(scene, 'readrandom, cached, awaited', readAwaited(scene));
      await measure(scene, 'readmissing, awaited', missAwaited(scene));
    }
    await measure(scene, 'readseq', readAll(scene));
    await measure(scene, `seekrandom, ${RANGE} next`, seek(scene));
  });
}

/** Reads where most blocks have to come from files: the operating system has them, the store's cache does not. */
export async function readsBeyondCache(scene: Scene): Promise<void> {
  const dataBytes = scene.entries * (16 + scene.data.valueBytes);
  const change = {
    cacheBytes: Math.ceil(dataBytes / BEYOND),
    writeBufferBytes: SMALL_WRITE_BUFFER,
  };
  await scene.withStore(change, async (directory) => {
    await load(scene, directory, change);
    await warm(scene);
    const name = `readrandom, data ${BEYOND}x the cache`;
    const { contestant } = scene;
    if (contestant.getSync !== undefined) {
      await measure(scene, `${name}, sync`, readSync(scene));
    }
    if (contestant.get !== undefined) {
      await measure(scene, `${name}, awaited`, readAwaited(scene));
    }
  });
}

/** Size on disk once everything is where it is to stay. */
export async function sizeOnDisk(scene: Scene): Promise<void> {
  await scene.withStore({}, async (directory) => {
    const meter = new Meter();
    await load(scene, directory, {});
    const result = meter.done(0);
    result.extra['MB on disk'] = directoryBytes(directory) / 1e6;
    scene.results['size on disk after compaction'] = result;
  });
}

/** The store is full, compacted, and opened anew. */
async function load(
  scene: Scene,
  directory: string,
  change: Partial<StoreSettings>,
): Promise<void> {
  const numbers = scene.order(scene.entries, true);
  await scene.load(numbers, 0);
  await scene.contestant.compact?.();
  await scene.contestant.settle?.();
  await scene.contestant.close();
  await scene.open(directory, change);
  await scene.verify(numbers, scene.entries, 0);
}

/** Reads every block. */
async function warm(scene: Scene): Promise<void> {
  const slot = scene.data.slot();
  for (let i = 0; i < scene.entries; i += WARM_STEP) {
    await scene.read(scene.data.write(slot, 2 * i));
  }
}

/** Measures `work`, after a quarter of the time that is not counted. */
async function measure(scene: Scene, name: string, work: Work): Promise<void> {
  await until(work, scene.seconds / 4, scene.entries);
  const meter = new Meter();
  const done = await until(work, scene.seconds, Math.max(scene.entries, 1_000_000));
  scene.results[name] = meter.done(done);
}

async function until(work: Work, seconds: number, operations: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let done = 0;
  while (done < operations && performance.now() < end) {
    const more = work();
    done += typeof more === 'number' ? more : await more;
  }
  return done;
}

function readSync(scene: Scene): Work {
  const { contestant, data, entries } = scene;
  const slot = data.slot();
  const draw = new Draw(scene.seed);
  return () => {
    for (let n = 0; n < STRIDE; n++) {
      const number = 2 * draw.below(entries);
      data.check(contestant.getSync!(data.write(slot, number)), number, 0);
    }
    return STRIDE;
  };
}

function readAwaited(scene: Scene): Work {
  const { contestant, data, entries } = scene;
  const slot = data.slot();
  const draw = new Draw(scene.seed);
  return async () => {
    for (let n = 0; n < STRIDE; n++) {
      const number = 2 * draw.below(entries);
      data.check(await contestant.get!(data.write(slot, number)), number, 0);
    }
    return STRIDE;
  };
}

function missSync(scene: Scene): Work {
  const { contestant, data, entries } = scene;
  const slot = data.slot();
  const draw = new Draw(scene.seed);
  return () => {
    for (let n = 0; n < STRIDE; n++) {
      const key = data.write(slot, 2 * draw.below(entries) + 1);
      if (contestant.getSync!(key) !== undefined) throw new Error('a missing key was found');
    }
    return STRIDE;
  };
}

function missAwaited(scene: Scene): Work {
  const { contestant, data, entries } = scene;
  const slot = data.slot();
  const draw = new Draw(scene.seed);
  return async () => {
    for (let n = 0; n < STRIDE; n++) {
      const key = data.write(slot, 2 * draw.below(entries) + 1);
      if ((await contestant.get!(key)) !== undefined) throw new Error('a missing key was found');
    }
    return STRIDE;
  };
}

function readAll(scene: Scene): Work {
  let sum = 0;
  return async () => {
    const scanned = scene.contestant.scan();
    const total = scanned instanceof Promise ? await scanned : scanned;
    if (total.entries !== scene.entries || (sum !== 0 && sum !== total.sum)) {
      throw new Error(`a scan met ${total.entries} of ${scene.entries} entries`);
    }
    sum = total.sum;
    return total.entries;
  };
}

function seek(scene: Scene): Work {
  const { contestant, data, entries } = scene;
  const slot = data.slot();
  const draw = new Draw(scene.seed);
  return async () => {
    for (let n = 0; n < SEEKS; n++) {
      const i = draw.below(entries);
      const scanned = contestant.scanFrom(data.write(slot, 2 * i - 1 + (i === 0 ? 1 : 0)), RANGE);
      const total = scanned instanceof Promise ? await scanned : scanned;
      if (total.entries !== Math.min(RANGE, entries - i)) {
        throw new Error(`a range had ${total.entries} entries`);
      }
    }
    return SEEKS;
  };
}
