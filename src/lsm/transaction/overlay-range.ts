/** A range with writes laid over it that are not in the database yet, to be iterated as often as wanted: see Range. */
import type { Engine } from '../database/engine.ts';
import type { Keyspace } from '../database/keyspace.ts';
import { IterableRange, type RangeOptions } from '../database/range.ts';
import { type OnLeft, type Overlay, OverlayIterator } from './overlay-iterator.ts';

export class OverlayRange extends IterableRange {
  readonly #engine: Engine;
  readonly #keyspace: Keyspace;
  readonly #options: RangeOptions;
  readonly #overlay: Overlay;
  readonly #begin: () => OnLeft;

  /** @internal */
  constructor(
    engine: Engine,
    keyspace: Keyspace,
    options: RangeOptions,
    overlay: Overlay,
    begin: () => OnLeft = () => () => {},
  ) {
    super();
    this.#engine = engine;
    this.#keyspace = keyspace;
    this.#options = options;
    this.#overlay = overlay;
    this.#begin = begin;
  }

  /** An iterator that stands before the range's first entry and sees database and writes as they are now. Close it. */
  override iterator(): OverlayIterator {
    const onLeft = this.#begin();
    return new OverlayIterator(this.#engine, this.#keyspace, this.#options, this.#overlay, onLeft);
  }
}
