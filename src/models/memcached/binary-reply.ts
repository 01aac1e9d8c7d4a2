/** The answers of the binary protocol: a header as in binary-request.ts with a status in place of the reserved bytes, then extras, key and value. */
import type { Region } from '../../bytes/region.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import { BINARY_HEADER_BYTES, type BinaryRequest, MAGIC_RESPONSE } from './binary-request.ts';

export const STATUS = {
  ok: 0,
  notFound: 1,
  exists: 2,
  tooLarge: 3,
  invalid: 4,
  notStored: 5,
  notNumeric: 6,
  authError: 0x20,
  authContinue: 0x21,
  unknownCommand: 0x81,
  outOfMemory: 0x82,
} as const;

/** What an error's answer says, as memcached words it. */
const TEXTS: ReadonlyMap<number, string> = new Map([
  [STATUS.notFound, 'Not found'],
  [STATUS.exists, 'Data exists for key.'],
  [STATUS.tooLarge, 'Too large.'],
  [STATUS.invalid, 'Invalid arguments'],
  [STATUS.notStored, 'Not stored.'],
  [STATUS.notNumeric, 'Non-numeric server-side value for incr or decr'],
  [STATUS.authError, 'Auth failure.'],
  [STATUS.unknownCommand, 'Unknown command'],
  [STATUS.outOfMemory, 'Out of memory'],
]);

/** A header; what it announces must follow. */
export function writeHeader(
  writer: RespWriter,
  request: BinaryRequest,
  status: number,
  extrasBytes: number,
  keyBytes: number,
  valueBytes: number,
  casHigh: number,
  casLow: number,
): void {
  writer.reserve(BINARY_HEADER_BYTES + extrasBytes);
  const { view } = writer.region;
  const { at } = writer;
  view.setUint8(at, MAGIC_RESPONSE);
  view.setUint8(at + 1, request.opcode);
  view.setUint16(at + 2, keyBytes, false);
  view.setUint8(at + 4, extrasBytes);
  view.setUint8(at + 5, 0);
  view.setUint16(at + 6, status, false);
  view.setUint32(at + 8, extrasBytes + keyBytes + valueBytes, false);
  view.setInt32(at + 12, request.opaque, true);
  view.setInt32(at + 16, casHigh, false);
  view.setInt32(at + 20, casLow, false);
  writer.at = at + BINARY_HEADER_BYTES;
}

/** An answer without a body. */
export function writeEmpty(
  writer: RespWriter,
  request: BinaryRequest,
  casHigh: number,
  casLow: number,
): void {
  writeHeader(writer, request, STATUS.ok, 0, 0, 0, casHigh, casLow);
}

export function writeError(
  writer: RespWriter,
  request: BinaryRequest,
  status: number,
  text: string = TEXTS.get(status) ?? '',
): void {
  writeHeader(writer, request, status, 0, 0, text.length, 0, 0);
  writer.rawText(text);
}

/** An answer whose value is `text`, under a key that may be ''. */
export function writeText(
  writer: RespWriter,
  request: BinaryRequest,
  key: string,
  text: string,
): void {
  writeHeader(writer, request, STATUS.ok, 0, key.length, text.length, 0, 0);
  writer.rawText(key);
  writer.rawText(text);
}

/** A number of 64 bits as the answer's value. */
export function writeNumber(
  writer: RespWriter,
  request: BinaryRequest,
  high: number,
  low: number,
  casHigh: number,
  casLow: number,
): void {
  writeHeader(writer, request, STATUS.ok, 0, 0, 8, casHigh, casLow);
  writer.reserve(8);
  writer.region.view.setInt32(writer.at, high, false);
  writer.region.view.setInt32(writer.at + 4, low, false);
  writer.at += 8;
}

/** Bytes of the request, a key, behind a header that announced them. */
export function writeKey(writer: RespWriter, region: Region, start: number, end: number): void {
  writer.raw(region, start, end - start);
}
