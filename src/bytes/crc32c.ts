/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), the checksum of LevelDB's blocks and log records, sixteen bytes a step: table n
 * (256 words at 256 n) is the effect of a byte that n more bytes follow. A constant table lets V8 leave out its bounds: 1.5 us for 4 KiB. Where there is
 * WebAssembly longer stretches are copied to its memory and summed there (crc32c-module.ts): 0.6 us, the copy included.
 *
 * LevelDB stores checksums masked, so that a checksum of bytes that hold checksums stays a good one.
 */
import { makeCrcKernel } from './crc32c-module.ts';
import type { Region } from './region.ts';

const POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

const T: Int32Array = makeTables();

/** Holds a block of usual size, or a few of a log. */
const KERNEL = makeCrcKernel(T, 2);
/** From here on the copy and the call pay (measured: at 250 bytes). */
const KERNEL_FROM_BYTES = 320;

function makeTables(): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
    tables[i] = c;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!;
    tables[i] = (before >>> 8) ^ tables[before & 255]!;
  }
  return tables;
}

/** The CRC of `[start, end)`, a uint32; with `crc`, that of bytes whose CRC it is and these behind them. */
export function crc32c(region: Region, start: number, end: number, crc = 0): number {
  return crcBits(region, start, end, crc) >>> 0;
}

/** The same in the form in which it is stored, as an int32: a uint32 that leaves a function is boxed, once a log record. */
export function maskedCrc32c(region: Region, start: number, end: number): number {
  return maskCrc(crcBits(region, start, end, 0)) | 0;
}

function crcBits(region: Region, start: number, end: number, crc: number): number {
  const view = region.view;
  let c = ~crc;
  let at = start;
  if (KERNEL !== undefined && end - start >= KERNEL_FROM_BYTES) {
    const { bytes, start: place, capacity, run } = KERNEL;
    while (end - at >= 16) {
      const length = Math.min(end - at, capacity) & -16;
      bytes.set(region.bytes.subarray(at, at + length), place);
      c = run(place, place + length, c);
      at += length;
    }
  }
  for (const last = end - 16; at <= last; at += 16) {
    const p = view.getInt32(at, true) ^ c;
    const q = view.getInt32(at + 4, true);
    const r = view.getInt32(at + 8, true);
    const s = view.getInt32(at + 12, true);
    c =
      T[3840 + (p & 255)]! ^
      T[3584 + ((p >>> 8) & 255)]! ^
      T[3328 + ((p >>> 16) & 255)]! ^
      T[3072 + (p >>> 24)]! ^
      T[2816 + (q & 255)]! ^
      T[2560 + ((q >>> 8) & 255)]! ^
      T[2304 + ((q >>> 16) & 255)]! ^
      T[2048 + (q >>> 24)]! ^
      T[1792 + (r & 255)]! ^
      T[1536 + ((r >>> 8) & 255)]! ^
      T[1280 + ((r >>> 16) & 255)]! ^
      T[1024 + (r >>> 24)]! ^
      T[768 + (s & 255)]! ^
      T[512 + ((s >>> 8) & 255)]! ^
      T[256 + ((s >>> 16) & 255)]! ^
      T[s >>> 24]!;
  }
  for (; at < end; at++) c = T[(c ^ view.getUint8(at)) & 255]! ^ (c >>> 8);
  return ~c;
}

/** The form in which a checksum is stored. */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

export function unmaskCrc(masked: number): number {
  const rotated = (masked - MASK_DELTA) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
