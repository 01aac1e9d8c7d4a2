/** Blocks that reads in CACHED mode missed: signatures. */
export class BlockRequests {
  /** Blocks that are noted. */
  get length(): number {
    throw new Error('not there');
  }

  /** Reads all that is noted, beside the event loop, and pins it until `release`. Rejects with LsmError. */
  load(): Promise<void> {
    throw new Error('not there');
  }

  /** Forgets what is noted and unpins what was loaded. */
  release(): void {
    throw new Error('not there');
  }
}
