/** Counters that INFO stats shows; CONFIG RESETSTAT sets most of them to 0. */
export class Stats {
  /** Changes since the last save; not reset. */
  dirty = 0;
  commandsProcessed = 0;
  keyspaceHits = 0;
  keyspaceMisses = 0;
  expiredKeys = 0;
  expiredTimeCapReached = 0;
  evictedKeys = 0;
  errorReplies = 0;
  unexpectedErrorReplies = 0;
  /** Error replies by code (`WRONGTYPE`), as INFO errorstats shows them. */
  readonly errors: Map<string, number> = new Map();
  aclDeniedAuth = 0;
  aclDeniedCommand = 0;

  reset(): void {
    this.commandsProcessed = 0;
    this.keyspaceHits = 0;
    this.keyspaceMisses = 0;
    this.expiredKeys = 0;
    this.expiredTimeCapReached = 0;
    this.evictedKeys = 0;
    this.errorReplies = 0;
    this.unexpectedErrorReplies = 0;
    this.errors.clear();
    this.aclDeniedAuth = 0;
    this.aclDeniedCommand = 0;
  }
}
