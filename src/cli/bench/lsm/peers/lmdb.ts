/** lmdb: a memory-mapped B+tree, the fastest reader of npm. It has no compression of blocks; its cache is the operating system's. */
import type { Compression, Contestant, ScanTotal, StoreSettings } from '../contestant.ts';
import type { PeerPackages } from './peer-packages.ts';

interface Database {
  put(key: Buffer, value: Buffer): Promise<boolean>;
  putSync(key: Buffer, value: Buffer): boolean;
  getBinary(key: Buffer): Buffer | undefined;
  getBinaryFast(key: Buffer): Buffer | undefined;
  transactionSync<T>(action: () => T): T;
  getRange(options: Readonly<Record<string, unknown>>): Iterable<{ key: Buffer; value: Buffer }>;
  close(): Promise<void>;
}

interface Package {
  open(options: Readonly<Record<string, unknown>>): Database;
}

export class LmdbContestant implements Contestant {
  readonly name = 'lmdb';
  readonly build: string;
  readonly compressions: readonly Compression[] = ['none'];
  readonly #package: Package;
  #db!: Database;

  constructor(packages: PeerPackages) {
    this.#package = packages.load(this.name) as Package;
    this.build = `lmdb ${packages.version(this.name)}`;
  }

  async open(settings: StoreSettings): Promise<void> {
    this.#db = this.#package.open({
      path: settings.directory,
      keyEncoding: 'binary',
      encoding: 'binary',
      compression: false,
      cache: false,
      noSync: !settings.isDurable,
      // A commit answers once it is on the disk; by default it would be when others can see it.
      overlappingSync: false,
    });
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  putSync(key: Buffer, value: Buffer): void {
    this.#db.putSync(key, value);
  }

  put(key: Buffer, value: Buffer): Promise<unknown> {
    return this.#db.put(key, value);
  }

  writeBatch(keys: readonly Buffer[], values: readonly Buffer[], count: number): void {
    const db = this.#db;
    db.transactionSync(() => {
      for (let i = 0; i < count; i++) db.putSync(keys[i]!, values[i]!);
    });
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#db.getBinary(key);
  }

  /** There is nothing to wait for in lmdb's gets. */
  async get(key: Buffer): Promise<Buffer | undefined> {
    return this.#db.getBinary(key);
  }

  scan(): ScanTotal {
    return this.#read({});
  }

  scanFrom(key: Buffer, limit: number): ScanTotal {
    return this.#read({ start: key, limit });
  }

  #read(range: Readonly<Record<string, unknown>>): ScanTotal {
    const total = { entries: 0, sum: 0 };
    for (const { key, value } of this.#db.getRange(range)) {
      total.entries++;
      total.sum += key[15]! + value[0]!;
    }
    return total;
  }
}
