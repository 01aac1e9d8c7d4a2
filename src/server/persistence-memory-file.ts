/** A file in memory: written as a sink of pieces, read at any place. For dumps that never see a disk. */
import { Region } from '../bytes/region.ts';
import type { WindowSource } from '../log/file-window.ts';
import type { CountingSink } from '../models/redis/snapshot.ts';

const PIECE_BYTES = 1024 * 1024;

export class MemoryFile implements CountingSink, WindowSource {
  region: Region = Region.allocate(PIECE_BYTES);
  at = 0;
  onPiece: (region: Region, from: number, to: number) => void = () => {};
  /** Full pieces with the offset of each one's first byte. */
  readonly #pieces: { readonly from: number; readonly bytes: Uint8Array }[] = [];
  #before = 0;

  get length(): number {
    return this.#before + this.at;
  }

  reserve(sizeBytes: number): void {
    if (this.at + sizeBytes <= this.region.bytes.length) return;
    this.onPiece(this.region, 0, this.at);
    this.#pieces.push({ from: this.#before, bytes: this.region.bytes.subarray(0, this.at) });
    this.#before += this.at;
    this.region = Region.allocate(PIECE_BYTES);
    this.at = 0;
  }

  read(target: Uint8Array, at: number, length: number, position: number): number {
    const end = Math.min(position + length, this.length);
    for (let from = position; from < end;) {
      const piece = this.#pieceAt(from);
      const part = piece.bytes.subarray(from - piece.from, end - piece.from);
      target.set(part, at + from - position);
      from += part.length;
    }
    return Math.max(0, end - position);
  }

  #pieceAt(position: number): { readonly from: number; readonly bytes: Uint8Array } {
    if (position >= this.#before) {
      return { from: this.#before, bytes: this.region.bytes.subarray(0, this.at) };
    }
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#pieces[middle]!.from <= position) low = middle;
      else high = middle - 1;
    }
    return this.#pieces[low]!;
  }
}
