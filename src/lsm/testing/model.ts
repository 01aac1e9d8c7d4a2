/** What a database should hold: sorted entries by keyspace, as strings of Latin-1. For tests. */
export type Pairs = readonly (readonly [string, string])[];

export interface Bounds {
  readonly gte?: string;
  readonly gt?: string;
  readonly lt?: string;
  readonly lte?: string;
}

export class Model {
  readonly #spaces: Map<string, Map<string, string>>;

  constructor(spaces: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map()) {
    this.#spaces = new Map([...spaces].map(([name, entries]) => [name, new Map(entries)]));
  }

  /** As it is now, for good. */
  copy(): Model {
    return new Model(this.#spaces);
  }

  #space(name: string): Map<string, string> {
    let space = this.#spaces.get(name);
    if (space === undefined) {
      space = new Map();
      this.#spaces.set(name, space);
    }
    return space;
  }

  get(space: string, key: string): string | undefined {
    return this.#space(space).get(key);
  }

  put(space: string, key: string, value: string): void {
    this.#space(space).set(key, value);
  }

  delete(space: string, key: string): void {
    this.#space(space).delete(key);
  }

  /** The merge operator `append`. */
  append(space: string, key: string, operand: string): void {
    this.put(space, key, (this.get(space, key) ?? '') + operand);
  }

  deleteRange(space: string, from: string, to: string): void {
    const entries = this.#space(space);
    for (const key of entries.keys()) if (key >= from && key < to) entries.delete(key);
  }

  drop(space: string): void {
    this.#spaces.delete(space);
  }

  range(space: string, bounds: Bounds = {}, isReverse = false): Pairs {
    const { gte, gt, lt, lte } = bounds;
    const found = [...this.#space(space)].filter(
      ([key]) =>
        (gte === undefined || key >= gte) &&
        (gt === undefined || key > gt) &&
        (lt === undefined || key < lt) &&
        (lte === undefined || key <= lte),
    );
    found.sort(([a], [b]) => (a < b ? -1 : 1));
    return isReverse ? found.toReversed() : found;
  }
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
export const text = (data: Uint8Array | undefined): string | undefined =>
  data === undefined ? undefined : Buffer.from(data).toString('latin1');
