/** Counters that INFO shows; CONFIG RESETSTAT sets most of them to 0. */
import type { RespWriter } from '../../bytes/resp-writer.ts';
import { RateMeter } from './rate-meter.ts';

/** Totals of the socket layer, which only grow; CONFIG RESETSTAT moves the mark from which INFO counts. */
export interface NetworkTotals {
  inputBytes: number;
  outputBytes: number;
  reads: number;
  writes: number;
  connectionsReceived: number;
  rejectedConnections: number;
  evictedClients: number;
}

const NO_TRAFFIC: NetworkTotals = {
  inputBytes: 0,
  outputBytes: 0,
  reads: 0,
  writes: 0,
  connectionsReceived: 0,
  rejectedConnections: 0,
  evictedClients: 0,
};

/** Of an error text without a blank Redis can't tell the code. */
const CODE_LIMIT = 32;

export class Stats {
  /** Changes since the last save; not reset. */
  dirty = 0;
  commandsProcessed = 0;
  keyspaceHits = 0;
  keyspaceMisses = 0;
  expiredKeys = 0;
  expiredTimeCapReached = 0;
  /** Microseconds spent on deleting keys that were due. */
  expireCycleUs = 0;
  evictedKeys = 0;
  errorReplies = 0;
  unexpectedErrorReplies = 0;
  /** Error replies by code (`WRONGTYPE`), as INFO errorstats shows them. */
  readonly errors: Map<string, number> = new Map();
  /** `errorCount` of the reply writer up to which errors are counted here. */
  errorsSeen = 0;
  /** Refused AUTHs; not reset, as in Redis. */
  aclDeniedAuth = 0;
  aclDeniedCommand = 0;

  /** Turns of the event loop that had work, and the microseconds of that work. */
  loopCycles = 0;
  loopUs = 0;
  loopMaxUs = 0;
  loopMaxCommands = 0;
  /**
   * The longest time spent in one go on work that no request asked for (expiry, resizing, freeing, snapshots), in microseconds. Of expiry and snapshots
   * the CPU time where that is less: a slice during which the system ran somebody else is not a long slice.
   */
  longestOwnWorkUs = 0;
  /** Microseconds of work that a timer, not a client, caused. */
  cronUs = 0;
  /** Microseconds spent on handing the log's entries to the kernel. */
  logUs = 0;
  #commandsAtCycle = 0;

  /** The most memory ever in use, in bytes; not reset. */
  peakBytes = 0;
  /** Memory in use before any data was there, in bytes: the fixed part of `used_memory`. */
  startupBytes = 0;
  networkMark: NetworkTotals = NO_TRAFFIC;
  lazyFreedMark = 0;

  readonly commandRate: RateMeter = new RateMeter();
  readonly inputRate: RateMeter = new RateMeter();
  readonly outputRate: RateMeter = new RateMeter();
  readonly loopRate: RateMeter = new RateMeter();

  /** Counts the errors that were written since the last look. */
  countErrors(reply: RespWriter): void {
    const count = reply.errorCount - this.errorsSeen;
    if (count <= 0) return;
    this.errorsSeen = reply.errorCount;
    const text = reply.lastError;
    const blank = text.slice(0, CODE_LIMIT).indexOf(' ');
    const code = blank < 0 ? 'ERR' : text.slice(0, blank);
    this.errorReplies += count;
    this.errors.set(code, (this.errors.get(code) ?? 0) + count);
  }

  /** Work that no request asked for took `microseconds` in one go. */
  noteOwnWork(microseconds: number): void {
    if (microseconds > this.longestOwnWorkUs) this.longestOwnWorkUs = microseconds;
  }

  /** A turn of the event loop is over that worked for `microseconds`. */
  endCycle(microseconds: number): void {
    this.loopCycles++;
    this.loopUs += microseconds;
    if (microseconds > this.loopMaxUs) this.loopMaxUs = microseconds;
    const commands = this.commandsProcessed - this.#commandsAtCycle;
    this.#commandsAtCycle = this.commandsProcessed;
    if (commands > this.loopMaxCommands) this.loopMaxCommands = commands;
  }

  /** Feeds the rates of the last seconds. Call it about every 100 ms, with the time of a monotonic clock. */
  sample(nowUs: number, network: NetworkTotals): void {
    this.commandRate.sample(this.commandsProcessed, nowUs);
    this.inputRate.sample(network.inputBytes, nowUs);
    this.outputRate.sample(network.outputBytes, nowUs);
    this.loopRate.sample(this.loopCycles, nowUs);
  }

  /** CONFIG RESETSTAT; `network` and `lazyFreed` are what the totals stand at. */
  reset(network: NetworkTotals, lazyFreed: number): void {
    this.commandsProcessed = 0;
    this.keyspaceHits = 0;
    this.keyspaceMisses = 0;
    this.expiredKeys = 0;
    this.expiredTimeCapReached = 0;
    this.expireCycleUs = 0;
    this.evictedKeys = 0;
    this.errorReplies = 0;
    this.unexpectedErrorReplies = 0;
    this.errors.clear();
    this.loopCycles = 0;
    this.loopUs = 0;
    this.loopMaxUs = 0;
    this.longestOwnWorkUs = 0;
    this.loopMaxCommands = 0;
    this.cronUs = 0;
    this.logUs = 0;
    this.#commandsAtCycle = 0;
    this.networkMark = { ...network };
    this.lazyFreedMark = lazyFreed;
    this.commandRate.reset();
    this.inputRate.reset();
    this.outputRate.reset();
    this.loopRate.reset();
  }
}
