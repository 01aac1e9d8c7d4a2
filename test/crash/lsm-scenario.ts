/**
 * Runs a database on the simulated machine until it crashes or its writes are done, and checks what an opening afterwards finds: what was there after some
 * write, not before the last one that was promised to stay, with nothing missing, torn or invented.
 */
import { expect } from 'vitest';
import {
  type Batch,
  type Database,
  LsmError,
  open,
  type OpenOptions,
} from '../../src/lsm/index.ts';
import { bytes, text } from '../../src/lsm/testing/model.ts';
import { randomOptions } from '../../src/lsm/testing/random-options.ts';
import { SimulatedSystem } from '../../src/lsm/testing/simulated-system.ts';
import { SeededRandomness } from '../../src/os/randomness.ts';

const DIRECTORY = '/data';
const KEYS = 60;

/** What is written; `expired`: in the place of a deletion a value that has expired already. */
type Change =
  | { readonly kind: 'put' | 'append'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete' | 'expired'; readonly key: string }
  | { readonly kind: 'delete range'; readonly key: string; readonly to: string };

/**
 * `refused`: it failed and was taken back (a full disk), or nothing was tried. `unknown`: it failed so that the database refuses all others; it may be found.
 */
interface Write {
  readonly changes: readonly Change[];
  state: 'pending' | 'written' | 'synced' | 'refused' | 'unknown';
}

export class LsmScenario {
  random: SeededRandomness;
  /** Numbers of steps that are left out: whoever makes a failing run shorter says which. */
  skipped: ReadonlySet<number> = new Set();
  readonly #seed: number;
  readonly #hasExpiries: boolean;
  #steps = 0;
  readonly options: OpenOptions;
  system: SimulatedSystem;
  /** In the order in which they were asked for. */
  readonly writes: Write[] = [];
  /** What was done, for who looks for a failure's cause. */
  readonly history: string[] = [];
  #db: Database | undefined;
  #values = 0;
  #isPoisoned = false;

  constructor(seed: number, system: SimulatedSystem = new SimulatedSystem()) {
    this.#seed = seed;
    this.random = new SeededRandomness(seed);
    const options = randomOptions(this.random);
    this.#hasExpiries = options.formatLevel === 1 && this.random.below(2) === 0;
    this.options =
      options.formatLevel === 2
        ? { ...options, mergeOperator: 'append' }
        : { ...options, ...(this.#hasExpiries && { ttl: true }) };
    this.system = system;
    // Small pages lose more interestingly.
    system.files.pageBytes = [512, 4096][this.random.below(2)]!;
  }

  /** Opens, writes `count` times and closes. True when the machine has stopped before that was done. */
  async run(count: number): Promise<boolean> {
    const { system } = this;
    try {
      await this.#open();
      for (let i = 0; i < count && !system.files.isDead; i++) await this.#nextStep();
      if (!system.files.isDead) await this.#close();
    } catch (error) {
      if (!system.files.isDead) throw error;
    }
    return system.files.isDead;
  }

  /** The same where calls fail: opening too may be refused, and is tried again. */
  async runRefused(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      try {
        if (this.#db === undefined) await this.#open();
        await this.#nextStep();
      } catch (error) {
        ignoreRefusal(error);
      }
    }
    await this.#close();
  }

  /** The machine, or the process alone, starts again; everything that an opening finds is checked. */
  async restart(isMachine: boolean): Promise<void> {
    this.history.push(isMachine ? 'machine restarts' : 'process restarts');
    this.system = this.system.restart(isMachine ? this.random : undefined);
    this.#db = undefined;
    await this.check(isMachine);
  }

  /** Opens, compares, checks everything, and closes again; what was found is what counts from then on. */
  async check(isMachine: boolean): Promise<void> {
    await this.#open(isMachine);
    this.#db!.checkInvariants();
    await this.system.until(this.#db!.verify());
    await this.#try('idle', this.#db!.idle());
    await this.#close();
  }

  /** Whether what is there is what it may be; what it is decides which writes count from then on. */
  #compare(isMachine: boolean): void {
    const found = new Map([...this.#db!.range()].map(([k, v]) => [text(k)!, text(v)!]));
    const least = this.writes.findLastIndex(({ state }) =>
      isMachine ? state === 'synced' : state === 'synced' || state === 'written',
    );
    const matching = this.#matching(found, least + 1);
    if (matching === undefined) {
      throw new Error(`found is no prefix: at least ${least + 1}; ${this.#nearest(found)}`);
    }
    // What was not found never was. The process knows what it wrote; only a machine that starts again knows it to be on its disk.
    this.writes.splice(matching);
    for (const write of this.writes) if (write.state !== 'refused') write.state = 'synced';
  }

  /** The prefix that is most like what was found, in words. */
  #nearest(found: ReadonlyMap<string, string>): string {
    const map = new Map<string, string>();
    let best = { size: Infinity, text: '' };
    for (const [i, write] of this.writes.entries()) {
      if (write.state !== 'refused') apply(map, write);
      const keys = [...new Set([...map.keys(), ...found.keys()])];
      const differing = keys.filter((key) => map.get(key) !== found.get(key));
      if (differing.length > best.size) continue;
      const short = (value: string | undefined): string => value?.slice(0, 8) ?? 'nothing';
      const notes = differing.map(
        (key) => `${key} is ${short(found.get(key))}, not ${short(map.get(key))}`,
      );
      best = {
        size: differing.length,
        text: `of ${this.writes.length} the first ${i + 1}, but ${notes.join(', ')}`,
      };
    }
    return best.text;
  }

  /** After how many writes the map was as found; undefined where it never was. */
  #matching(found: ReadonlyMap<string, string>, least: number): number | undefined {
    const map = new Map<string, string>();
    for (let i = 0; i <= this.writes.length; i++) {
      if (i >= least && isEqual(map, found)) {
        // Later writes that change nothing, or were refused, do not matter; the shortest prefix is as good.
        return i;
      }
      const write = this.writes[i];
      if (write === undefined) break;
      if (write.state === 'refused') {
        // It failed; whether its bytes are found after a crash is open, as long as they are the last.
        const tried = new Map(map);
        apply(tried, write);
        if (i >= least && isEqual(tried, found)) {
          write.state = 'synced';
          return i + 1;
        }
      } else apply(map, write);
    }
    return undefined;
  }

  async #open(isMachine = false): Promise<void> {
    this.#db = await this.system.until(open(DIRECTORY, { ...this.options, system: this.system }));
    this.#isPoisoned = false;
    this.#compare(isMachine);
  }

  async #close(): Promise<void> {
    const db = this.#db;
    this.#db = undefined;
    if (db !== undefined) await this.system.until(db.close().catch(ignoreRefusal));
  }

  /** Each step has random numbers of its own, so that the others stay the same without it. */
  async #nextStep(): Promise<void> {
    const step = this.#steps++;
    this.random = new SeededRandomness(this.#seed + (step + 1) * 2 ** 32);
    if (!this.skipped.has(step)) await this.#step();
  }

  async #step(): Promise<void> {
    const { random } = this;
    const db = this.#db!;
    const choice = random.below(40);
    if (choice < 33) await this.#write();
    else if (choice < 35) await this.#try('flush', db.flush());
    else if (choice < 36) await this.#try('compact', db.compact());
    else if (choice < 37) {
      this.history.push('reopen');
      await this.#close();
      await this.#open();
    } else {
      this.history.push('wait');
      await this.system.files.loop.run(random.below(4));
    }
  }

  async #try(what: string, promise: Promise<void>): Promise<void> {
    this.history.push(what);
    await this.system.until(promise.catch(ignoreRefusal));
  }

  async #write(): Promise<void> {
    const { random } = this;
    const db = this.#db!;
    const promises: Promise<void>[] = [];
    for (let n = 1 + random.below(3); n > 0; n--) {
      const changes: Change[] = [];
      const size = random.below(3) === 0 ? 1 + random.below(20) : 1;
      for (let i = 0; i < size; i++) changes.push(this.#change());
      const write: Write = { changes, state: 'pending' };
      const sync = random.below(3) === 0;
      const wasPoisoned = this.#isPoisoned;
      this.writes.push(write);
      this.history.push(sync ? `put ${size} synced` : `put ${size}`);
      const batch = db.batch();
      for (const change of changes) addTo(batch, change);
      if (random.below(3) === 0) {
        try {
          batch.writeSync({ sync });
          write.state = sync ? 'synced' : 'written';
        } catch (error) {
          this.#refused(write, error, wasPoisoned);
        }
        // What was written before is in the log before it.
        if (sync && write.state === 'synced') this.#allSynced();
        continue;
      }
      promises.push(
        batch.write({ sync }).then(
          () => {
            if (write.state === 'pending' || sync) write.state = sync ? 'synced' : 'written';
          },
          (error: unknown) => {
            this.#refused(write, error, wasPoisoned);
          },
        ),
      );
    }
    if (random.below(4) > 0) await this.system.until(Promise.all(promises));
  }

  #refused(write: Write, error: unknown, wasPoisoned: boolean): void {
    ignoreRefusal(error);
    // Nobody is told anything by a machine that has stopped.
    if (this.system.files.isDead || write.state !== 'pending') return;
    const isPoison = (error as LsmError).code === 'POISONED';
    write.state = isPoison && !wasPoisoned ? 'unknown' : 'refused';
    this.#isPoisoned ||= isPoison;
  }

  #allSynced(): void {
    for (const write of this.writes) if (write.state === 'written') write.state = 'synced';
  }

  #change(): Change {
    const { random } = this;
    const key = `key${String(random.below(KEYS)).padStart(5, '0')}`;
    if (this.options.formatLevel === 2 && random.below(12) === 0) {
      return { kind: 'delete range', key, to: `${key.slice(0, 7)}~` };
    }
    if (this.options.formatLevel === 2 && random.below(4) === 0) {
      return { kind: 'append', key, value: `+${this.#values++}` };
    }
    if (random.below(4) === 0) {
      return { kind: this.#hasExpiries && random.below(2) === 0 ? 'expired' : 'delete', key };
    }
    const length = random.below(30) === 0 ? 3000 : random.below(100);
    return { kind: 'put', key, value: `${this.#values++}:${'v'.repeat(length)}` };
  }
}

function addTo(batch: Batch, change: Change): void {
  const key = bytes(change.key);
  if (change.kind === 'put') batch.put(key, bytes(change.value));
  else if (change.kind === 'append') batch.merge(key, bytes(change.value));
  else if (change.kind === 'delete') batch.delete(key);
  else if (change.kind === 'delete range') batch.deleteRange(key, bytes(change.to));
  else batch.put(key, bytes('expired'), undefined, { expiresAtMs: 1 });
}

function apply(map: Map<string, string>, { changes }: Write): void {
  for (const change of changes) {
    const { key } = change;
    if (change.kind === 'put') map.set(key, change.value);
    else if (change.kind === 'append') map.set(key, (map.get(key) ?? '') + change.value);
    else if (change.kind === 'delete range') {
      for (const other of map.keys()) if (other >= key && other < change.to) map.delete(other);
    } else map.delete(key);
  }
}

function isEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

/** A database may refuse; anything else is a bug. */
function ignoreRefusal(error: unknown): void {
  expect(error).toBeInstanceOf(LsmError);
}
