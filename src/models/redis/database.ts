/** One of the numbered databases: a keyspace of the engine and the tables by key that belong to it. */
import type { Keyspace } from '../../memory/index.ts';
import type { Session } from './session.ts';

export class Database {
  readonly id: number;
  keys: Keyspace;
  /** WATCH: who watches a key (one byte a character). */
  readonly watchers: Map<string, Set<Session>> = new Map();

  constructor(id: number, keys: Keyspace) {
    this.id = id;
    this.keys = keys;
  }
}
