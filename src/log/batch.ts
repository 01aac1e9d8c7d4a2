/**
 * How entries are framed in an incremental file, so that a torn, zeroed or rotten tail can be told from data. Redis skips
 * every line that begins with `#`, so the file stays Redis's own.
 *
 *   #KVASIR-AOF 1 <nonce> <position>\r\n                  once, at the start of the file
 *   #KVB <crc> <position> <unsynced> <length>\r\n         a batch: what one tick logged, one write call
 *   #TS:1700000000\r\n                                    only with aof-timestamp-enabled, once a second
 *   *3\r\n$3\r\nSET\r\n...                                whole entries, `length` bytes with the line above
 *   #KVE <crc> <length>\r\n
 *
 * position  13 hexadecimal digits: the shard's log position of the batch's first entry. Timestamp lines do not count, so
 *           each batch begins where the one before it ended
 * unsynced  8 hexadecimal digits: how many bytes of entries before this batch were not known to be synced when it was written (all ones: that
 *           many or more). Damage in front of a batch that knows it synced is no torn tail
 * length    8 hexadecimal digits
 * crc       8 hexadecimal digits: CRC-32 (zlib's) of everything behind it up to the end of the payload, continued from that of the file's
 *           nonce. Nobody who can only store values can guess the nonce (16 hexadecimal digits), so a value that looks like a batch is
 *           never taken for one
 *
 * The first line alone is enough to check a batch: a real Redis that cuts off a torn command also cuts the line
 * that closes the batch before it.
 */
import { crc32 } from 'node:zlib';

export const BATCH_BEGIN_BYTES = 47;
export const BATCH_END_BYTES = 24;
export const TIMESTAMP_BYTES = 16;
export const HEADER_BYTES = 46;

const POSITION_DIGITS = 13;
const WORD_DIGITS = 8;
const NONCE_DIGITS = 16;
const BEGIN = '#KVB ';
const END = '#KVE ';
const HEADER = '#KVASIR-AOF 1 ';
/** Offsets in the line that opens a batch; CRC and length stand at the same places as in the one that closes it. */
const CRC_AT = BEGIN.length;
const POSITION_AT = CRC_AT + WORD_DIGITS + 1;
const UNSYNCED_AT = POSITION_AT + POSITION_DIGITS + 1;
const LENGTH_AT = UNSYNCED_AT + WORD_DIGITS + 1;
const END_LENGTH_AT = CRC_AT + WORD_DIGITS + 1;
const BLANK = 32;
const MAX_WORD = 0xffffffff;

/** The seed of a file's batch checksums. */
export function batchSeed(nonce: string): number {
  return crc32(nonce);
}

export function formatHeader(nonce: string, position: number): Uint8Array {
  return Buffer.from(`${HEADER}${nonce} ${hex(position, POSITION_DIGITS)}\r\n`, 'latin1');
}

/** 16 hexadecimal digits from 8 random bytes. */
export function formatNonce(random: Uint8Array): string {
  return Buffer.from(random.subarray(0, NONCE_DIGITS / 2)).toString('hex');
}

/** The header at `at`, or undefined where there is none. */
export function parseHeader(
  bytes: Uint8Array,
  at: number,
  to: number,
): { nonce: string; position: number } | undefined {
  if (to - at < HEADER_BYTES || !startsWith(bytes, at, to, HEADER)) return undefined;
  const text = ascii(bytes, at, at + HEADER_BYTES);
  const match = /^#KVASIR-AOF 1 ([0-9a-f]{16}) ([0-9a-f]{13})\r\n$/.exec(text);
  return match === null
    ? undefined
    : { nonce: match[1]!, position: Number.parseInt(match[2]!, 16) };
}

/**
 * Frames a batch in place: its payload is `[payload, end)`; the line before goes in front of it, the line after behind it.
 * Both places must be free. `durable`: what was
 * synced of the log. Returns the offset behind the batch. Allocates a view, once a batch.
 */
export function frameBatch(
  bytes: Uint8Array,
  payload: number,
  end: number,
  position: number,
  durable: number,
  seed: number,
): number {
  const length = end - payload;
  const begin = payload - BATCH_BEGIN_BYTES;
  writeText(bytes, begin, BEGIN);
  bytes[begin + POSITION_AT - 1] = BLANK;
  writeHex(bytes, begin + POSITION_AT, position, POSITION_DIGITS);
  bytes[begin + UNSYNCED_AT - 1] = BLANK;
  writeHex(bytes, begin + UNSYNCED_AT, Math.min(position - durable, MAX_WORD), WORD_DIGITS);
  bytes[begin + LENGTH_AT - 1] = BLANK;
  writeHex(bytes, begin + LENGTH_AT, length, WORD_DIGITS);
  writeCrlf(bytes, payload - 2);
  const crc = crc32(bytes.subarray(begin + POSITION_AT, end), seed);
  writeHex(bytes, begin + CRC_AT, crc, WORD_DIGITS);

  writeText(bytes, end, END);
  writeHex(bytes, end + CRC_AT, crc, WORD_DIGITS);
  bytes[end + END_LENGTH_AT - 1] = BLANK;
  writeHex(bytes, end + END_LENGTH_AT, length, WORD_DIGITS);
  return writeCrlf(bytes, end + BATCH_END_BYTES - 2);
}

