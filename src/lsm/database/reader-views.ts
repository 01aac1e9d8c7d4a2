/**
 * Which view an iterator looks at. Of a database that this process writes to, the newest: what the iterator's sequence sees is kept in it. Of one that somebody else
 * writes to, who knows nothing of the iterator, the one of its beginning; and so where a compaction filter is under way, which knows of older ones only.
 */
import type { Engine } from './engine.ts';
import type { View } from './view.ts';

export interface ReaderViews {
  readonly view: View;
  /** The iterator is done. */
  readonly letGo: () => void;
}

/** Holds one view. */
export class PinnedView implements ReaderViews {
  readonly view: View;
  readonly #engine: Engine;

  constructor(engine: Engine, view: View = engine.view) {
    this.#engine = engine;
    this.view = engine.retain(view);
  }

  readonly letGo = (): void => {
    this.#engine.releaseView(this.view);
  };
}
