/**
 * LZF, the compression of long strings in RDB files: a sequence of
 *
 *   000LLLLL <L + 1 bytes>             literal bytes, at most 32
 *   LLLooooo oooooooo                  repeats L + 2 bytes (L 1 .. 6) from offset + 1 before
 *   111ooooo LLLLLLLL oooooooo         the same, L + 9 bytes
 */
import type { Region } from '../../../bytes/region.ts';

const HASH_BITS = 14;
const MAX_LITERAL = 32;
const MAX_OFFSET = 1 << 13;
const MAX_REPEAT = 264;

export class LzfCompressor {
  /** Where three bytes with this hash were last seen, counted from the first input ever, so that it needs no clearing. */
  readonly #seen = new Float64Array(1 << HASH_BITS);
  #origin = MAX_OFFSET + 1;

  /**
   * Compresses `[from, to)` of `source` to `target` at `at`, where at least `limit` bytes must be free; returns the compressed length, or 0
   * where it would exceed `limit`.
   */
  compress(
    source: Uint8Array,
    from: number,
    to: number,
    target: Uint8Array,
    at: number,
    limit: number,
  ): number {
    const seen = this.#seen;
    // Positions of this input are `origin + index`; those of earlier ones are further back than any offset reaches.
    const origin = this.#origin - from;
    this.#origin += to - from + MAX_OFFSET + 1;
    const end = at + limit;
    let out = at + 1; // the first literal run's control byte
    let literal = 0;
    let i = from;
    while (i + 2 < to) {
      const word = (source[i]! << 16) | (source[i + 1]! << 8) | source[i + 2]!;
      const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
      const candidate = seen[slot]! - origin;
      seen[slot] = origin + i;
      const offset = i - candidate - 1;
      if (
        offset < MAX_OFFSET &&
        candidate >= from &&
        source[candidate] === source[i] &&
        source[candidate + 1] === source[i + 1] &&
        source[candidate + 2] === source[i + 2]
      ) {
        const most = Math.min(to - i, MAX_REPEAT);
        let length = 3;
        while (length < most && source[candidate + length] === source[i + length]) length++;
        if (out + 4 > end) return 0;
        // Closes the run of literals; an empty one has no control byte.
        if (literal > 0) target[out - literal - 1] = literal - 1;
        else out--;
        literal = 0;
        const l = length - 2;
        if (l < 7) target[out++] = (l << 5) | (offset >>> 8);
        else {
          target[out++] = (7 << 5) | (offset >>> 8);
          target[out++] = l - 7;
        }
        target[out++] = offset & 255;
        out++; // the next run's control byte
        i += length;
        continue;
      }
      if (out >= end) return 0;
      target[out++] = source[i++]!;
      if (++literal === MAX_LITERAL) {
        target[out - literal - 1] = MAX_LITERAL - 1;
        literal = 0;
        out++;
      }
    }
    for (; i < to; i++) {
      if (out >= end) return 0;
      target[out++] = source[i]!;
      if (++literal === MAX_LITERAL) {
        target[out - literal - 1] = MAX_LITERAL - 1;
        literal = 0;
        out++;
      }
    }
    if (literal > 0) target[out - literal - 1] = literal - 1;
    else out--;
    return out - at > limit ? 0 : out - at;
  }
}

/** Decompresses `[from, to)` of `source` to exactly `length` bytes of `target` at 0; false where it is no such stream. */
export function lzfDecompress(
  source: Region,
  from: number,
  to: number,
  target: Region,
  length: number,
): boolean {
  const input = source.bytes;
  const output = target.bytes;
  let i = from;
  let out = 0;
  while (i < to) {
    const control = input[i++]!;
    if (control < 32) {
      const count = control + 1;
      if (i + count > to || out + count > length) return false;
      for (let k = 0; k < count; k++) output[out++] = input[i++]!;
      continue;
    }
    let count = (control >>> 5) + 2;
    if (count === 9) {
      if (i >= to) return false;
      count += input[i++]!;
    }
    if (i >= to) return false;
    let back = out - (((control & 31) << 8) | input[i++]!) - 1;
    if (back < 0 || out + count > length) return false;
    for (let k = 0; k < count; k++) output[out++] = output[back++]!;
  }
  return out === length;
}
