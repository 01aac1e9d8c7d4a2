/** Counters of one database since it was opened. */
export class Counters {
  entriesWritten = 0;
  /** Keys and values, as callers gave them. */
  bytesWritten = 0;
  syncs = 0;
  gets = 0;
  flushes = 0;
  flushedBytes = 0;
  compactions = 0;
  moves = 0;
  compactionReadBytes = 0;
  compactionWrittenBytes = 0;
  /** Microseconds that jobs ran. */
  flushUs = 0;
  compactionUs = 0;
  /** How often and for how long writers were slowed down, and stopped. */
  slowdowns = 0;
  slowdownUs = 0;
  stops = 0;
  stopUs = 0;
  longestStopUs = 0;
}
