/** @nxtedition/rocksdb: RocksDB 9.7 with synchronous calls beneath the interface of abstract-level 1. It has no synced writes and no snappy. */
import type { Compression, Contestant, ScanTotal, StoreSettings } from '../contestant.ts';
import type { PeerPackages } from './peer-packages.ts';

interface Rows {
  /** Keys and values in turns. */
  rows: Buffer[];
  finished: boolean;
}

interface Iterator {
  _nextvSync(size: number): Rows;
  _closeSync(): void;
}

interface Batch {
  _put(key: Buffer, value: Buffer): void;
  _writeSync(): void;
  _closeSync(): void;
}

interface RocksLevel {
  open(): Promise<void>;
  close(): Promise<void>;
  put(key: Buffer, value: Buffer): Promise<void>;
  get(key: Buffer): Promise<Buffer>;
  _getManySync(keys: Buffer[]): (Buffer | undefined)[];
  _chainedBatch(): Batch;
  _iterator(options: Readonly<Record<string, unknown>>): Iterator;
}

interface Package {
  RocksLevel: new (location: string, options: Readonly<Record<string, unknown>>) => RocksLevel;
}

const FETCH = 1000;

export class RocksLevelContestant implements Contestant {
  readonly name = '@nxtedition/rocksdb';
  readonly build: string;
  readonly compressions: readonly Compression[] = ['none'];
  readonly isWithoutSync = true;
  readonly #package: Package;
  #db!: RocksLevel;

  constructor(packages: PeerPackages) {
    this.#package = packages.load(this.name) as Package;
    this.build = `@nxtedition/rocksdb ${packages.version(this.name)} (RocksDB 9.7.4)`;
  }

  async open(settings: StoreSettings): Promise<void> {
    this.#db = new this.#package.RocksLevel(settings.directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      cacheSize: settings.cacheBytes,
      memtableMemoryBudget: settings.writeBufferBytes * 4,
      createIfMissing: true,
    });
    await this.#db.open();
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  putSync(key: Buffer, value: Buffer): void {
    const batch = this.#db._chainedBatch();
    batch._put(key, value);
    batch._writeSync();
    batch._closeSync();
  }

  put(key: Buffer, value: Buffer): Promise<void> {
    return this.#db.put(key, value);
  }

  writeBatch(keys: readonly Buffer[], values: readonly Buffer[], count: number): void {
    const batch = this.#db._chainedBatch();
    for (let i = 0; i < count; i++) batch._put(keys[i]!, values[i]!);
    batch._writeSync();
    batch._closeSync();
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#db._getManySync([key])[0];
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    try {
      return await this.#db.get(key);
    } catch (error) {
      if ((error as { code?: unknown }).code === 'LEVEL_NOT_FOUND') return undefined;
      throw error;
    }
  }

  scan(): ScanTotal {
    return this.#read({}, Infinity);
  }

  scanFrom(key: Buffer, limit: number): ScanTotal {
    return this.#read({ gte: key, limit }, limit);
  }

  #read(range: Readonly<Record<string, unknown>>, limit: number): ScanTotal {
    const iterator = this.#db._iterator({
      ...range,
      keys: true,
      values: true,
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      highWaterMarkBytes: 1024 * 1024,
    });
    const total = { entries: 0, sum: 0 };
    let isFinished = false;
    while (!isFinished && total.entries < limit) {
      const { rows, finished } = iterator._nextvSync(Math.min(FETCH, limit - total.entries));
      for (let i = 0; i < rows.length; i += 2) total.sum += rows[i]![15]! + rows[i + 1]![0]!;
      total.entries += rows.length / 2;
      isFinished = finished;
    }
    iterator._closeSync();
    return total;
  }
}