/** `#TS:<seconds>` at `at`, TIMESTAMP_BYTES long until the year 2286. */
export function writeTimestamp(bytes: Uint8Array, at: number, seconds: number): void {
  writeCrlf(bytes, writeText(bytes, at, `#TS:${String(seconds).padStart(10, '0')}`));
}

/** Bytes of the timestamp line at the start of a payload, 0 where there is none. */
export function timestampBytes(bytes: Uint8Array, at: number, to: number): number {
  return startsWith(bytes, at, to, '#TS:') ? TIMESTAMP_BYTES : 0;
}

/** What the first line of a batch says. One object is filled again and again. */
export class BatchHead {
  position = 0;
  /** What was known to be synced when it was written. */
  durable = 0;
  length = 0;
  crc = 0;

  /** Parses the line at `at`; false where it is none, or not whole. */
  parse(bytes: Uint8Array, at: number, to: number): boolean {
    if (to - at < BATCH_BEGIN_BYTES || !startsWith(bytes, at, to, BEGIN)) return false;
    if (bytes[at + POSITION_AT - 1] !== BLANK) return false; // the checksum begins behind it
    this.crc = parseHex(bytes, at + CRC_AT, WORD_DIGITS);
    this.position = parseHex(bytes, at + POSITION_AT, POSITION_DIGITS);
    const unsynced = parseHex(bytes, at + UNSYNCED_AT, WORD_DIGITS);
    this.length = parseHex(bytes, at + LENGTH_AT, WORD_DIGITS);
    if (this.crc < 0 || this.position < 0 || unsynced < 0 || this.length < 0) return false;
    if (bytes[at + BATCH_BEGIN_BYTES - 2] !== 13 || bytes[at + BATCH_BEGIN_BYTES - 1] !== 10) {
      return false;
    }
    this.durable = unsynced === MAX_WORD ? 0 : this.position - unsynced;
    return true;
  }

  /** Whether the line that closes this batch, whose first line stands at `begin`, stands at `at` of the same bytes. */
  isEnd(bytes: Uint8Array, begin: number, at: number, to: number): boolean {
    if (to - at < BATCH_END_BYTES || !startsWith(bytes, at, to, END)) return false;
    for (let i = 0; i < WORD_DIGITS; i++) {
      if (bytes[at + CRC_AT + i] !== bytes[begin + CRC_AT + i]) return false;
      if (bytes[at + END_LENGTH_AT + i] !== bytes[begin + LENGTH_AT + i]) return false;
    }
    return (
      bytes[at + END_LENGTH_AT - 1] === BLANK &&
      bytes[at + BATCH_END_BYTES - 2] === 13 &&
      bytes[at + BATCH_END_BYTES - 1] === 10
    );
  }
}

/** Where the checksummed bytes begin in the line that opens a batch. */
export const CHECKED_AT: number = POSITION_AT;

/** Whether `[at, to)` begins as a line that opens a batch (only a part of its mark is enough). */
export function looksLikeBegin(bytes: Uint8Array, at: number, to: number): boolean {
  return isPrefix(bytes, at, to, BEGIN);
}

/** The mark to search for when looking for batches behind damage. */
export const BATCH_MARK: Buffer = Buffer.from(BEGIN, 'latin1');

function isPrefix(bytes: Uint8Array, at: number, to: number, text: string): boolean {
  const length = Math.min(text.length, to - at);
  for (let i = 0; i < length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return length > 0;
}

function startsWith(bytes: Uint8Array, at: number, to: number, text: string): boolean {
  return to - at >= text.length && isPrefix(bytes, at, to, text);
}

function ascii(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

function writeCrlf(bytes: Uint8Array, at: number): number {
  bytes[at] = 13;
  bytes[at + 1] = 10;
  return at + 2;
}

function writeHex(bytes: Uint8Array, at: number, value: number, digits: number): number {
  let high = Math.floor(value / 0x1000000);
  let low = value - high * 0x1000000;
  for (let i = at + digits - 1; i >= at; i--) {
    const inLow = at + digits - 1 - i < 6;
    const digit = (inLow ? low : high) & 15;
    if (inLow) low >>>= 4;
    else high = Math.floor(high / 16);
    bytes[i] = digit < 10 ? 48 + digit : 87 + digit;
  }
  return at + digits;
}

/** The digit's value, or -1, by byte. */
const DIGITS: Int8Array = Int8Array.from({ length: 256 }, (_, c) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(c)),
);

/** -1 where a byte is no lower-case hexadecimal digit. */
function parseHex(bytes: Uint8Array, at: number, digits: number): number {
  let high = 0;
  let low = 0;
  let invalid = 0;
  const split = at + digits - 6;
  for (let i = at; i < split; i++) {
    const digit = DIGITS[bytes[i]!]!;
    invalid |= digit;
    high = (high << 4) | digit;
  }
  for (let i = split; i < at + digits; i++) {
    const digit = DIGITS[bytes[i]!]!;
    invalid |= digit;
    low = (low << 4) | digit;
  }
  return invalid < 0 ? -1 : high * 0x1000000 + low;
}
