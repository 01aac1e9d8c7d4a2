/** A batch that is put together call by call. */
import { AbstractChainedBatch } from 'abstract-level';
import type { Batch } from '../../lsm/database/batch.ts';
import type { Formatted } from './formats.ts';
import { addTo, type Store } from './store.ts';
import type { ChainedBatchWriteOptions } from './types.ts';

export class LevelChainedBatch<TDatabase, K, V> extends AbstractChainedBatch<TDatabase, K, V> {
  readonly #store: Store;
  readonly #batch: Batch;

  constructor(db: TDatabase, store: Store) {
    super(db);
    this.#store = store;
    this.#batch = store.database.batch();
  }

  /** Stores all that was added, or nothing of it; the batch is closed then. */
  override write(options: ChainedBatchWriteOptions = {}): Promise<void> {
    return super.write(options);
  }

  _put(key: Formatted, value: Formatted): void {
    addTo(this.#batch, { type: 'put', key, value });
  }

  _del(key: Formatted): void {
    addTo(this.#batch, { type: 'del', key });
  }

  _clear(): void {
    this.#batch.clear();
  }

  _write(options: { readonly sync?: boolean }): Promise<void> {
    return this.#store.write(this.#batch, options.sync === true);
  }
}
