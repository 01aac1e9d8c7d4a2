/** A moment of the database that reads can go back to. Keeps what it sees from being dropped, so close it when it is done with. */
import { LsmError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { PinnedView } from './reader-views.ts';
import type { SnapshotEntry } from './snapshot-list.ts';
import type { View } from './view.ts';

export class Snapshot {
  /** The last write that it sees. */
  readonly sequence: number;
  /** What time it was, in milliseconds since 1970: what had not expired then is there. */
  readonly nowMs: number;
  readonly #engine: Engine;
  #entry: SnapshotEntry | undefined;
  /** Of a database that is followed: what the snapshot sees is there as long as this is. */
  readonly #view: View | undefined;
  /** Taken while a compaction filter, which did not know of it, was deciding on what it sees. */
  readonly #pinned: PinnedView | undefined;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
    this.sequence = engine.lastSequence;
    this.nowMs = engine.nowMs();
    this.#view = engine.isFollowing ? engine.view : undefined;
    this.#entry = engine.snapshots.add(this.sequence, 'snapshot', engine.clock.monotonicUs());
    const isPinned = !engine.isFollowing && engine.background.isFiltering;
    this.#pinned = isPinned ? new PinnedView(engine) : undefined;
    this.#entry.view = this.#pinned?.view;
  }

  get isClosed(): boolean {
    return this.#entry === undefined;
  }

  /** @internal What reads at it look at, in keyspaces that do more than keep values; undefined for what there is by then. */
  get view(): View | undefined {
    return this.#pinned?.view;
  }

  /** No error where it is closed already. Reads that were begun end as they would have. */
  close(): void {
    if (this.#entry === undefined) return;
    this.#engine.snapshots.remove(this.#entry);
    this.#entry = undefined;
    this.#pinned?.letGo();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal Throws TypeError for what is no snapshot, and as `sequenceFor`. */
  static sequenceOf(snapshot: Snapshot, engine: Engine): number {
    if (!(snapshot instanceof Snapshot)) throw new TypeError('snapshot must be a Snapshot');
    return snapshot.sequenceFor(engine);
  }

  /** @internal Throws where it can't be read any more, or is another database's. */
  sequenceFor(engine: Engine): number {
    if (engine !== this.#engine) throw new TypeError('the snapshot is of another database');
    if (this.#entry === undefined) throw new LsmError('CLOSED', 'the snapshot is closed');
    if (this.#view !== undefined && this.#view !== engine.view) {
      throw new LsmError('ABORTED', 'a refresh has ended the snapshot');
    }
    return this.sequence;
  }
}
