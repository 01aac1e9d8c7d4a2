/** Bytes that lie in several places. */
import type { Region } from './region.ts';

export interface ChunkedBytes {
  readonly length: number;
  /** Calls `visit` with the spans that make up bytes `[from, to)`, in order. */
  each(from: number, to: number, visit: (region: Region, start: number, end: number) => void): void;
}
