/**
 * A job is a flush or a compaction, told in a form that can be sent to another thread: what is merged, where it goes, and what may be dropped.
 * The thread that runs it opens and closes all files itself, and needs nothing of the tree's state but what stands here.
 */
import type { LsmErrorCode } from '../errors.ts';
import type { TableWriteOptions } from '../format/table-options.ts';
import type { MergeOperatorName } from '../operators/merge-operator.ts';
import type { ModuleExport } from '../operators/module-export.ts';
import type { NewFile } from '../manifest/version-edit.ts';

/** One sorted run: a frozen memtable, a table of level 0, or the tables of a sorted level in their order. */
export type JobSource =
  | { readonly kind: 'memtable'; readonly buffer: SharedArrayBuffer }
  | { readonly kind: 'tables'; readonly level: number; readonly files: readonly NewFile[] };

/** User keys, both inclusive. */
export interface KeyRange {
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  /** Of the file that has the range. */
  readonly sizeBytes: number;
}

/** Keys from the first on and before the second, undefined for no end. */
export interface DeadRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array | undefined;
}

export interface KeyspaceJobRules {
  /** What its keys begin with; empty where keys have no prefixes. */
  readonly prefix: Uint8Array;
  /** For messages. */
  readonly name: string;
  readonly mergeOperator: MergeOperatorName | undefined;
  /** Values are in envelopes (expiry.ts). */
  readonly hasExpiries: boolean;
  readonly compactionFilter: ModuleExport | undefined;
}

export interface JobRequest {
  readonly id: number;
  readonly kind: 'flush' | 'compaction';
  readonly directory: string;
  /** Newest first; the order does not matter to the result. */
  readonly sources: readonly JobSource[];
  readonly outputLevel: number;
  /** Numbers that the outputs take, in order, and how many there are: the last output goes on until the end. */
  readonly firstFileNumber: number;
  readonly maxFiles: number;
  /** An output is ended behind this many bytes. */
  readonly targetBytes: number;
  /** Sequences that somebody reads at, ascending. What none of them sees, nor the newest, is dropped. */
  readonly snapshots: readonly number[];
  /** What nobody reads any more, snapshots or not, ascending and disjoint. */
  readonly deadRanges: readonly DeadRange[];
  /** Keyspaces of which not every entry is simply kept, by ascending prefix. */
  readonly rules: readonly KeyspaceJobRules[];
  /** Milliseconds since 1970: what expires until then is dropped. 0: nothing is. */
  readonly nowMs: number;
  /** A flush does not look at what is in the tree, so it drops no deletions. */
  readonly keepsDeletions: boolean;
  /** What the levels below the output level have, a list a level, ascending: a deletion stays where it may hide something there. */
  readonly below: readonly (readonly KeyRange[])[];
  /** The level just below: an output is ended where the next compaction would have to read more than this many bytes of it. */
  readonly maxOverlapBytes: number;
  readonly table: TableWriteOptions;
}

export interface JobResult {
  /** In the order of keys, with facts. Synced, and so is their directory. */
  readonly outputs: readonly NewFile[];
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly entriesRead: number;
  readonly entriesWritten: number;
  readonly durationUs: number;
  /** How often an operator or filter of the user's failed, and what the first one said. */
  readonly operatorFailures: number;
  readonly operatorFailure: string | undefined;
}

/** An error that travels between threads. */
export interface JobFailure {
  readonly code: LsmErrorCode;
  readonly message: string;
  readonly path: string | undefined;
  readonly offset: number | undefined;
}

export interface JobReply {
  readonly id: number;
  readonly result?: JobResult | undefined;
  readonly failure?: JobFailure | undefined;
}

/** Bytes of the tables that a job reads. */
export function inputBytes(request: JobRequest): number {
  let sum = 0;
  for (const source of request.sources) {
    if (source.kind === 'tables') for (const file of source.files) sum += file.sizeBytes;
  }
  return sum;
}
