/** `kvasir/level`: Kvasir's disk engine as an abstract-level database, in the place of classic-level. */
export { LevelChainedBatch as ChainedBatch } from './chained-batch.ts';
export { KvasirLevel } from './kvasir-level.ts';
export { LevelError } from './level-error.ts';
export type { DatabaseOptions, OpenOptions } from './options.ts';
export type * from './types.ts';
