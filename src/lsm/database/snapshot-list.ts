/** The sequences that somebody reads at: snapshots and iterators. What they see is not dropped. */

export interface SnapshotEntry {
  readonly sequence: number;
  /** Who holds it and since when (monotonic microseconds), for statistics. */
  readonly holder: string;
  readonly sinceUs: number;
}

export class SnapshotList {
  /** Called when one has gone. */
  onRemoved: () => void = () => {};
  readonly #entries = new Set<SnapshotEntry>();

  add(sequence: number, holder: string, sinceUs: number): SnapshotEntry {
    const entry = { sequence, holder, sinceUs };
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

  entries(): SnapshotEntry[] {
    return [...this.#entries];
  }
}
