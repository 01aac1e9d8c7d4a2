import type { ChunkedBytes } from './chunked-bytes.ts';
import { Region } from './region.ts';

/**
 * One request as offsets into the region it arrived in: argument `i` is the bytes `[start[i], end[i])` of `region`.
 * A request is filled by the parser and read by a handler; its bytes die when the handler returns, so whatever
 * outlives it must be copied.
 */
export class Request {
  region: Region;
  start: Int32Array;
  end: Int32Array;
  /** Arguments, the command's name included. */
  count: number;
  /** The request as it came, `[from, to)` of `region`: RESP for a multibulk request, a bare line for an inline one. */
  from: number;
  to: number;
  isInline: boolean;
  /**
   * Arguments that came in chunks, by index; their `start` and `end` are the same place, between what is around them. Only commands that say
   * that they take them (`CommandSpec.chunks`) see any.
   */
  large: (ChunkedBytes | undefined)[] | undefined;

  constructor(argumentCapacity = 64) {
    this.region = EMPTY;
    this.start = new Int32Array(argumentCapacity);
    this.end = new Int32Array(argumentCapacity);
    this.count = 0;
    this.from = 0;
    this.to = 0;
    this.isInline = false;
    this.large = undefined;
  }

  /** Makes room for `count` arguments; offsets already stored are kept. */
  reserve(count: number): void {
    if (count <= this.start.length) return;
    let capacity = this.start.length * 2;
    while (capacity < count) capacity *= 2;
    const start = new Int32Array(capacity);
    const end = new Int32Array(capacity);
    start.set(this.start);
    end.set(this.end);
    this.start = start;
    this.end = end;
  }

  length(i: number): number {
    const large = this.large?.[i];
    return large === undefined ? this.end[i]! - this.start[i]! : large.length;
  }

  /** Argument `i` as a string of one character a byte. Allocates: not for keys on hot paths. */
  text(i: number): string {
    return latin1(this.region, this.start[i]!, this.end[i]!);
  }

  /** Argument `i` copied into memory of its own. */
  copy(i: number): Uint8Array {
    return this.region.bytes.slice(this.start[i], this.end[i]);
  }

  /** Whether argument `i` is `word` (given in upper case ASCII), in any case. Allocates nothing. */
  is(i: number, word: string): boolean {
    const at = this.start[i]!;
    if (this.end[i]! - at !== word.length) return false;
    const bytes = this.region.bytes;
    for (let j = 0; j < word.length; j++) {
      let c = bytes[at + j]!;
      if (c >= 97 && c <= 122) c -= 32;
      if (c !== word.charCodeAt(j)) return false;
    }
    return true;
  }

  /** The same request, every argument in one piece. Throws RangeError where there is no memory for that. */
  gathered(): Request {
    const lengths = Array.from({ length: this.count }, (_, i) => this.length(i));
    const heads = lengths.map((length) => Buffer.from(`$${length}\r\n`));
    const first = Buffer.from(`*${this.count}\r\n`);
    const size = lengths.reduce((sum, n, i) => sum + heads[i]!.length + n + 2, first.length);
    const whole = new Request(this.count);
    const region = Region.allocate(size);
    const { bytes } = region;
    bytes.set(first);
    let at = first.length;
    for (let i = 0; i < this.count; i++) {
      bytes.set(heads[i]!, at);
      at += heads[i]!.length;
      whole.start[i] = at;
      const large = this.large?.[i];
      if (large === undefined) {
        bytes.set(this.region.bytes.subarray(this.start[i], this.end[i]), at);
        at += lengths[i]!;
      } else {
        large.each(0, large.length, (from, start, end) => {
          bytes.set(from.bytes.subarray(start, end), at);
          at += end - start;
        });
      }
      whole.end[i] = at;
      bytes.set(CRLF, at);
      at += 2;
    }
    whole.region = region;
    whole.count = this.count;
    whole.to = size;
    return whole;
  }

  /** Fills this request with `args`, each copied, as if they had been received. For replay, tests and embedding. */
  fill(args: readonly (Uint8Array | string)[]): this {
    const parts = args.map((a) => (typeof a === 'string' ? Buffer.from(a) : a));
    const chunks: Uint8Array[] = [Buffer.from(`*${parts.length}\r\n`)];
    let at = chunks[0]!.length;
    this.reserve(parts.length);
    for (const [i, part] of parts.entries()) {
      const head = Buffer.from(`$${part.length}\r\n`);
      chunks.push(head, part, CRLF);
      this.start[i] = at + head.length;
      this.end[i] = at + head.length + part.length;
      at += head.length + part.length + 2;
    }
    this.region = Region.of(Buffer.concat(chunks));
    this.count = parts.length;
    this.from = 0;
    this.to = at;
    this.isInline = false;
    return this;
  }
}

const EMPTY = Region.allocate(8);
const CRLF = Buffer.from('\r\n');

/** Bytes `[start, end)` as a string of one character a byte. */
export function latin1(region: Region, start: number, end: number): string {
  const bytes = region.bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
