/** Puts what an RDB file holds into the databases of a model. */
import { Region } from '../../../bytes/region.ts';
import { NONE, type Keyspace, type Ref } from '../../../memory/index.ts';
import type { Database } from '../database.ts';
import { STRING_ENCODING, TYPE } from '../types.ts';
import type { RdbTarget } from './reader.ts';

const KEY_BYTES = 1024;

export class EngineTarget implements RdbTarget {
  keys = 0;
  readonly #databases: readonly Database[];
  #keyspace: Keyspace;
  /** The key of the entry under way: it outlives the window that it came in. */
  #key: Region = Region.allocate(KEY_BYTES);
  #keyLength = 0;
  #hash = 0;
  #expiryMs = -1;
  #ref: Ref = NONE;

  constructor(databases: readonly Database[]) {
    this.#databases = databases;
    this.#keyspace = databases[0]!.keys;
  }

  selectDatabase(id: number): boolean {
    const database = this.#databases[id];
    if (database === undefined) return false;
    this.#keyspace = database.keys;
    return true;
  }

  expect(keys: number): void {
    this.#keyspace.reserve(keys);
  }

  key(region: Region, start: number, end: number, expiryMs: number): boolean {
    const length = end - start;
    if (length > this.#key.bytes.length) this.#key = Region.allocate(length * 2);
    this.#key.bytes.set(region.bytes.subarray(start, end));
    this.#keyLength = length;
    this.#expiryMs = expiryMs;
    this.#hash = this.#keyspace.hash(this.#key, 0, length);
    return this.#keyspace.find(this.#hash, this.#key, 0, length) === NONE;
  }

  string(region: Region, start: number, end: number): void {
    const keyspace = this.#keyspace;
    this.#ref = keyspace.insert(
      this.#hash,
      this.#key,
      0,
      this.#keyLength,
      TYPE.string,
      STRING_ENCODING.plain,
      region,
      start,
      end,
    );
    if (this.#expiryMs >= 0) keyspace.setExpiry(this.#ref, this.#expiryMs);
    this.keys++;
  }

  append(region: Region, start: number, end: number): void {
    this.#ref = this.#keyspace.append(this.#hash, this.#ref, region, start, end);
  }
}
