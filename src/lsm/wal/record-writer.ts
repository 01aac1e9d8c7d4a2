/**
 * Appends records to a log file (record-format.ts) through one buffer, which grows up to its limit: `append` frames a record there, `write`
 * gives the file everything that waits in one call. What is larger than the buffer goes to the file piece by piece meanwhile.
 *
 * `written` is the offset behind the last record that the file was given for sure. After a failed write the file may hold anything behind it:
 * `cutBack` removes that and forgets what waited, or throws, and then the file can't be used any more.
 */
import { copyBytes, Region } from '../../bytes/region.ts';
import { maskedCrc32c } from '../../bytes/crc32c.ts';
import type { OpenFile } from '../../os/file-system.ts';
import { LOG_BUFFER_BYTES } from '../limits.ts';
import {
  FRAGMENT_FIRST,
  FRAGMENT_FULL,
  FRAGMENT_LAST,
  FRAGMENT_MIDDLE,
  LOG_BLOCK_BYTES,
  RECORD_HEADER_BYTES,
} from './record-format.ts';

const TYPE_AT = 6;
/** Manifests and prepared logs need no more. */
const FIRST_BUFFER_BYTES = 1024;

export class RecordWriter {
  readonly file: OpenFile;
  /** Offset behind all records appended. */
  position: number;
  /** Offset behind the records that `write` has given to the file. */
  written: number;
  #buffer: Region = Region.allocate(FIRST_BUFFER_BYTES);
  /** Bytes waiting in the buffer, and where in the file they begin. */
  #used = 0;
  #origin: number;

  /** Goes on at `position` of `file`, behind which there is nothing or zeros. */
  constructor(file: OpenFile, position: number) {
    this.file = file;
    this.position = position;
    this.written = position;
    this.#origin = position;
  }

  /** Bytes appended that no `write` has given to the file. */
  get pendingBytes(): number {
    return this.position - this.written;
  }

  /** Appends `[start, end)` as one record. Throws FileError where it is larger than the buffer and the file does not take it. */
  append(region: Region, start: number, end: number): void {
    for (let isFirst = true; ; isFirst = false) {
      const left = LOG_BLOCK_BYTES - (this.position % LOG_BLOCK_BYTES);
      if (left < RECORD_HEADER_BYTES) this.#pad(left);
      const room = LOG_BLOCK_BYTES - RECORD_HEADER_BYTES - (this.position % LOG_BLOCK_BYTES);
      const length = Math.min(room, end - start);
      const isLast = length === end - start;
      this.#fragment(fragmentType(isFirst, isLast), region, start, length);
      if (isLast) return;
      start += length;
    }
  }

  /** Gives the file all that waits. Throws FileError. */
  write(): void {
    this.#spill();
    this.written = this.position;
  }

  /** Zeroes room behind what was written, up to `end` of the file. Nothing may be waiting. Throws FileError, and no record is lost then. */
  zero(end: number): void {
    const zeros = new Uint8Array(Math.min(LOG_BUFFER_BYTES, end - this.written));
    for (let at = this.written; at < end; at += zeros.length) {
      this.file.write(zeros, 0, Math.min(zeros.length, end - at), at);
    }
  }

  /** After a failed `append` or `write`: the file ends at `written` again. Throws FileError. */
  cutBack(): void {
    this.#used = 0;
    this.#origin = this.written;
    this.position = this.written;
    this.file.truncate(this.written);
  }

  #fragment(type: number, region: Region, start: number, length: number): void {
    const size = RECORD_HEADER_BYTES + length;
    this.#makeRoom(size);
    const buffer = this.#buffer;
    const at = this.#used;
    const payload = at + RECORD_HEADER_BYTES;
    copyBytes(buffer, payload, region, start, length);
    const view = buffer.view;
    view.setUint8(at + TYPE_AT, type);
    view.setUint16(at + 4, length, true);
    view.setInt32(at, maskedCrc32c(buffer, at + TYPE_AT, payload + length), true);
    this.#used += size;
    this.position += size;
  }

  #pad(length: number): void {
    this.#makeRoom(length);
    this.#buffer.bytes.fill(0, this.#used, this.#used + length);
    this.#used += length;
    this.position += length;
  }

  #makeRoom(size: number): void {
    if (this.#used + size > LOG_BUFFER_BYTES) this.#spill();
    const needed = this.#used + size;
    if (needed <= this.#buffer.bytes.length) return;
    const capacity = Math.max(needed, Math.min(LOG_BUFFER_BYTES, 2 * this.#buffer.bytes.length));
    const buffer = Region.allocate(capacity);
    copyBytes(buffer, 0, this.#buffer, 0, this.#used);
    this.#buffer = buffer;
  }

  #spill(): void {
    if (this.#used === 0) return;
    this.file.write(this.#buffer.bytes, 0, this.#used, this.#origin);
    this.#origin += this.#used;
    this.#used = 0;
  }
}

function fragmentType(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? FRAGMENT_FULL : FRAGMENT_FIRST;
  return isLast ? FRAGMENT_LAST : FRAGMENT_MIDDLE;
}
