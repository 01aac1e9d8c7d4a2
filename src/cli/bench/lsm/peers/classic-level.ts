/** classic-level: LevelDB 1.20 as most of Node.js uses it. */
import type { Compression, Contestant, ScanTotal, StoreSettings } from '../contestant.ts';
import type { PeerPackages } from './peer-packages.ts';

interface Iterator {
  nextv(size: number): Promise<[Buffer, Buffer][]>;
  close(): Promise<void>;
}

interface ChainedBatch {
  put(key: Buffer, value: Buffer): ChainedBatch;
  write(options: { sync: boolean }): Promise<void>;
}

interface ClassicLevel {
  open(options: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
  put(key: Buffer, value: Buffer, options: { sync: boolean }): Promise<void>;
  get(key: Buffer): Promise<Buffer | undefined>;
  getSync(key: Buffer): Buffer | undefined;
  batch(): ChainedBatch;
  iterator(options: Readonly<Record<string, unknown>>): Iterator;
  compactRange(start: Buffer, end: Buffer): Promise<void>;
}

interface Package {
  ClassicLevel: new (location: string, options: Readonly<Record<string, unknown>>) => ClassicLevel;
}

/** Entries that one crossing of the binding brings; more were not faster. */
const FETCH = 1000;

export class ClassicLevelContestant implements Contestant {
  readonly name = 'classic-level';
  readonly build: string;
  readonly compressions: readonly Compression[] = ['none', 'snappy'];
  readonly #package: Package;
  #db!: ClassicLevel;
  #durability = { sync: false };

  constructor(packages: PeerPackages) {
    this.#package = packages.load(this.name) as Package;
    this.build = `classic-level ${packages.version(this.name)} (LevelDB 1.20)`;
  }

  async open(settings: StoreSettings): Promise<void> {
    this.#durability = { sync: settings.isDurable };
    this.#db = new this.#package.ClassicLevel(settings.directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    await this.#db.open({
      compression: settings.compression === 'snappy',
      cacheSize: settings.cacheBytes,
      writeBufferSize: settings.writeBufferBytes,
    });
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  put(key: Buffer, value: Buffer): Promise<void> {
    return this.#db.put(key, value, this.#durability);
  }

  writeBatch(keys: readonly Buffer[], values: readonly Buffer[], count: number): Promise<void> {
    const batch = this.#db.batch();
    for (let i = 0; i < count; i++) batch.put(keys[i]!, values[i]!);
    return batch.write(this.#durability);
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#db.getSync(key);
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.#db.get(key);
  }

  scan(): Promise<ScanTotal> {
    return this.#read({ fillCache: false }, Infinity);
  }

  scanFrom(key: Buffer, limit: number): Promise<ScanTotal> {
    return this.#read({ gte: key, limit, fillCache: true }, limit);
  }

  compact(): Promise<void> {
    return this.#db.compactRange(Buffer.alloc(1), Buffer.alloc(1, 0xff));
  }

  async #read(range: Readonly<Record<string, unknown>>, limit: number): Promise<ScanTotal> {
    const iterator = this.#db.iterator({ ...range, highWaterMarkBytes: 1024 * 1024 });
    const total = { entries: 0, sum: 0 };
    while (total.entries < limit) {
      const entries = await iterator.nextv(Math.min(FETCH, limit - total.entries));
      if (entries.length === 0) break;
      for (const [key, value] of entries) total.sum += key[15]! + value[0]!;
      total.entries += entries.length;
    }
    await iterator.close();
    return total;
  }
}
