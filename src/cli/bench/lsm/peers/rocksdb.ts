/** rocksdb 5 of npm: RocksDB 6.17 behind abstract-leveldown's callbacks, all asynchronous. */
import type { Compression, Contestant, ScanTotal, StoreSettings } from '../contestant.ts';
import type { PeerPackages } from './peer-packages.ts';

type Done = (error?: Error | null) => void;
type Options = Readonly<Record<string, unknown>>;

interface Iterator {
  next(callback: (error: Error | null, key?: Buffer, value?: Buffer) => void): void;
  end(callback: Done): void;
}

interface ChainedBatch {
  put(key: Buffer, value: Buffer): ChainedBatch;
  write(options: Options, callback: Done): void;
}

interface Rocks {
  open(options: Options, callback: Done): void;
  close(callback: Done): void;
  put(key: Buffer, value: Buffer, options: Options, callback: Done): void;
  get(key: Buffer, callback: (error: Error | null, value?: Buffer) => void): void;
  batch(): ChainedBatch;
  iterator(options: Options): Iterator;
  compactRange(start: Buffer, end: Buffer, callback: Done): void;
}

type Package = (location: string) => Rocks;

export class RocksContestant implements Contestant {
  readonly name = 'rocksdb';
  readonly build: string;
  readonly compressions: readonly Compression[] = ['none', 'snappy'];
  readonly #package: Package;
  #db!: Rocks;
  #durability = { sync: false };

  constructor(packages: PeerPackages) {
    this.#package = packages.load(this.name) as Package;
    this.build = `rocksdb ${packages.version(this.name)} (RocksDB 6.17.3)`;
  }

  async open(settings: StoreSettings): Promise<void> {
    this.#durability = { sync: settings.isDurable };
    this.#db = this.#package(settings.directory);
    await promised((done) =>
      this.#db.open(
        {
          compression: settings.compression === 'snappy',
          cacheSize: settings.cacheBytes,
          writeBufferSize: settings.writeBufferBytes,
        },
        done,
      ),
    );
  }

  close(): Promise<void> {
    return promised((done) => this.#db.close(done));
  }

  put(key: Buffer, value: Buffer): Promise<void> {
    return promised((done) => this.#db.put(key, value, this.#durability, done));
  }

  writeBatch(keys: readonly Buffer[], values: readonly Buffer[], count: number): Promise<void> {
    const batch = this.#db.batch();
    for (let i = 0; i < count; i++) batch.put(keys[i]!, values[i]!);
    return promised((done) => batch.write(this.#durability, done));
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#db.get(key, (error, value) => {
        if (error === null || error === undefined) resolve(value);
        else if (/NotFound/.test(error.message)) resolve(undefined);
        else reject(error);
      });
    });
  }

  scan(): Promise<ScanTotal> {
    return this.#read({ fillCache: false });
  }

  scanFrom(key: Buffer, limit: number): Promise<ScanTotal> {
    return this.#read({ gte: key, limit, fillCache: true });
  }

  compact(): Promise<void> {
    return promised((done) => this.#db.compactRange(Buffer.alloc(1), Buffer.alloc(1, 0xff), done));
  }

  #read(range: Options): Promise<ScanTotal> {
    const iterator = this.#db.iterator({ ...range, highWaterMark: 1024 * 1024 });
    const total = { entries: 0, sum: 0 };
    return new Promise((resolve, reject) => {
      const step = (error: Error | null, key?: Buffer, value?: Buffer): void => {
        if (error !== null && error !== undefined) {
          reject(error);
        } else if (key === undefined || value === undefined) {
          iterator.end(() => resolve(total));
        } else {
          total.entries++;
          total.sum += key[15]! + value[0]!;
          iterator.next(step);
        }
      };
      iterator.next(step);
    });
  }
}

function promised(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}
