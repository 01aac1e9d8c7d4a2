/** better-sqlite3: a table of two blobs without rowid, in WAL mode, prepared statements, all synchronous. It has no compression. */
import path from 'node:path';
import type { Compression, Contestant, ScanTotal, StoreSettings } from '../contestant.ts';
import type { PeerPackages } from './peer-packages.ts';

interface Statement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
  iterate(...values: unknown[]): Iterable<unknown>;
  pluck(): Statement;
  raw(): Statement;
}

interface Database {
  pragma(text: string): unknown;
  exec(text: string): void;
  prepare(text: string): Statement;
  close(): void;
}

type Package = new (file: string) => Database;

const TABLE =
  'CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID';

export class SqliteContestant implements Contestant {
  readonly name = 'better-sqlite3';
  readonly build: string;
  readonly compressions: readonly Compression[] = ['none'];
  readonly #package: Package;
  #db!: Database;
  #put!: Statement;
  #get!: Statement;
  #scan!: Statement;
  #scanFrom!: Statement;
  #begin!: Statement;
  #commit!: Statement;

  constructor(packages: PeerPackages) {
    this.#package = packages.load(this.name) as Package;
    const db = new this.#package(':memory:');
    const version = String(db.prepare('SELECT sqlite_version()').pluck().get());
    db.close();
    this.build = `better-sqlite3 ${packages.version(this.name)} (SQLite ${version})`;
  }

  async open(settings: StoreSettings): Promise<void> {
    const db = new this.#package(path.join(settings.directory, 'bench.sqlite'));
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${settings.isDurable ? 'FULL' : 'OFF'}`);
    db.pragma(`cache_size = -${Math.ceil(settings.cacheBytes / 1024)}`);
    db.exec(TABLE);
    this.#db = db;
    this.#put = db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?)');
    this.#get = db.prepare('SELECT value FROM entries WHERE key = ?').pluck();
    this.#scan = db.prepare('SELECT key, value FROM entries ORDER BY key').raw();
    this.#scanFrom = db
      .prepare('SELECT key, value FROM entries WHERE key >= ? ORDER BY key LIMIT ?')
      .raw();
    this.#begin = db.prepare('BEGIN');
    this.#commit = db.prepare('COMMIT');
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  putSync(key: Buffer, value: Buffer): void {
    this.#put.run(key, value);
  }

  writeBatch(keys: readonly Buffer[], values: readonly Buffer[], count: number): void {
    this.#begin.run();
    for (let i = 0; i < count; i++) this.#put.run(keys[i], values[i]);
    this.#commit.run();
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#get.get(key) as Buffer | undefined;
  }

  scan(): ScanTotal {
    return total(this.#scan.iterate());
  }

  scanFrom(key: Buffer, limit: number): ScanTotal {
    return total(this.#scanFrom.all(key, limit));
  }
}

function total(rows: Iterable<unknown>): ScanTotal {
  const total = { entries: 0, sum: 0 };
  for (const row of rows) {
    const [key, value] = row as [Buffer, Buffer];
    total.entries++;
    total.sum += key[15]! + value[0]!;
  }
  return total;
}
