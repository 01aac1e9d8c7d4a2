/** One of the numbered databases: a keyspace of the engine and the tables by key that belong to it. */
import { Region } from '../../bytes/region.ts';
import type { Keyspace, Ref } from '../../memory/index.ts';
import type { Watch } from './watch.ts';

export class Database {
  readonly id: number;
  /** SWAPDB exchanges what is in it, never the object. */
  readonly keys: Keyspace;
  /** WATCH: who watches a key (one byte a character). The tables stay when SWAPDB exchanges the keys. */
  readonly watchers: Map<string, Set<Watch>> = new Map();

  constructor(id: number, keys: Keyspace) {
    this.id = id;
    this.keys = keys;
  }

  /** The record of `key` (one byte a character), expired or not; NONE (0) where there is none. Allocates. */
  find(key: string): Ref {
    const region = Region.of(key);
    const length = region.bytes.length;
    return this.keys.find(this.keys.hash(region, 0, length), region, 0, length);
  }
}
