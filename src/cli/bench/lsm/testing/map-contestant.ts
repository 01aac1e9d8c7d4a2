/** A contestant that keeps its entries in a Map: the simplest that is right, and wrong where a test wants it to be. */
import type { Compression, Contestant, ScanTotal, StoreSettings } from '../contestant.ts';

export class MapContestant implements Contestant {
  readonly name = 'map';
  readonly build = 'map 1';
  readonly compressions: readonly Compression[] = ['none'];
  /** Every so many writes, one is lost. */
  readonly #loses: number;
  #writes = 0;
  readonly #stores = new Map<string, Map<string, Buffer>>();
  #entries = new Map<string, Buffer>();

  constructor(loses: number = Infinity) {
    this.#loses = loses;
  }

  async open(settings: StoreSettings): Promise<void> {
    const entries = this.#stores.get(settings.directory) ?? new Map<string, Buffer>();
    this.#stores.set(settings.directory, entries);
    this.#entries = entries;
  }

  async close(): Promise<void> {
    this.#entries = new Map();
  }

  putSync(key: Buffer, value: Buffer): void {
    if (++this.#writes % this.#loses !== 0) this.#entries.set(key.toString(), value);
  }

  async put(key: Buffer, value: Buffer): Promise<void> {
    this.putSync(key, value);
  }

  writeBatch(keys: readonly Buffer[], values: readonly Buffer[], count: number): void {
    for (let i = 0; i < count; i++) this.putSync(keys[i]!, values[i]!);
  }

  getSync(key: Buffer): Buffer | undefined {
    return this.#entries.get(key.toString());
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    return this.getSync(key);
  }

  scan(): ScanTotal {
    return this.#read('', Infinity);
  }

  scanFrom(key: Buffer, limit: number): ScanTotal {
    return this.#read(key.toString(), limit);
  }

  async compact(): Promise<void> {}

  #read(from: string, limit: number): ScanTotal {
    const total = { entries: 0, sum: 0 };
    for (const key of [...this.#entries.keys()].toSorted()) {
      if (key < from) continue;
      if (total.entries === limit) break;
      total.entries++;
      total.sum += key.charCodeAt(15) + this.#entries.get(key)![0]!;
    }
    return total;
  }
}
