/**
 * `npm run fuzz -- --target lsm [--seconds 60] [--seed N] [--scene model|crash|fault|full|damage|repair] [--once]`: the disk engine on a simulated machine, seed
 * after seed, each through all scenes. A failing trial is made shorter and told with what repeats it. The trials run in a thread of their own, so that one
 * that never ends is noticed.
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SCENES, shrink } from './lsm-trials.ts';

interface Task {
  readonly seed: number;
  readonly scenes: readonly string[];
  readonly seconds: number;
  readonly isOnce: boolean;
}

/** A trial takes some ten milliseconds; one that takes this long does not end. */
const STUCK_MS = 60_000;

type Message =
  | { readonly kind: 'begun'; readonly scene: string; readonly seed: number }
  | { readonly kind: 'shrinking' }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'done'; readonly text: string };

if (isMainThread) watch();
else {
  const port = parentPort!;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  await work(workerData as Task, (message) => port.postMessage(message));
}

function watch(): void {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string' },
      scene: { type: 'string', multiple: true },
      once: { type: 'boolean', default: false },
    },
  });
  const scenes = values.scene ?? Object.keys(SCENES);
  const unknown = scenes.find((scene) => SCENES[scene] === undefined);
  if (unknown !== undefined) throw new RangeError(`there is no scene ${unknown}`);
  const task: Task = {
    seed: Number(values.seed ?? Date.now() % 2 ** 31),
    scenes,
    seconds: Number(values.seconds),
    isOnce: values.once,
  };
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  let current = '';
  const stuck = (): never => fail(`${current}: has not ended after ${STUCK_MS} ms`);
  let timer = setTimeout(stuck, STUCK_MS);
  worker.on('error', (error) => fail(`${current}: ${String(error.stack)}`));
  worker.on('message', (message: Message) => {
    clearTimeout(timer);
    if (message.kind === 'failed') fail(message.text);
    if (message.kind === 'begun') {
      current = `--scene ${message.scene} --seed ${message.seed}`;
      timer = setTimeout(stuck, STUCK_MS);
    } else if (message.kind === 'done') process.stdout.write(`${message.text}\n`);
  });
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

async function work(task: Task, tell: (message: Message) => void): Promise<void> {
  const end = Date.now() + task.seconds * 1000;
  let trials = 0;
  for (let seed = task.seed; Date.now() < end; seed++) {
    for (const scene of task.scenes) {
      tell({ kind: 'begun', scene, seed });
      const trial = SCENES[scene]!(seed);
      const failure = await trial.run(new Set());
      trials++;
      if (failure === undefined) continue;
      tell({ kind: 'shrinking' });
      const shortest = await shrink(trial, failure);
      const { error, history } = shortest.failure;
      const kept = trial.operations - shortest.skipped.size;
      tell({
        kind: 'failed',
        text:
          `${String(error instanceof Error ? error.stack : error)}\n` +
          `with ${kept} of ${trial.operations} operations: ${history.join(', ')}\n` +
          `again: npm run fuzz -- --target lsm --scene ${scene} --seed ${seed} --once`,
      });
      return;
    }
    if (task.isOnce) break;
  }
  tell({ kind: 'done', text: `${trials} trials from seed ${task.seed} on: all is well` });
}
