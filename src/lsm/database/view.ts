/** What reads of one moment look at: memtables, newest first, and a version. It never changes; a switch of memtables or an installed edit makes a new one. */
import type { Version } from '../version/version.ts';
import type { VersionSet } from '../version/version-set.ts';
import type { HeldMemtable, MemtableList } from './memtable-list.ts';
import type { RetiredBatch } from './retired-tables.ts';

export class View {
  readonly memtables: readonly HeldMemtable[];
  readonly version: Version;
  /** Tables that only readers of older moments see. */
  readonly retired: readonly RetiredBatch[];

  constructor(
    memtables: readonly HeldMemtable[],
    version: Version,
    retired: readonly RetiredBatch[] = NONE,
  ) {
    this.memtables = memtables;
    this.version = version;
    this.retired = retired;
  }

  /** Keeps memtables and files for a read that ends later. */
  retain(memtables: MemtableList, versions: VersionSet): this {
    for (const held of this.memtables) memtables.retain(held);
    versions.retain(this.version);
    for (const batch of this.retired) batch.retain();
    return this;
  }

  release(memtables: MemtableList, versions: VersionSet): void {
    for (const held of this.memtables) memtables.release(held);
    versions.release(this.version);
    for (const batch of this.retired) batch.release();
  }
}

const NONE: readonly RetiredBatch[] = [];
