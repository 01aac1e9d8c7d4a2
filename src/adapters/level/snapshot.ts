/** A moment of the database, for `get` and its like, iterators and `clear`. */
import { AbstractSnapshot } from 'abstract-level';
import type { Snapshot } from '../../lsm/database/snapshot.ts';
import { LevelError } from './level-error.ts';

/** abstract-level's types leave out what its constructor takes. */
const Base = AbstractSnapshot as unknown as new (options: object) => AbstractSnapshot;

export class LevelSnapshot extends Base {
  readonly #snapshot: Snapshot;

  constructor(snapshot: Snapshot, options: object) {
    super(options);
    this.#snapshot = snapshot;
  }

  /** The engine's, of a snapshot that somebody gave as an option. Throws TypeError for what is none of ours, LEVEL_SNAPSHOT_NOT_OPEN. */
  static of(option: AbstractSnapshot | undefined | null): Snapshot | undefined {
    if (option === undefined || option === null) return undefined;
    if (!(option instanceof LevelSnapshot)) {
      throw new TypeError('the snapshot is of another database');
    }
    const snapshot = option.#snapshot;
    if (!snapshot.isClosed) return snapshot;
    const message = 'Snapshot is not open: cannot use snapshot after close()';
    throw new LevelError(message, 'LEVEL_SNAPSHOT_NOT_OPEN');
  }

  /** Called when nobody uses it any more. */
  _close(): Promise<void> {
    this.#snapshot.close();
    return Promise.resolve();
  }
}
