/** What a workload runs in: one contestant in a process of its own, fresh directories, the entries, and where its results go. */
import fs from 'node:fs';
import path from 'node:path';
import type { Contestant, StoreSettings } from './contestant.ts';
import { type Entries, order } from './entries.ts';
import type { Measurement } from './measure.ts';

/** Entries of a batch. */
export const BATCH: number = 1000;
/** Entries that warm the code up before something is timed. */
const WARM_UP = 20_000;
/** Entries of a loaded store that are read back. */
const SAMPLE = 1000;

export interface SceneOptions {
  readonly entries: number;
  /** A workload stops early after this time; its figures are those of what it did. */
  readonly seconds: number;
  readonly seed: number;
  /** User bytes that the big workload overwrites. */
  readonly bigBytes: number;
  readonly settings: Omit<StoreSettings, 'directory' | 'isDurable'>;
}

export class Scene implements SceneOptions {
  readonly contestant: Contestant;
  readonly data: Entries;
  readonly entries: number;
  readonly seconds: number;
  readonly seed: number;
  readonly bigBytes: number;
  readonly settings: Omit<StoreSettings, 'directory' | 'isDurable'>;
  /** By workload. */
  readonly results: Record<string, Measurement> = {};
  readonly #root: string;
  #directories = 0;

  constructor(contestant: Contestant, data: Entries, root: string, options: SceneOptions) {
    this.contestant = contestant;
    this.data = data;
    this.entries = options.entries;
    this.seconds = options.seconds;
    this.seed = options.seed;
    this.bigBytes = options.bigBytes;
    this.settings = options.settings;
    this.#root = root;
  }

  /** Runs `work` on a fresh store, then on the same code once more in earnest: what is compiled while it runs is not measured. */
  async warmedUp(work: (scene: Scene, entries: number) => Promise<void>): Promise<void> {
    await work(this, Math.min(WARM_UP, this.entries));
    await work(this, this.entries);
  }

  /** Opens the contestant on a new directory, and removes that afterwards. */
  async withStore(
    change: Partial<StoreSettings>,
    work: (directory: string) => Promise<void>,
  ): Promise<void> {
    const directory = path.join(this.#root, String(this.#directories++));
    fs.mkdirSync(directory);
    await this.open(directory, change);
    await work(directory);
    await this.contestant.close();
    fs.rmSync(directory, { recursive: true, force: true });
  }

  open(directory: string, change: Partial<StoreSettings> = {}): Promise<void> {
    return this.contestant.open({ ...this.settings, isDurable: false, ...change, directory });
  }

  /** Writes `numbers` in batches; returns how many it came to in the time that it has. */
  async load(
    numbers: Uint32Array,
    generation: number,
    seconds: number = Infinity,
  ): Promise<number> {
    const slots = this.data.slots(BATCH);
    const keys = slots.map((slot) => slot.bytes);
    const values = new Array<Buffer>(BATCH);
    const end = performance.now() + seconds * 1000;
    let done = 0;
    while (done < numbers.length && performance.now() < end) {
      const count = Math.min(BATCH, numbers.length - done);
      for (let i = 0; i < count; i++) {
        const number = 2 * numbers[done + i]!;
        this.data.write(slots[i]!, number);
        values[i] = this.data.value(number, generation);
      }
      const written = this.contestant.writeBatch(keys, values, count);
      if (written !== undefined) await written;
      done += count;
    }
    return done;
  }

  /** Reads some of the first `count` of `numbers` and throws where one is not as it was written. */
  async verify(numbers: Uint32Array, count: number, generation: number): Promise<void> {
    const slot = this.data.slot();
    const step = Math.max(1, Math.floor(count / SAMPLE));
    for (let i = 0; i < count; i += step) {
      const number = 2 * numbers[i]!;
      const key = this.data.write(slot, number);
      this.data.check(await this.read(key), number, generation);
    }
  }

  async read(key: Buffer): Promise<Uint8Array | undefined> {
    const { contestant } = this;
    return contestant.getSync === undefined ? contestant.get!(key) : contestant.getSync(key);
  }

  order(entries: number, isRandom: boolean): Uint32Array {
    return order(entries, isRandom, this.seed);
  }
}
