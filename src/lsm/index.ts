/**
 * The disk engine, a library of its own (`kvasir/lsm`): an ordered store of bytes in a directory that LevelDB can open. It knows no clock, file or thread but
 * those that come in with `system`.
 */
export {
  BackupStore,
  type BackupCheck,
  type BackupInfo,
  type BackupOptions,
  type BackupProblem,
  type MadeBackup,
  type RestoreOptions,
} from './backup/backup-store.ts';
export type { Progress, WorkOptions } from './backup/backup-work.ts';
export { openBackups, type BackupStoreOptions } from './backup/open-backups.ts';
export type { CheckpointInfo } from './backup/checkpoint.ts';
export { LsmError, type LsmErrorCode } from './errors.ts';
export type { CompactionStyle, CompactionStyleName } from './compaction/style.ts';
export { Batch, type BatchWriteOptions } from './database/batch.ts';
export { Database, open } from './database/database.ts';
export {
  type ExpiryOptions,
  Keyspace,
  type PutOptions,
  type ReadOptions,
  type WriteOptions,
} from './database/keyspace.ts';
export type { KeyspaceOptions, TtlOptions } from './database/keyspace-options.ts';
export type { KeyPart } from './format/filter-prefix.ts';
export type { OpenOptions } from './database/options.ts';
export { Range, type Entry, type RangeOptions } from './database/range.ts';
export { RangeIterator } from './database/range-iterator.ts';
export type { IngestEntry, IngestInfo, IngestPart } from './ingest/ingestion.ts';
export {
  type TableFileInfo,
  type TableFileOptions,
  TableFileWriter,
} from './ingest/table-file-writer.ts';
export { NOT_CACHED } from './database/read-path.ts';
export { ReadAttempt } from './database/read-attempt.ts';
export { Resources, type ResourcesOptions } from './database/resources.ts';
export { Snapshot } from './database/snapshot.ts';
export type { LevelStats, PinStats, Stats } from './database/stats.ts';
export type { CompactionFilter, FilterContext } from './operators/compaction-filter.ts';
export { decodeCounter, encodeCounter } from './operators/counter.ts';
export type { MergeOperator, MergeOperatorName } from './operators/merge-operator.ts';
export type { ModuleExport } from './operators/module-export.ts';
export {
  openSecondary,
  type RefreshInfo,
  Secondary,
  type SecondaryOptions,
} from './secondary/secondary.ts';
export {
  IndexedBatch,
  type IndexedBatchOptions,
  type Savepoint,
} from './transaction/indexed-batch.ts';
export { OverlayIterator } from './transaction/overlay-iterator.ts';
export { OverlayRange } from './transaction/overlay-range.ts';
export type { TransactOptions } from './transaction/transact.ts';
export { type Isolation, Transaction, type TransactionOptions } from './transaction/transaction.ts';
