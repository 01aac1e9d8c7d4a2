/** Puts what an RDB file holds into the databases of a model. */
import { Region } from '../../../bytes/region.ts';
import { parseHex64 } from '../../../bytes/unsigned64.ts';
import { NONE, type Keyspace, type Ref } from '../../../memory/index.ts';
import type { Database } from '../database.ts';
import { ItemWords } from '../item-line.ts';
import { STRING_ENCODING, TYPE } from '../types.ts';
import { AUX_CAS } from './format.ts';
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
  readonly #item: ItemWords = new ItemWords();
  #hasItem = false;
  #hasCounter = false;
  #isNumberTaken = false;

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

  item(region: Region, start: number, end: number): void {
    this.#hasItem = this.#item.parse(region.bytes, start, end);
  }

  /**
   * The counter goes on where the file says. One that does not know of it is a Redis's: numbers begin beyond what was given out before that was
   * written, and are the same each time it is loaded.
   */
  field(name: string, value: string): void {
    const { cas } = this.#keyspace.engine;
    if (name === AUX_CAS) {
      const { bytes } = Region.of(value);
      const next = { high: 0, low: 0 };
      if (parseHex64(bytes, 0, bytes.length, next)) cas.set(next.high, next.low);
      this.#hasCounter = true;
    } else if (name === 'ctime' && !this.#hasCounter) {
      cas.startAt(Number(value));
    }
  }

  string(region: Region, start: number, end: number): void {
    const keyspace = this.#keyspace;
    const item = this.#hasItem ? this.#item : undefined;
    this.#ref = keyspace.insert(
      this.#hash,
      this.#key,
      0,
      this.#keyLength,
      TYPE.string,
      STRING_ENCODING.plain | (item === undefined ? 0 : item.marks),
      region,
      start,
      end,
      item === undefined ? 0 : item.clientFlags,
    );
    if (item !== undefined) {
      const { clientFlags, own } = item;
      this.#ref = keyspace.setItemFields(this.#hash, this.#ref, clientFlags, own.high, own.low);
      this.#hasItem = false;
    } else if (keyspace.carriesCas) {
      this.#isNumberTaken = true;
    }
    if (this.#expiryMs >= 0) keyspace.setExpiry(this.#ref, this.#expiryMs);
    this.keys++;
  }

  /** Strings that the file gave no CAS have one number; the next change has another. */
  end(): void {
    const { cas } = this.#keyspace.engine;
    cas.isUsed = this.#isNumberTaken;
    cas.settle();
  }

  append(region: Region, start: number, end: number): void {
    const keyspace = this.#keyspace;
    const [high, low] = [keyspace.casHigh(this.#ref), keyspace.casLow(this.#ref)];
    this.#ref = keyspace.append(this.#hash, this.#ref, region, start, end);
    if (!keyspace.engine.hasCas(this.#ref)) return;
    const clientFlags = keyspace.engine.clientFlags(this.#ref);
    this.#ref = keyspace.setItemFields(this.#hash, this.#ref, clientFlags, high, low);
  }
}
