/** A request whose end has not arrived, as far as it is known: its bytes are the first that wait, or in the engine's chunks. */
import type { Region } from '../../bytes/region.ts';
import type { Progress } from '../../bytes/resp-parser.ts';
import { Request } from '../../bytes/resp-request.ts';
import type { MemoryEngine } from '../../memory/index.ts';
import { LargeArguments } from './large-arguments.ts';

export class PartialRequest {
  readonly request: Request;
  readonly progress: Progress = { expected: 0, parsed: 0, at: 0, bulkAt: 0, bulkBytes: 0 };
  /** Arguments that go straight into chunks. */
  large: LargeArguments | undefined = undefined;
  /** Where its first byte was when its offsets were stored. */
  #base = 0;

  constructor(argumentCapacity: number) {
    this.request = new Request(argumentCapacity);
  }

  /** Takes what the parser has found in `request` (its own, or another) at `base`. */
  save(request: Request, found: Progress, base: number): void {
    const own = this.request;
    if (own !== request) {
      own.reserve(found.parsed);
      own.start.set(request.start.subarray(0, found.parsed));
      own.end.set(request.end.subarray(0, found.parsed));
    }
    Object.assign(this.progress, found);
    this.#base = base;
  }

  /** Its bytes lie `shift` further on now. */
  move(shift: number): void {
    if (shift === 0) return;
    const { start, end } = this.request;
    for (let i = 0; i < this.progress.parsed; i++) {
      start[i]! += shift;
      end[i]! += shift;
    }
    this.#base += shift;
  }

  /** The argument whose bytes are missing goes into chunks; those that are there, up to `to` of `region`, are its first. */
  beginLarge(engine: MemoryEngine, region: Region, to: number): void {
    this.large ??= new LargeArguments(engine);
    this.large.begin(this.progress);
    this.large.receive(region, this.#base + this.progress.bulkAt, to);
  }

  /** Takes what belongs to the argument that arrives in chunks; returns where the rest begins. */
  receiveLarge(region: Region, from: number, to: number): number {
    const large = this.large!;
    const next = from + large.receive(region, from, to);
    if (!large.isOpen) large.end(this.request, this.#base, this.progress);
    return next;
  }

  /** It is whole, but runs later: what is in chunks can't be parsed anew, so it is found again as it is. */
  keepWhole(): void {
    const { count, from, to } = this.request;
    this.progress.expected = count;
    this.progress.parsed = count;
    this.progress.at = to - from;
  }
}
