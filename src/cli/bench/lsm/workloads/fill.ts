/** Writing into an empty store, and over what is there: one entry a call, and in batches. Buffered: in the operating system when acknowledged. */
import { Draw, KEY_BYTES } from '../entries.ts';
import { directoryBytes, LapTimer, type Measurement, Meter, writtenBytes } from '../measure.ts';
import { type Scene, BATCH } from '../scene.ts';

/** Calls between two looks at the clock. */
const STRIDE = 256;

export type WriteForm = 'sync' | 'awaited' | '64 in flight';

export function fill(isRandom: boolean, form: WriteForm): (scene: Scene) => Promise<void> {
  const name = `${isRandom ? 'fillrandom' : 'fillseq'}, ${form}`;
  return (scene) =>
    scene.warmedUp((_, entries) =>
      scene.withStore({}, async (directory) => {
        const numbers = scene.order(entries, isRandom);
        const written = writtenBytes();
        const meter = new Meter();
        const done = await write(scene, form, numbers, 0);
        scene.results[name] = await withSizes(scene, meter.done(done), directory, written);
        await scene.verify(numbers, done, 0);
      }),
    );
}

export function overwrite(form: WriteForm): (scene: Scene) => Promise<void> {
  return (scene) =>
    scene.warmedUp((_, entries) =>
      scene.withStore({}, async (directory) => {
        const numbers = scene.order(entries, true);
        await scene.load(numbers, 0);
        await scene.contestant.settle?.();
        const written = writtenBytes();
        const meter = new Meter();
        const done = await write(scene, form, numbers.toReversed(), 1);
        const result = await withSizes(scene, meter.done(done), directory, written);
        scene.results[`overwrite, ${form}`] = result;
        await scene.verify(numbers.toReversed(), done, 1);
      }),
    );
}

export function batches(isRandom: boolean): (scene: Scene) => Promise<void> {
  const name = `batches of ${BATCH}, ${isRandom ? 'random' : 'sequential'}`;
  return (scene) =>
    scene.warmedUp((_, entries) =>
      scene.withStore({}, async (directory) => {
        const numbers = scene.order(entries, isRandom);
        const written = writtenBytes();
        const meter = new Meter();
        const done = await scene.load(numbers, 0, scene.seconds);
        scene.results[name] = await withSizes(scene, meter.done(done), directory, written);
        await scene.verify(numbers, done, 0);
      }),
    );
}

/** Adds, once the background is done, the directory's size and how many bytes were written for each byte of keys and values. */
async function withSizes(
  scene: Scene,
  result: Measurement,
  directory: string,
  writtenBefore: number,
): Promise<Measurement> {
  await scene.contestant.settle?.();
  const bytes = result.operations * (KEY_BYTES + scene.data.valueBytes);
  result.extra['MB on disk'] = directoryBytes(directory) / 1e6;
  result.extra['write amplification'] = (writtenBytes() - writtenBefore) / bytes;
  return result;
}

/** Writes `numbers`, in the time that the scene gives; returns how many. */
export async function write(
  scene: Scene,
  form: WriteForm,
  numbers: Uint32Array,
  generation: number,
): Promise<number> {
  if (form === 'sync') return writeSync(scene, numbers, generation);
  const { contestant, data } = scene;
  const end = performance.now() + scene.seconds * 1000;
  let next = 0;
  let isOver = false;
  const writer = async (): Promise<void> => {
    const slot = data.slot();
    while (next < numbers.length && !isOver) {
      const number = 2 * numbers[next]!;
      if (next++ % STRIDE === 0) isOver = performance.now() > end;
      await contestant.put!(data.write(slot, number), data.value(number, generation));
    }
  };
  await Promise.all(Array.from({ length: form === 'awaited' ? 1 : 64 }, writer));
  return next;
}

function writeSync(scene: Scene, numbers: Uint32Array, generation: number): number {
  const { contestant, data } = scene;
  const slot = data.slot();
  const end = performance.now() + scene.seconds * 1000;
  for (let i = 0; i < numbers.length; i++) {
    if (i % STRIDE === 0 && performance.now() > end) return i;
    const number = 2 * numbers[i]!;
    contestant.putSync!(data.write(slot, number), data.value(number, generation));
  }
  return numbers.length;
}

/** Durable writes, one after the other and by 64 writers at once. */
export function durable(form: WriteForm): (scene: Scene) => Promise<void> {
  const name = `durable puts, ${form === '64 in flight' ? form : `alone, ${form}`}`;
  return (scene) =>
    scene.withStore({ isDurable: true }, async () => {
      const { contestant, data } = scene;
      const numbers = scene.order(scene.entries, true);
      const end = performance.now() + scene.seconds * 1000;
      const laps = new LapTimer();
      const meter = new Meter();
      let next = 0;
      const writer = async (): Promise<void> => {
        const slot = data.slot();
        while (next < numbers.length) {
          const from = performance.now();
          if (from > end) return;
          const number = 2 * numbers[next++]!;
          const key = data.write(slot, number);
          if (form === 'sync') contestant.putSync!(key, data.value(number, 0));
          else await contestant.put!(key, data.value(number, 0));
          laps.record(performance.now() - from);
        }
      };
      await Promise.all(Array.from({ length: form === '64 in flight' ? 64 : 1 }, writer));
      scene.results[name] = { ...meter.done(next), latency: laps.latency() };
      await scene.verify(numbers, next, 0);
    });
}

/** Half reads, half overwrites of random keys, each timed. */
export function mixed(form: 'sync' | 'awaited'): (scene: Scene) => Promise<void> {
  return (scene) =>
    scene.warmedUp((_, entries) =>
      scene.withStore({}, async () => {
        await scene.load(scene.order(entries, true), 0);
        await scene.contestant.settle?.();
        const { contestant, data } = scene;
        const generations = new Uint16Array(entries);
        const draw = new Draw(scene.seed);
        const slot = data.slot();
        const end = performance.now() + scene.seconds * 1000;
        const laps = new LapTimer();
        const meter = new Meter();
        let done = 0;
        laps.start();
        while (done < entries && (done % STRIDE !== 0 || performance.now() < end)) {
          const i = draw.below(entries);
          const key = data.write(slot, 2 * i);
          if (draw.below(2) === 0) {
            const value = form === 'sync' ? contestant.getSync!(key) : await contestant.get!(key);
            laps.lap();
            data.check(value, 2 * i, generations[i]!);
          } else {
            const value = data.value(2 * i, ++generations[i]!);
            if (form === 'sync') contestant.putSync!(key, value);
            else await contestant.put!(key, value);
            laps.lap();
          }
          done++;
        }
        scene.results[`half reads, half writes, ${form}`] = {
          ...meter.done(done),
          latency: laps.latency(),
        };
      }),
    );
}
