/** Long work on backups: how far it is, and who may end it. */
import { LsmError } from '../errors.ts';

export interface Progress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface WorkOptions {
  /** Told after every piece of 256 KiB at most. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the work with LsmError ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

export class Work {
  doneBytes = 0;
  totalBytes = 0;
  readonly #options: WorkOptions;

  constructor(options: WorkOptions) {
    this.#options = options;
  }

  /** Throws LsmError ABORTED. */
  did(bytes: number): void {
    this.doneBytes += bytes;
    const { onProgress, signal } = this.#options;
    if (signal?.aborted === true) {
      throw new LsmError('ABORTED', 'given up by its signal', { cause: signal.reason });
    }
    onProgress?.({ doneBytes: this.doneBytes, totalBytes: this.totalBytes });
  }
}
