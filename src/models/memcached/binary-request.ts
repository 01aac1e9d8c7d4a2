/**
 * One request of the binary protocol as offsets into the region it arrived in (facts from memcached's protocol_binary.h):
 *
 *   0   magic 0x80, opcode, key length (16 bits)
 *   4   extras length, data type, reserved (16 bits)
 *   8   body length: extras, key and value (32 bits)
 *   12  opaque (32 bits), which the answer repeats
 *   16  CAS (64 bits)
 *   24  extras, key, value
 *
 * Numbers have their highest byte first.
 */
import { Region } from '../../bytes/region.ts';

export const MAGIC_REQUEST = 0x80;
export const MAGIC_RESPONSE = 0x81;
export const BINARY_HEADER_BYTES = 24;

const EMPTY: Region = Region.allocate(8);

export class BinaryRequest {
  region: Region = EMPTY;
  opcode = 0;
  extrasBytes = 0;
  keyBytes = 0;
  bodyBytes = 0;
  opaque = 0;
  casHigh = 0;
  casLow = 0;
  extrasStart = 0;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** The value is longer than any item may be, or the lengths contradict each other: it is read over. */
  isTooLong = false;

  get valueBytes(): number {
    return this.bodyBytes - this.extrasBytes - this.keyBytes;
  }

  /** The number of 32 bits in the extras at `offset`, unsigned. */
  extra32(offset: number): number {
    return this.region.view.getUint32(this.extrasStart + offset, false);
  }
}
