/** `stats detail`: gets, hits, sets and deletes by the part of a key in front of a delimiter. Off unless asked for. */
import { latin1 } from '../../bytes/resp-request.ts';
import type { Region } from '../../bytes/region.ts';

/** Prefixes come from outside: further ones are counted together, under this name. */
const MAX_PREFIXES = 10_000;
const OTHERS = '*';

interface Counts {
  gets: number;
  hits: number;
  sets: number;
  deletes: number;
}

export class Prefixes {
  isOn = false;
  readonly #counts: Map<string, Counts> = new Map();
  readonly #delimiter: string;

  /** What stands in front of `delimiter`, a character or several, is a key's prefix. */
  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  get(region: Region, start: number, end: number, isHit: boolean): void {
    const counts = this.#of(region, start, end);
    if (counts === undefined) return;
    counts.gets++;
    if (isHit) counts.hits++;
  }

  set(region: Region, start: number, end: number): void {
    const counts = this.#of(region, start, end);
    if (counts !== undefined) counts.sets++;
  }

  delete(region: Region, start: number, end: number): void {
    const counts = this.#of(region, start, end);
    if (counts !== undefined) counts.deletes++;
  }

  reset(): void {
    this.#counts.clear();
  }

  /** `PREFIX p get n hit n set n del n`, a line each. */
  lines(): string[] {
    return [...this.#counts].map(
      ([prefix, n]) =>
        `PREFIX ${prefix} get ${n.gets} hit ${n.hits} set ${n.sets} del ${n.deletes}`,
    );
  }

  #of(region: Region, start: number, end: number): Counts | undefined {
    const key = latin1(region, start, end);
    const at = key.indexOf(this.#delimiter);
    if (at < 0) return undefined;
    let prefix = key.slice(0, at);
    if (!this.#counts.has(prefix) && this.#counts.size >= MAX_PREFIXES) prefix = OTHERS;
    let counts = this.#counts.get(prefix);
    if (counts === undefined) {
      counts = { gets: 0, hits: 0, sets: 0, deletes: 0 };
      this.#counts.set(prefix, counts);
    }
    return counts;
  }
}
