/**
 * Arguments of one request that are too long to be collected with it: their bytes go from the socket straight into the engine's chunks. In
 * the collected request each leaves a hole,
 *
 *     ... $3\r\nSET\r\n$1\r\nk\r\n$500000000\r\n|$2\r\nEX\r\n ...        | the hole, without the argument's own CRLF
 *
 * and stands in `Request.large`. Memory is taken as bytes arrive, never for what a length claims. An engine that is full takes no more: the
 * rest is read and dropped, and the request is refused.
 */
import type { Region } from '../../bytes/region.ts';
import type { Progress } from '../../bytes/resp-parser.ts';
import type { Request } from '../../bytes/resp-request.ts';
import { EngineFullError, type MemoryEngine, StagedValue } from '../../memory/index.ts';

const CRLF_BYTES = 2;

export class LargeArguments {
  /** The engine had no room for one of them. */
  isRefused = false;
  readonly #engine: MemoryEngine;
  readonly #values: (StagedValue | undefined)[] = [];
  #current: StagedValue | undefined = undefined;
  /** Of the one that arrives: its index, bytes still to come with CRLF, and where its hole is from the request's start. */
  #index = 0;
  #left = 0;
  #hole = 0;

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  /** Bytes held, of all of them. */
  get bytes(): number {
    let sum = 0;
    for (const value of this.#values) sum += value?.bytes ?? 0;
    return sum;
  }

  /** Whether one is arriving. */
  get isOpen(): boolean {
    return this.#current !== undefined;
  }

  /** The argument whose bytes are missing in `found` begins. */
  begin(found: Progress): void {
    this.#current = new StagedValue(this.#engine);
    this.#index = found.parsed;
    this.#values[found.parsed] = this.#current;
    this.#left = found.bulkBytes + CRLF_BYTES;
    this.#hole = found.bulkAt;
  }

  /** Takes what is its own of `[from, to)`; returns how many bytes that was. */
  receive(region: Region, from: number, to: number): number {
    const used = Math.min(to - from, this.#left);
    const end = from + Math.min(used, Math.max(0, this.#left - CRLF_BYTES));
    if (!this.isRefused) this.#append(region, from, end);
    this.#left -= used;
    if (this.#left === 0) this.#current = undefined;
    return used;
  }

  /** Enters the argument that has just ended in `request`, whose first byte is at `base`, and takes `progress` past it. */
  end(request: Request, base: number, progress: Progress): void {
    request.reserve(this.#index + 1);
    request.start[this.#index] = base + this.#hole;
    request.end[this.#index] = base + this.#hole;
    request.large = this.#values;
    progress.parsed = this.#index + 1;
    progress.at = this.#hole;
  }

  /** Frees what no record took. */
  free(): void {
    for (const value of this.#values) value?.free();
    this.#values.length = 0;
    this.#current = undefined;
  }

  #append(region: Region, from: number, to: number): void {
    try {
      this.#current!.append(region, from, to);
    } catch (error) {
      if (!(error instanceof EngineFullError)) throw error;
      this.isRefused = true;
      for (const value of this.#values) value?.free();
    }
  }
}
