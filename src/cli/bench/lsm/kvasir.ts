/** Kvasir's disk engine, through its public interface alone. */
import { type Database, open, Resources } from '../../../lsm/index.ts';
import { packageVersion } from '../../../server/process-host.ts';
import type { Compression, Contestant, ScanTotal, StoreSettings } from './contestant.ts';

/** One that is written to, two that wait to be flushed. */
const MEMTABLES = 3;
const MIB: number = 1024 * 1024;

export class KvasirContestant implements Contestant {
  readonly name = 'kvasir';
  readonly build: string = `kvasir ${packageVersion()}`;
  readonly compressions: readonly Compression[] = ['none', 'snappy'];
  #db!: Database;
  #durability = { sync: false };
  /** By bytes: databases that are opened one after the other have one pool of threads. */
  readonly #resources = new Map<number, Resources>();

  budgetBytes(settings: StoreSettings): number {
    return settings.cacheBytes + MEMTABLES * (settings.writeBufferBytes + MIB);
  }

  async open(settings: StoreSettings): Promise<void> {
    this.#durability = { sync: settings.isDurable };
    const memoryBytes = this.budgetBytes(settings);
    const resources = this.#resources.get(memoryBytes) ?? new Resources({ memoryBytes });
    this.#resources.set(memoryBytes, resources);
    this.#db = await open(settings.directory, {
      codec: settings.compression,
      memtableBytes: settings.writeBufferBytes,
      cacheBytes: settings.cacheBytes,
      resources,
    });
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  putSync(key: Buffer, value: Buffer): void {
    this.#db.putSync(key, value, this.#durability);
  }

  put(key: Buffer, value: Buffer): Promise<void> {
    return this.#db.put(key, value, this.#durability);
  }

  writeBatch(keys: readonly Buffer[], values: readonly Buffer[], count: number): void {
    const batch = this.#db.batch();
    for (let i = 0; i < count; i++) batch.put(keys[i]!, values[i]!);
    batch.writeSync(this.#durability);
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#db.getSync(key);
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.#db.get(key);
  }

  scan(): ScanTotal {
    return this.#read({});
  }

  scanFrom(key: Buffer, limit: number): ScanTotal {
    return this.#read({ gte: key, limit });
  }

  compact(): Promise<void> {
    return this.#db.compact();
  }

  settle(): Promise<void> {
    return this.#db.idle();
  }

  #read(range: { gte?: Buffer; limit?: number }): ScanTotal {
    const iterator = this.#db.range(range).iterator();
    const total = { entries: 0, sum: 0 };
    while (iterator.next()) {
      total.entries++;
      total.sum +=
        iterator.keyBytes[iterator.keyStart + 15]! + iterator.valueBytes[iterator.valueStart]!;
    }
    iterator.close();
    return total;
  }
}
