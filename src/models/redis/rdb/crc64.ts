/**
 * CRC-64 "Jones", as RDB files and DUMP payloads end with: polynomial 0xad93d23594c935a9 reflected, initial value 0, no final xor;
 * of "123456789" it is e9c6d914c4b8d9ca. Two 32-bit halves, eight bytes a step (slicing by eight), no BigInt.
 */

/** Reflected polynomial. */
const POLYNOMIAL_HIGH = 0x95ac9329 | 0;
const POLYNOMIAL_LOW = 0xac4bc9b5 | 0;
const SLICES = 8;

interface Tables {
  readonly high: Int32Array;
  readonly low: Int32Array;
}

/** Table `k` (256 entries from k * 256) advances a byte by k further bytes. */
const TABLES: Tables = makeTables();

function makeTables(): Tables {
  const high = new Int32Array(SLICES * 256);
  const low = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let h = 0;
    let l = byte;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (l & 1) !== 0;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (isOdd) {
        h ^= POLYNOMIAL_HIGH;
        l ^= POLYNOMIAL_LOW;
      }
    }
    high[byte] = h;
    low[byte] = l;
  }
  for (let i = 256; i < SLICES * 256; i++) {
    const h = high[i - 256]!;
    const l = low[i - 256]!;
    const index = l & 255;
    low[i] = ((l >>> 8) | (h << 24)) ^ low[index]!;
    high[i] = (h >>> 8) ^ high[index]!;
  }
  return { high, low };
}

export class Crc64 {
  high = 0;
  low = 0;

  /** Takes `[from, to)` of `bytes` in. */
  update(bytes: Uint8Array, from: number, to: number): void {
    const th = TABLES.high;
    const tl = TABLES.low;
    let h = this.high;
    let l = this.low;
    let i = from;
    for (; i + 8 <= to; i += 8) {
      const a =
        l ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
      const b =
        h ^ (bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24));
      const i0 = 1792 + (a & 255);
      const i1 = 1536 + ((a >>> 8) & 255);
      const i2 = 1280 + ((a >>> 16) & 255);
      const i3 = 1024 + (a >>> 24);
      const i4 = 768 + (b & 255);
      const i5 = 512 + ((b >>> 8) & 255);
      const i6 = 256 + ((b >>> 16) & 255);
      const i7 = b >>> 24;
      h = th[i0]! ^ th[i1]! ^ th[i2]! ^ th[i3]! ^ th[i4]! ^ th[i5]! ^ th[i6]! ^ th[i7]!;
      l = tl[i0]! ^ tl[i1]! ^ tl[i2]! ^ tl[i3]! ^ tl[i4]! ^ tl[i5]! ^ tl[i6]! ^ tl[i7]!;
    }
    for (; i < to; i++) {
      const index = (l ^ bytes[i]!) & 255;
      l = ((l >>> 8) | (h << 24)) ^ tl[index]!;
      h = (h >>> 8) ^ th[index]!;
    }
    this.high = h;
    this.low = l;
  }

  /** Writes the 8 bytes, little endian. */
  write(bytes: Uint8Array, at: number): void {
    for (let i = 0; i < 4; i++) {
      bytes[at + i] = this.low >>> (8 * i);
      bytes[at + 4 + i] = this.high >>> (8 * i);
    }
  }

  /** Whether the 8 bytes at `at` are this checksum, or all zero (not computed by whoever wrote them). */
  matches(bytes: Uint8Array, at: number): boolean {
    let isZero = true;
    let isEqual = true;
    for (let i = 0; i < 8; i++) {
      const word = i < 4 ? this.low : this.high;
      const byte = bytes[at + i]!;
      if (byte !== 0) isZero = false;
      if (byte !== ((word >>> (8 * (i & 3))) & 255)) isEqual = false;
    }
    return isZero || isEqual;
  }
}
