/** A database that is written to while something else goes on, and what it should hold. For tests. */
import { SeededRandomness } from '../../os/randomness.ts';
import type { Database } from '../database/database.ts';
import { open } from '../database/database.ts';
import type { OpenOptions } from '../database/options.ts';
import type { Snapshot } from '../database/snapshot.ts';
import { bytes, Model, type Pairs, text } from '../testing/model.ts';
import { randomOptions } from '../testing/random-options.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';

export class Scene {
  readonly random: SeededRandomness;
  readonly options: OpenOptions;
  readonly model: Model = new Model();
  system: SimulatedSystem;
  db!: Database;
  /** Names of keyspaces; '' alone where the directory is raw. */
  readonly spaces: readonly string[];

  constructor(seed: number, system: SimulatedSystem = new SimulatedSystem()) {
    this.random = new SeededRandomness(seed);
    this.options = randomOptions(this.random);
    this.spaces = this.random.below(2) === 0 ? [''] : ['', 'a'];
    this.system = system;
  }

  async open(directory = '/data'): Promise<void> {
    this.db = await this.at(directory);
  }

  /** Another database on the same machine. */
  at(directory: string): Promise<Database> {
    return this.system.until(open(directory, { ...this.options, system: this.system }));
  }

  /** Some writes, one of them synchronous now and then; others are still to be written to the log when this returns. */
  write(count: number): Promise<void> {
    const { random } = this;
    const promises: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      const name = this.spaces[random.below(this.spaces.length)]!;
      const space = name === '' ? this.#default() : this.db.keyspace(name);
      const key = `key${String(random.below(150)).padStart(4, '0')}`;
      const value = `${random.below(1e6)}`.repeat(1 + random.below(30));
      if (random.below(4) === 0) {
        this.model.delete(name, key);
        promises.push(space.delete(bytes(key)));
      } else {
        this.model.put(name, key, value);
        if (random.below(5) === 0) space.putSync(bytes(key), bytes(value));
        else promises.push(space.put(bytes(key), bytes(value)));
      }
    }
    return Promise.all(promises).then(() => {});
  }

  /** The machine crashes, or without `random` the process alone; the database is opened again. */
  async restart(random?: SeededRandomness): Promise<void> {
    this.system = this.system.restart(random);
    await this.open();
  }

  /** All that a database holds, keyspace by keyspace; the model alike. */
  contents(db: Database, snapshot?: Snapshot): Pairs[] {
    return this.spaces.map((name) => {
      const space = name === '' ? db : db.keyspace(name);
      return [...space.range({ snapshot })].map(
        ([key, value]) => [text(key)!, text(value)!] as const,
      );
    });
  }

  expected(): Pairs[] {
    return this.spaces.map((name) => this.model.range(name));
  }

  /** The directory becomes one with keyspaces before anything is written to it. */
  #default(): Database {
    if (this.spaces.length > 1) this.db.keyspace('a');
    return this.db;
  }
}
