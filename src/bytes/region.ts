/**
 * A region is a stretch of off-heap bytes reached two ways: byte by byte and as little-endian words. Received
 * bytes, records and replies are all regions, so that moving data between them is a few word copies and passing
 * data around is passing (region, start, end), never a view or a string.
 */
export class Region {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(
    buffer: ArrayBufferLike,
    byteOffset = 0,
    length: number = buffer.byteLength - byteOffset,
  ) {
    this.bytes = new Uint8Array(buffer, byteOffset, length);
    this.view = new DataView(buffer, byteOffset, length);
  }

  static allocate(sizeBytes: number): Region {
    return new Region(new ArrayBuffer(sizeBytes));
  }

  /** A region over a copy of `source`. */
  static of(source: Uint8Array | string): Region {
    const bytes = typeof source === 'string' ? Buffer.from(source, 'latin1') : source;
    const region = Region.allocate(bytes.length);
    region.bytes.set(bytes);
    return region;
  }
}

/** Above this length one native call beats word moves in JavaScript (measured on Node.js 20: about 128 bytes). */
const WORD_COPY_LIMIT = 128;

/**
 * Copies `length` bytes from `source` at `from` to `target` at `to`. The ranges may overlap only when both
 * regions are the same and `length` exceeds 128 bytes. Bytes never travel as float64: an engine may rewrite NaN bits.
 */
export function copyBytes(
  target: Region,
  to: number,
  source: Region,
  from: number,
  length: number,
): void {
  if (length > WORD_COPY_LIMIT) {
    target.bytes.set(source.bytes.subarray(from, from + length), to);
    return;
  }
  const tv = target.view;
  const sv = source.view;
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    tv.setInt32(to + i, sv.getInt32(from + i, true), true);
    tv.setInt32(to + i + 4, sv.getInt32(from + i + 4, true), true);
    tv.setInt32(to + i + 8, sv.getInt32(from + i + 8, true), true);
    tv.setInt32(to + i + 12, sv.getInt32(from + i + 12, true), true);
  }
  for (; i + 4 <= length; i += 4) tv.setInt32(to + i, sv.getInt32(from + i, true), true);
  for (; i < length; i++) tv.setUint8(to + i, sv.getUint8(from + i));
}

/** Above this length `Buffer.compare` beats a loop over words. */
const WORD_COMPARE_LIMIT = 64;

/** Whether two stretches of `length` bytes hold the same bytes. */
export function equalBytes(
  a: Region,
  aStart: number,
  b: Region,
  bStart: number,
  length: number,
): boolean {
  if (length > WORD_COMPARE_LIMIT) {
    return (
      Buffer.compare(
        a.bytes.subarray(aStart, aStart + length),
        b.bytes.subarray(bStart, bStart + length),
      ) === 0
    );
  }
  const av = a.view;
  const bv = b.view;
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    if (av.getInt32(aStart + i, true) !== bv.getInt32(bStart + i, true)) return false;
    if (av.getInt32(aStart + i + 4, true) !== bv.getInt32(bStart + i + 4, true)) return false;
  }
  for (; i < length; i++) if (av.getUint8(aStart + i) !== bv.getUint8(bStart + i)) return false;
  return true;
}
