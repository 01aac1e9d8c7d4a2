/** What `stats` counts since the start or since `stats reset`. */
export class Statistics {
  getHits = 0;
  getMisses = 0;
  /** Misses of an item whose time had come just then. */
  getExpired = 0;
  getFlushed = 0;
  setCommands = 0;
  flushCommands = 0;
  touchHits = 0;
  touchMisses = 0;
  metaCommands = 0;
  deleteHits = 0;
  deleteMisses = 0;
  incrementHits = 0;
  incrementMisses = 0;
  decrementHits = 0;
  decrementMisses = 0;
  casHits = 0;
  casMisses = 0;
  casBadValue = 0;
  tooLarge = 0;
  noMemory = 0;
  authCommands = 0;
  authErrors = 0;
  idleKicks = 0;
  totalItems = 0;
  totalConnections = 0;
  rejectedConnections = 0;
  /** What the model's own counters stood at: `stats reset` begins there. */
  evictionsMark = 0;
  expiredMark = 0;

  get getCommands(): number {
    return this.getHits + this.getMisses;
  }

  get touchCommands(): number {
    return this.touchHits + this.touchMisses;
  }

  /** `stats reset`; the marks are what the model's counters stand at. */
  reset(evictions: number, expired: number): void {
    Object.assign(this, new Statistics());
    this.evictionsMark = evictions;
    this.expiredMark = expired;
  }
}
