/**
 * Finds requests of the binary protocol (models/memcached/binary-request.ts) in received bytes, without copying. Answers as the text parser does;
 * FAILED is a request that does not begin with the protocol's magic byte.
 */
import type { Region } from '../../bytes/region.ts';
import { COMPLETE, FAILED, INCOMPLETE } from '../../bytes/resp-parser.ts';
import {
  BINARY_HEADER_BYTES,
  type BinaryRequest,
  MAGIC_REQUEST,
} from '../../models/memcached/binary-request.ts';
import { UNAUTHENTICATED_BLOCK_BYTES } from './limits.ts';

export class BinaryParser {
  next = 0;
  needBytes = 0;
  skipBytes = 0;
  /** The longest value that is waited for: no item is larger. */
  maxValueBytes: number = 1024 * 1024;

  parse(
    region: Region,
    from: number,
    to: number,
    request: BinaryRequest,
    isAuthenticated: boolean,
  ): number {
    const { bytes, view } = region;
    if (bytes[from] !== MAGIC_REQUEST) return FAILED;
    if (to - from < BINARY_HEADER_BYTES) {
      this.needBytes = BINARY_HEADER_BYTES;
      return INCOMPLETE;
    }
    request.region = region;
    request.opcode = bytes[from + 1]!;
    request.keyBytes = view.getUint16(from + 2, false);
    request.extrasBytes = bytes[from + 4]!;
    request.bodyBytes = view.getUint32(from + 8, false);
    request.opaque = view.getInt32(from + 12, true);
    request.casHigh = view.getInt32(from + 16, false);
    request.casLow = view.getInt32(from + 20, false);
    const { valueBytes } = request;
    const max = isAuthenticated ? this.maxValueBytes : UNAUTHENTICATED_BLOCK_BYTES;
    request.isTooLong = valueBytes > max;
    this.skipBytes = 0;
    // Lengths that contradict each other: there is nothing to go by.
    if (valueBytes < 0) {
      this.next = from + BINARY_HEADER_BYTES;
      return COMPLETE;
    }
    const keyEnd = from + BINARY_HEADER_BYTES + request.extrasBytes + request.keyBytes;
    const end = request.isTooLong ? keyEnd : keyEnd + valueBytes;
    if (end > to) {
      this.needBytes = end - from;
      return INCOMPLETE;
    }
    request.extrasStart = from + BINARY_HEADER_BYTES;
    request.keyStart = request.extrasStart + request.extrasBytes;
    request.keyEnd = keyEnd;
    request.valueStart = keyEnd;
    request.valueEnd = end;
    this.next = end;
    if (request.isTooLong) this.skipBytes = valueBytes;
    return COMPLETE;
  }
}
