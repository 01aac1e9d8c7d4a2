/**
 * Puts many entries into a database, in batches of about a megabyte: what imports and copies are made of. Entries of one key win in the order in which
 * they come. What was put is durable after `finish`.
 */
import type { Batch } from '../database/batch.ts';
import type { Database } from '../database/database.ts';
import type { Keyspace } from '../database/keyspace.ts';
import type { KeyspaceOptions } from '../database/keyspace-options.ts';

const BATCH_BYTES = 1024 * 1024;

export class EntryLoader {
  entries = 0;
  /** Of keys and values. */
  bytes = 0;
  readonly #database: Database;
  readonly #keyspaces = new Map<string, Keyspace>();
  #batch: Batch | undefined = undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds an entry, copying its bytes; `keyspace` is made where it is not there, '' is the default one. `expiresAtMs`: Infinity for never, undefined for what the
   * keyspace does by default; one that is made for an entry that expires has a time to live. True: `write` is due. Throws LsmError LIMIT; UNSUPPORTED where the database
   * has no keyspaces, and for a value that expires where the keyspace has no time to live.
   */
  add(keyspace: string, key: Uint8Array, value: Uint8Array, expiresAtMs?: number): boolean {
    const expires = expiresAtMs !== undefined && expiresAtMs !== Infinity;
    const target = this.keyspace(keyspace, expires ? { ttl: true } : {});
    const batch = (this.#batch ??= this.#database.batch());
    const hasTtl = target.options.ttl !== undefined;
    batch.put(key, value, target, hasTtl || expires ? { expiresAtMs } : undefined);
    this.entries++;
    this.bytes += key.length + value.length;
    return batch.sizeBytes >= BATCH_BYTES;
  }

  /** Writes what has gathered. Rejects with LsmError. */
  async write(): Promise<void> {
    const batch = this.#batch;
    if (batch === undefined || batch.count === 0) return;
    await batch.write();
    batch.clear();
  }

  /** Writes the rest, and makes everything durable. Rejects with LsmError. */
  async finish(): Promise<void> {
    await this.write();
    await this.#database.flush();
    await this.#database.sync();
  }

  /**
   * The keyspace of a name, made with `options` where it is not there. Before the first batch, which makes a new directory one with keyspaces or without. Throws LsmError
   * UNSUPPORTED.
   */
  keyspace(name: string, options: KeyspaceOptions): Keyspace {
    if (name === '') return this.#database;
    let keyspace = this.#keyspaces.get(name);
    if (keyspace === undefined) {
      const isThere = this.#database.keyspaceNames().includes(name);
      keyspace = this.#database.keyspace(name, isThere ? {} : options);
      this.#keyspaces.set(name, keyspace);
    }
    return keyspace;
  }
}
