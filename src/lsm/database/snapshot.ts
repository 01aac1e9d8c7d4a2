/** A moment of the database that reads can go back to. Keeps what it sees from being dropped, so close it when it is done with. */
import { LsmError } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { SnapshotEntry } from './snapshot-list.ts';
import type { View } from './view.ts';

export class Snapshot {
  /** The last write that it sees. */
  readonly sequence: number;
  readonly #engine: Engine;
  #entry: SnapshotEntry | undefined;
  /** Of a database that is followed: what the snapshot sees is there as long as this is. */
  readonly #view: View | undefined;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
    this.sequence = engine.lastSequence;
    this.#view = engine.isFollowing ? engine.view : undefined;
    this.#entry = engine.snapshots.add(this.sequence, 'snapshot', engine.clock.monotonicUs());
  }

  get isClosed(): boolean {
    return this.#entry === undefined;
  }

  /** No error where it is closed already. Reads that were begun end as they would have. */
  close(): void {
    if (this.#entry === undefined) return;
    this.#engine.snapshots.remove(this.#entry);
    this.#entry = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
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
