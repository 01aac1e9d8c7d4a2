/** Compaction of the whole store: how fast it goes, and what reads and writes feel of it meanwhile. */
import { Draw } from '../entries.ts';
import { directoryBytes, LapTimer, Meter } from '../measure.ts';
import type { Scene } from '../scene.ts';

/** Operations of the foreground between two turns of the event loop. */
const BURST = 16;

/** Everything written twice, in random orders, then compacted: once with nothing else to do, once beside reads and writes. */
export async function compaction(scene: Scene): Promise<void> {
  await scene.withStore({}, async (directory) => {
    await loadTwice(scene);
    const inputBytes = directoryBytes(directory);
    const meter = new Meter();
    await scene.contestant.compact!();
    const result = meter.done(inputBytes / 1e6);
    result.extra['input MB'] = inputBytes / 1e6;
    scene.results['compaction, MB/s of input'] = result;
    await scene.verify(scene.order(scene.entries, true), scene.entries, 1);
  });
  await scene.withStore({}, async () => {
    await loadTwice(scene);
    let isOver = false;
    const compacted = scene.contestant.compact!().then(() => (isOver = true));
    const laps = new LapTimer();
    const meter = new Meter();
    const done = await foreground(scene, laps, () => isOver);
    await compacted;
    scene.results['reads and writes during compaction'] = {
      ...meter.done(done),
      latency: laps.latency(),
    };
  });
}

async function loadTwice(scene: Scene): Promise<void> {
  const numbers = scene.order(scene.entries, true);
  await scene.load(numbers, 0);
  await scene.load(numbers.reverse(), 1);
  await scene.contestant.settle?.();
}

/** Reads and writes in turns until `isOver`, each timed, and so is the turn of the event loop that others wait for. */
async function foreground(scene: Scene, laps: LapTimer, isOver: () => boolean): Promise<number> {
  const { contestant, data, entries } = scene;
  const draw = new Draw(scene.seed);
  const slot = data.slot();
  let done = 0;
  while (!isOver()) {
    laps.start();
    for (let n = 0; n < BURST; n++) {
      const number = 2 * draw.below(entries);
      const key = data.write(slot, number);
      if (n % 2 === 0) {
        const value =
          contestant.get === undefined ? contestant.getSync!(key) : await contestant.get(key);
        data.check(value, number, 1);
      } else {
        await contestant.put!(key, data.value(number, 1));
      }
      laps.lap();
      done++;
    }
    await new Promise((resolve) => setImmediate(resolve));
    laps.lap();
  }
  return done;
}
