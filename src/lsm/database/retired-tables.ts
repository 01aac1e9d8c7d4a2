/**
 * Tables that were dropped whole, with entries that somebody still reads: snapshots and iterators that are older than the drop go on seeing them, everybody else does
 * not. In no version any more, they are kept here until the last of those readers has ended.
 *
 * What is dropped so lies over nothing that stays, so it is looked into last.
 */
import type { CompactionInput } from '../compaction/compaction.ts';
import { LevelIndex } from '../version/level-index.ts';
import { compareSmallest, type TableFile } from '../version/table-file.ts';
import type { SnapshotList } from './snapshot-list.ts';

export class RetiredBatch {
  /** Who reads at this sequence or an older one sees the tables. Set when the drop counts. */
  sequence: number = Infinity;
  /** Sorted runs, newest first. */
  readonly indexes: readonly LevelIndex[];
  readonly #files: readonly TableFile[];
  readonly #onObsolete: (file: TableFile) => void;
  #references = 1;

  /** While this exists the files do, so it is made before they are dropped. */
  constructor(inputs: readonly CompactionInput[], onObsolete: (file: TableFile) => void) {
    const runs: LevelIndex[] = [];
    for (const { level, files } of [...inputs].sort((a, b) => a.level - b.level)) {
      if (level > 0) runs.push(new LevelIndex([...files].sort(compareSmallest)));
      else {
        const newestFirst = [...files].sort((a, b) => b.number - a.number);
        for (const file of newestFirst) runs.push(new LevelIndex([file]));
      }
    }
    this.indexes = runs;
    this.#files = inputs.flatMap(({ files }) => files);
    this.#onObsolete = onObsolete;
    for (const file of this.#files) file.references++;
  }

  get fileCount(): number {
    return this.#files.length;
  }

  get sizeBytes(): number {
    return this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  retain(): void {
    this.#references++;
  }

  release(): void {
    this.#references--;
    if (this.#references > 0) return;
    for (const file of this.#files) {
      file.references--;
      if (file.references === 0) this.#onObsolete(file);
    }
  }
}

export class RetiredTables {
  /** Newest first. */
  batches: readonly RetiredBatch[] = [];

  /** The drop counts: `sequence` is the last write before it. */
  add(batch: RetiredBatch, sequence: number, snapshots: SnapshotList): void {
    batch.sequence = sequence;
    this.batches = [batch, ...this.batches];
    this.letGo(snapshots);
  }

  /** Forgets what nobody sees any more. True where there was any. */
  letGo(snapshots: SnapshotList): boolean {
    const [oldest = Infinity] = snapshots.sequences();
    const seen = this.batches.filter(({ sequence }) => oldest <= sequence);
    if (seen.length === this.batches.length) return false;
    const unseen = this.batches.filter((batch) => !seen.includes(batch));
    this.batches = seen;
    for (const batch of unseen) batch.release();
    return true;
  }

  get sizeBytes(): number {
    return this.batches.reduce((sum, batch) => sum + batch.sizeBytes, 0);
  }

  get fileCount(): number {
    return this.batches.reduce((sum, batch) => sum + batch.fileCount, 0);
  }
}
