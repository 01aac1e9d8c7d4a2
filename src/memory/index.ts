/** `kvasir/memory`: the in-memory engine as a library. */
export { type ClassUse, NONE, type Ref } from './arena.ts';
export type { CasCounter } from './cas-counter.ts';
export { type EngineOptions, MemoryEngine } from './engine.ts';
export { EngineFullError } from './errors.ts';
export type { EvictionPolicy } from './evictor.ts';
export type { Loan } from './loans.ts';
export { StagedValue } from './staged-value.ts';
export { Keyspace } from './keyspace.ts';
export { LOOK_AHEAD_KEYS, MAX_LENGTH_BYTES } from './limits.ts';
export { LookAhead } from './look-ahead.ts';
export {
  type Bytes,
  MemoryStore,
  type MemoryStoreOptions,
  type SetOptions,
} from './memory-store.ts';
