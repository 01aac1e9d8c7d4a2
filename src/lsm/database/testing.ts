/** A database on the simulated machine, and what tests say to it. */
import { bytes, text } from '../testing/model.ts';
import { SimulatedSystem } from '../testing/simulated-system.ts';
import { type Database, open } from './database.ts';
import type { ReadOptions } from './keyspace.ts';
import type { OpenOptions } from './options.ts';
import { Resources } from './resources.ts';

const DIRECTORY = '/data';

export class Scene {
  system: SimulatedSystem = new SimulatedSystem();
  db!: Database;

  async open(options: OpenOptions = {}): Promise<void> {
    const { system } = this;
    const resources = new Resources({ workers: 0 });
    this.db = await this.until(open(DIRECTORY, { resources, paranoid: true, ...options, system }));
  }

  /** Closes it first. The simulated clock begins anew. */
  async reopen(options: OpenOptions = {}): Promise<void> {
    await this.until(this.db.close());
    this.system = this.system.restart();
    await this.open(options);
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return this.system.until(promise);
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return this.system.files.loop.run(ms);
  }

  /** One table of level 0. */
  async flush(entries: Readonly<Record<string, string>>): Promise<void> {
    for (const [key, value] of Object.entries(entries)) this.db.putSync(bytes(key), bytes(value));
    await this.until(this.db.flush());
  }

  get(key: string, options: ReadOptions = {}): string | undefined {
    return text(this.db.getSync(bytes(key), options));
  }

  /** Tables of a level. */
  files(level: number): number {
    return this.db.stats().levels[level]!.files;
  }

  /** Tables in the directory. */
  tables(): number {
    const names = this.system.files.readDirectory(DIRECTORY);
    return names.filter((name) => name.endsWith('.ldb')).length;
  }

  has(name: string): boolean {
    return this.system.files.stat(`${DIRECTORY}/${name}`) !== undefined;
  }
}
