/** The types of options and results, under the names that classic-level gives them. */
import type {
  AbstractBatchOperation,
  AbstractBatchOptions,
  AbstractChainedBatchWriteOptions,
  AbstractDelOptions,
  AbstractGetManyOptions,
  AbstractGetOptions,
  AbstractHasManyOptions,
  AbstractHasOptions,
  AbstractIterator,
  AbstractIteratorOptions,
  AbstractKeyIterator,
  AbstractKeyIteratorOptions,
  AbstractPutOptions,
  AbstractSnapshot,
  AbstractValueIterator,
  AbstractValueIteratorOptions,
  Transcoder,
} from 'abstract-level';

interface ReadOptions {
  /** Accepted: a block that was read is cached, and is the first to go if nobody asks for it again. */
  fillCache?: boolean | undefined;
}

interface WriteOptions {
  /** Waits until the write is on the disk: it survives the end of the machine. Without it, it survives the end of the process. Default false. */
  sync?: boolean | undefined;
}

interface AdditionalIteratorOptions extends ReadOptions {
  /** `nextv` ends early once keys and values are larger than this, in bytes. Default 1 MiB. */
  highWaterMarkBytes?: number | undefined;
}

export interface GetOptions<K, V> extends AbstractGetOptions<K, V>, ReadOptions {}
export interface GetManyOptions<K, V> extends AbstractGetManyOptions<K, V>, ReadOptions {}
export interface HasOptions<K> extends AbstractHasOptions<K>, ReadOptions {}
export interface HasManyOptions<K> extends AbstractHasManyOptions<K>, ReadOptions {}
export interface PutOptions<K, V> extends AbstractPutOptions<K, V>, WriteOptions {}
export interface DelOptions<K> extends AbstractDelOptions<K>, WriteOptions {}
export interface BatchOptions<K, V> extends AbstractBatchOptions<K, V>, WriteOptions {}
export interface ChainedBatchWriteOptions extends AbstractChainedBatchWriteOptions, WriteOptions {}

export interface StartEndOptions<K> {
  /** How `start` and `end` are encoded. Default: as the keys of the database. */
  keyEncoding?: string | Transcoder.PartialEncoder<K> | undefined;
}

export type BatchOperation<TDatabase, K, V> = AbstractBatchOperation<TDatabase, K, V>;
export type Iterator<TDatabase, K, V> = AbstractIterator<TDatabase, K, V>;
export type KeyIterator<TDatabase, K> = AbstractKeyIterator<TDatabase, K>;
export type ValueIterator<TDatabase, K, V> = AbstractValueIterator<TDatabase, K, V>;
export type IteratorOptions<K, V> = AbstractIteratorOptions<K, V> & AdditionalIteratorOptions;
export type KeyIteratorOptions<K> = AbstractKeyIteratorOptions<K> & AdditionalIteratorOptions;
export type ValueIteratorOptions<K, V> = AbstractValueIteratorOptions<K, V> &
  AdditionalIteratorOptions;
export type Snapshot = AbstractSnapshot;
