/** The sequences that somebody reads at: snapshots and iterators. What they see is not dropped. */

import type { View } from './view.ts';

export interface SnapshotEntry {
  readonly sequence: number;
  /** Who holds it and since when (monotonic microseconds), for statistics. */
  readonly holder: string;
  readonly sinceUs: number;
  /** What it looks at, whose tables and memtables it keeps beside what its sequence sees. */
  view: View | undefined;
  /** Told that there are newer ones. */
  reader: { letGoOfOld(): void } | undefined;
}

export class SnapshotList {
  /** Called when one has gone. */
  onRemoved: () => void = () => {};
  readonly #entries = new Set<SnapshotEntry>();

  add(sequence: number, holder: string, sinceUs: number): SnapshotEntry {
    const entry = { sequence, holder, sinceUs, view: undefined, reader: undefined };
    this.#entries.add(entry);
    return entry;
  }

  remove(entry: SnapshotEntry): void {
    if (this.#entries.delete(entry)) this.onRemoved();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Ascending, each once. */
  sequences(): number[] {
    const all = new Set<number>();
    for (const { sequence } of this.#entries) all.add(sequence);
    return [...all].sort((a, b) => a - b);
  }

  /** The lowest of them; Infinity where there is none. */
  oldest(): number {
    let oldest = Infinity;
    for (const { sequence } of this.#entries) oldest = Math.min(oldest, sequence);
    return oldest;
  }

  /** There is a newer view. */
  letGoOfOld(): void {
    for (const { reader } of this.#entries) reader?.letGoOfOld();
  }

  entries(): SnapshotEntry[] {
    return [...this.#entries];
  }
}
