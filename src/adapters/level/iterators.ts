/**
 * abstract-level's iterators over entries, keys and values: it keeps count, order of calls and encodings, and a Walk finds what they give. The walk is there
 * before the iterator: the database closes all iterators that were begun.
 */
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level';
import type { Formatted } from './formats.ts';
import type { Later } from './store.ts';
import type { Walk } from './walk.ts';

type Item = Formatted | undefined;
export type Entry = [key: Item, value: Item];

export class LevelIterator<TDatabase, K, V> extends AbstractIterator<TDatabase, K, V> {
  readonly #walk: Walk<Entry>;

  constructor(db: TDatabase, options: object, walk: Walk<Entry>) {
    super(db, options);
    this.#walk = walk;
  }

  _next(): Later<Entry | undefined> {
    return this.#walk.next();
  }

  _nextv(size: number): Later<Entry[]> {
    return this.#walk.nextv(size);
  }

  _seek(target: Formatted): void {
    this.#walk.seek(target);
  }

  _close(): Promise<void> {
    this.#walk.close();
    return Promise.resolve();
  }
}

export class LevelKeyIterator<TDatabase, K> extends AbstractKeyIterator<TDatabase, K> {
  readonly #walk: Walk<Item>;

  constructor(db: TDatabase, options: object, walk: Walk<Item>) {
    super(db, options);
    this.#walk = walk;
  }

  _next(): Later<Item> {
    return this.#walk.next();
  }

  _nextv(size: number): Later<Item[]> {
    return this.#walk.nextv(size);
  }

  _seek(target: Formatted): void {
    this.#walk.seek(target);
  }

  _close(): Promise<void> {
    this.#walk.close();
    return Promise.resolve();
  }
}

export class LevelValueIterator<TDatabase, K, V> extends AbstractValueIterator<TDatabase, K, V> {
  readonly #walk: Walk<Item>;

  constructor(db: TDatabase, options: object, walk: Walk<Item>) {
    super(db, options);
    this.#walk = walk;
  }

  _next(): Later<Item> {
    return this.#walk.next();
  }

  _nextv(size: number): Later<Item[]> {
    return this.#walk.nextv(size);
  }

  _seek(target: Formatted): void {
    this.#walk.seek(target);
  }

  _close(): Promise<void> {
    this.#walk.close();
    return Promise.resolve();
  }
}
