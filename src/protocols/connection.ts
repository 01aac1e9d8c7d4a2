/**
 * One client, whatever it speaks: keeps what arrives until its protocol (`run`) has made requests of it, and sends what the outbox releases.
 *
 * Input. A read lands in the region that all plain sockets share. Requests run straight from there; what remains of an incomplete one
 * is kept: a short rest is copied in front of the next read, a long one collects in a buffer of the client's own, in which parsing goes on
 * where it stopped.
 *
 * Output. `offer` collects the spans that the outbox releases in one go, `flush` writes them with one call. What the kernel does not
 * take stays in the region for the socket (plain sockets borrow the bytes), which the client then pins and is charged for; all further output of a client
 * in that state is copied to memory of its own, so that one stalled reader never pins more than one region.
 */
import { Region } from '../bytes/region.ts';
import type { Session, SessionIo } from '../models/redis/session.ts';
import {
  BACKLOG_WRITE_BYTES,
  CARRY_BYTES,
  OUTPUT_REGION_BYTES,
  PIPELINE_PAUSE_BYTES,
  TURN_BYTES,
} from './limits.ts';
import type { OutputRegion, Outbox } from './outbox.ts';
import type { Transport } from './transport.ts';

/** What all connections of a protocol share. */
export interface ConnectionShare {
  readonly outbox: Outbox;
  /** `client-query-buffer-limit`. */
  maxQueryBytes: number;
  /** Whether `connection` may hold `bytes` of unsent output (client-output-buffer-limit); false closes it. */
  mayHold(connection: Connection, bytes: number): boolean;
  /** The memory that `connection` holds has changed, or may have. */
  noteMemory(connection: Connection): void;
  /** Something happened that the end of this tick must look at. */
  schedule(): void;
  /** Calls `fn` in the next turn of the event loop. */
  soon(fn: () => void): void;
  log(level: 'verbose' | 'warning', message: string): void;
  /** Seconds after which an idle client is closed; 0: never. */
  readonly idleSeconds: number;
  closed(connection: Connection): void;
  /** Totals: bytes, and the reads and writes that moved them. */
  inputBytes: number;
  outputBytes: number;
  reads: number;
  writes: number;
}

export abstract class Connection implements SessionIo {
  session!: Session;
  readonly transport: Transport;
  /** Bytes in the outbox that have not been offered. */
  heldBytes = 0;
  totalInputBytes = 0;
  totalOutputBytes = 0;
  /** Since when the output is above the soft limit, in ms since the epoch; 0: it is not. */
  softLimitSinceMs = 0;
  /** For whoever adds up the memory of all clients: what was added for this one, and whether it is to be looked at again. */
  countedBytes = 0;
  isMemoryNoted = false;
  /** For whoever closes idle clients: what had been sent when it last looked and saw more, and when that was. */
  sentBytesSeen = 0;
  sentSeenMs = 0;
  /** It is closed because it was idle. */
  isIdled = false;
  readonly #share: ConnectionShare;

  /** Input that has not run: `#pending` bytes `[#pendingFrom, #pendingTo)`. */
  #pending: Region | undefined = undefined;
  #pendingFrom = 0;
  #pendingTo = 0;
  /** Bytes of pending input (from its start) below which parsing again is of no use; `run` says. */
  protected needBytes = 0;
  #isReadPaused = false;
  /** CLIENT PAUSE holds the next request back; `run` says. */
  protected isPostponed = false;
  /** Unsent output above PIPELINE_PAUSE_BYTES holds the next request back. */
  #isThrottled = false;
  #isResumeScheduled = false;

  #offered: Uint8Array[] = [];
  #offeredRegion: OutputRegion | undefined = undefined;
  #offeredRegions: OutputRegion[] = [];
  #offeredFrom = 0;
  #offeredTo = 0;
  /** The kernel did not take all: output goes to the backlog until it has. */
  #isStalled = false;
  #pinned: OutputRegion[] = [];
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #isClosing = false;
  #isClosed = false;

  constructor(transport: Transport, share: ConnectionShare) {
    this.transport = transport;
    this.#share = share;
  }

  // ---- input

  /** `length` bytes arrived in `region` at `at`; the CARRY_BYTES in front of `at` are free to use. False: read no more for now. */
  receive(region: Region, at: number, length: number): boolean {
    this.totalInputBytes += length;
    this.#share.inputBytes += length;
    this.#share.reads++;
    if (this.#isClosing) return true;
    this.#share.noteMemory(this);
    const waiting = this.#pendingTo - this.#pendingFrom;
    if (waiting === 0 && this.#mayRun()) {
      const rest = this.run(region, at, at + length, at + length);
      if (rest < at + length) this.#keep(region, rest, at + length);
    } else if (waiting <= CARRY_BYTES && this.#mayRun() && waiting + length >= this.needBytes) {
      const from = at - waiting;
      region.bytes.set(this.#pending!.bytes.subarray(this.#pendingFrom, this.#pendingTo), from);
      this.#pendingFrom = 0;
      this.#pendingTo = 0;
      const rest = this.run(region, from, at + length, at + length);
      if (rest < at + length) this.#keep(region, rest, at + length);
      else this.#releaseSmallPending();
    } else {
      this.#append(region, at, at + length);
      if (this.#isClosing) return true;
      this.#runPending();
    }
    return !this.#isReadPaused;
  }

  /** The client sent all that it will send. */
  receivedEnd(): void {
    this.closeAfterOutput();
  }

  resume(): void {
    if (this.#isResumeScheduled || this.#isClosed) return;
    this.#isResumeScheduled = true;
    this.#share.soon(() => {
      this.#isResumeScheduled = false;
      if (this.#isClosed || this.#isClosing) return;
      this.#runPending();
      const isInputWanted = this.needBytes > 0 || this.queryBufferBytes() <= TURN_BYTES;
      if (this.#isReadPaused && this.#mayRun() && isInputWanted) {
        this.#isReadPaused = false;
        this.transport.resume();
      }
    });
  }

  /**
   * Lets one more read of a client in that waits (blocked, paused) and has sent more than a turn's worth already: only a read shows that it
   * has gone. Call it now and then.
   */
  probe(): void {
    if (!this.#isReadPaused || this.#isThrottled || this.#isClosing) return;
    this.#isReadPaused = false;
    this.transport.resume();
  }

  #mayRun(): boolean {
    return (
      this.session.parked === undefined &&
      !this.isPostponed &&
      !this.#isThrottled &&
      !this.#isClosing
    );
  }

  /**
   * Runs the requests in `[from, to)`, as far as `bound` if they begin before it; returns where the first that was not run begins. Must set `needBytes`, and
   * call `outbox.enter`, `outbox.leave` and `schedule` of what all connections share.
   */
  protected abstract run(region: Region, from: number, to: number, bound: number): number;

  /** Input that was left behind by `run` lies `shift` bytes further on now. */
  protected inputMoved(_shift: number): void {}

  /** Input that was left behind by `run` will not be run. */
  protected inputDropped(): void {}

  /** Whether output of this client has to leave before more of its pipeline runs; then nothing runs until it has. */
  protected throttle(): boolean {
    if (this.heldBytes + this.#backlogBytes <= PIPELINE_PAUSE_BYTES) return false;
    this.#isThrottled = true;
    return true;
  }

  /** Keeps `[from, to)` of a shared region as pending input. */
  #keep(region: Region, from: number, to: number): void {
    const length = to - from;
    this.#pendingFrom = 0;
    this.#pendingTo = 0;
    this.#reservePending(length);
    this.#pending!.bytes.set(region.bytes.subarray(from, to));
    this.#pendingTo = length;
    this.inputMoved(0 - from);
    this.#checkQueryLimit();
    this.#pauseReadingIfIdle();
  }

  #append(region: Region, from: number, to: number): void {
    this.#reservePending(to - from);
    this.#pending!.bytes.set(region.bytes.subarray(from, to), this.#pendingTo);
    this.#pendingTo += to - from;
    this.#checkQueryLimit();
    this.#pauseReadingIfIdle();
  }

  /** Makes room for `length` more bytes of pending input. */
  #reservePending(length: number): void {
    const waiting = this.#pendingTo - this.#pendingFrom;
    const capacity = this.#pending?.bytes.length ?? 0;
    if (this.#pendingTo + length <= capacity) return;
    const needed = waiting + length;
    let target = this.#pending;
    if (needed > capacity / 2) {
      // Grows with what has arrived, never with what a length claims; a known end bounds the last step.
      const doubled = Math.max(1024, needed, capacity * 2);
      const isEndKnown = this.needBytes > needed + TURN_BYTES;
      target = Region.allocate(isEndKnown ? Math.min(doubled, this.needBytes) : doubled);
      target.bytes.set(this.#pending?.bytes.subarray(this.#pendingFrom, this.#pendingTo) ?? EMPTY);
    } else {
      target!.bytes.copyWithin(0, this.#pendingFrom, this.#pendingTo);
    }
    this.#pending = target;
    this.inputMoved(0 - this.#pendingFrom);
    this.#pendingFrom = 0;
    this.#pendingTo = waiting;
  }

  #runPending(): void {
    this.isPostponed = false;
    if (!this.#mayRun()) return;
    this.#share.noteMemory(this);
    const region = this.#pending;
    const waiting = this.#pendingTo - this.#pendingFrom;
    if (region === undefined || waiting === 0 || waiting < this.needBytes) return;
    const from = this.#pendingFrom;
    const at = this.run(
      region,
      from,
      this.#pendingTo,
      Math.min(this.#pendingTo, from + TURN_BYTES),
    );
    if (this.#pending !== region) return; // closed meanwhile
    this.#pendingFrom = at;
    if (at === this.#pendingTo) {
      this.#pending = undefined;
      this.#pendingFrom = 0;
      this.#pendingTo = 0;
    } else if (this.needBytes === 0 && this.#mayRun()) {
      this.resume(); // its turn is over, requests are left
    }
    this.#pauseReadingIfIdle();
  }

  #releaseSmallPending(): void {
    if (this.#pending !== undefined && this.#pending.bytes.length > CARRY_BYTES)
      this.#pending = undefined;
  }

  /** Reads no more from a client that may not run, once a turn's worth of its input waits. */
  #pauseReadingIfIdle(): void {
    if (this.#isReadPaused || this.#mayRun()) return;
    if (this.#pendingTo - this.#pendingFrom < TURN_BYTES) return;
    this.#isReadPaused = true;
    this.transport.pause();
  }

  #checkQueryLimit(): void {
    if (this.queryBufferBytes() <= this.#share.maxQueryBytes) return;
    this.#share.log(
      'warning',
      `Closing client that reached max query buffer length: ${this.address}`,
    );
    this.close();
  }

  // ---- output

  /** Takes released output; true the first time since the last `flush`. */
  offer(region: OutputRegion, from: number, to: number): boolean {
    if (this.#isClosed) return false;
    const length = to - from;
    this.totalOutputBytes += length;
    this.#share.outputBytes += length;
    if (this.#isStalled || !this.transport.borrowsBytes) {
      this.#backlog.push(region.region.bytes.slice(from, to));
      this.#backlogBytes += length;
      this.#share.noteMemory(this);
      if (!this.#share.mayHold(this, this.outputBytes())) return false;
      return !this.#isStalled && this.#backlog.length === 1 && this.#offered.length === 0;
    }
    const isFirst = this.#offered.length === 0;
    const last = isFirst ? undefined : this.#offered[this.#offered.length - 1]!;
    if (last !== undefined && this.#offeredRegion === region && this.#offeredTo === from) {
      this.#offered[this.#offered.length - 1] = region.buffer.subarray(this.#offeredFrom, to);
    } else {
      this.#offered.push(region.buffer.subarray(from, to));
      this.#offeredRegions.push(region);
      this.#offeredRegion = region;
      this.#offeredFrom = from;
      region.pins++;
    }
    this.#offeredTo = to;
    return isFirst;
  }

  /** Writes what was offered. */
  flush(): void {
    if (this.#isClosed) return;
    const transport = this.transport;
    const offered = this.#offered;
    this.#share.writes++;
    if (offered.length === 1) transport.write(offered[0]!);
    else if (offered.length > 1) transport.writeMany(offered);
    offered.length = 0;
    this.#offeredRegion = undefined;
    if (this.#backlog.length > 0) this.#writeBacklog();
    else if (transport.pendingBytes() > 0) this.#stall();
    if (!this.#isStalled) this.#drained();
  }

  #writeBacklog(): void {
    let bytes = 0;
    let count = 0;
    while (count < this.#backlog.length && bytes < BACKLOG_WRITE_BYTES) {
      bytes += this.#backlog[count]!.length;
      count++;
    }
    const pieces = this.#backlog.splice(0, count);
    this.#backlogBytes -= bytes;
    this.#share.writes++;
    if (pieces.length === 1) this.transport.write(pieces[0]!);
    else if (pieces.length > 1) this.transport.writeMany(pieces);
    if (this.transport.pendingBytes() > 0 || this.#backlog.length > 0) this.#stall();
  }

  /** The kernel has enough: regions it borrows stay pinned, further output is copied. */
  #stall(): void {
    this.#isStalled = true;
    for (const region of this.#offeredRegions) this.#pinned.push(region);
    this.#offeredRegions.length = 0;
    this.#share.noteMemory(this);
    if (!this.#share.mayHold(this, this.outputBytes())) return;
    this.transport.whenDrained(() => {
      if (this.#isClosed) return;
      this.#isStalled = false;
      this.#share.noteMemory(this);
      this.#unpinAll(this.#pinned);
      if (this.#backlog.length > 0) this.#writeBacklog();
      if (!this.#isStalled) this.#drained();
    });
  }

  /** All output released so far was taken. */
  #drained(): void {
    this.#unpinAll(this.#offeredRegions);
    this.softLimitSinceMs = 0;
    if (this.heldBytes > 0) return;
    if (this.#isClosing) {
      this.#finish();
    } else if (this.#isThrottled) {
      this.#isThrottled = false;
      this.resume();
    }
  }

  #unpinAll(regions: OutputRegion[]): void {
    for (let i = 0; i < regions.length; i++) this.#share.outbox.unpin(regions[i]!);
    regions.length = 0;
  }

  // ---- closing

  close(): void {
    if (this.#isClosed) return;
    this.transport.destroy();
    this.closed();
  }

  closeAfterOutput(): void {
    if (this.#isClosing || this.#isClosed) return;
    this.#isClosing = true;
    this.session.isClosing = true;
    this.#pending = undefined;
    this.#pendingFrom = 0;
    this.#pendingTo = 0;
    this.inputDropped();
    // Output of the tick that is under way is not in the outbox yet: look once it is over.
    this.#share.soon(() => this.#finishWhenSent());
    this.#share.schedule();
  }

  #finishWhenSent(): void {
    if (this.heldBytes === 0 && !this.#isStalled && this.#backlog.length === 0) this.#finish();
  }

  #finish(): void {
    if (this.#isClosed) return;
    this.transport.end();
    this.closed();
  }

  /** The socket is gone, or as good as. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isClosing = true;
    this.session.isClosing = true;
    this.#share.outbox.forget(this);
    this.#unpinAll(this.#offeredRegions);
    // Regions that the socket may still read from are not used again: they are left to the garbage collector.
    this.#pinned.length = 0;
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#pending = undefined;
    this.#share.closed(this);
  }

  /** Seconds after which the client is closed if it is idle; 0: never. */
  get idleSeconds(): number {
    return this.#share.idleSeconds;
  }

  /** Input that waited is about to run. */
  get isResuming(): boolean {
    return this.#isResumeScheduled;
  }

  // ---- what the model asks

  get isGone(): boolean {
    return this.#isClosed;
  }
  get address(): string {
    return this.transport.remoteAddress;
  }
  get localAddress(): string {
    return this.transport.localAddress;
  }
  get fd(): number {
    return this.transport.fd;
  }
  get isUnixSocket(): boolean {
    return this.transport.isUnixSocket;
  }
  get isTls(): boolean {
    return this.transport.isTls;
  }
  get isLocal(): boolean {
    return this.transport.isLocal;
  }

  queryBufferBytes(): number {
    return this.#pendingTo - this.#pendingFrom;
  }

  queryBufferFreeBytes(): number {
    return (this.#pending?.bytes.length ?? 0) - this.queryBufferBytes();
  }

  outputBytes(): number {
    return this.heldBytes + this.#backlogBytes + this.transport.pendingBytes();
  }

  /** Bytes of output that the kernel took: while they grow the client is not idle. */
  sentBytes(): number {
    return this.totalOutputBytes - this.#backlogBytes - this.transport.pendingBytes();
  }

  outputPieces(): number {
    return this.#backlog.length;
  }

  /** Memory that is held for this client alone, the regions it pins included. */
  memoryBytes(): number {
    return (
      (this.#pending?.bytes.length ?? 0) +
      this.outputBytes() +
      this.#pinned.length * OUTPUT_REGION_BYTES
    );
  }
}

const EMPTY = new Uint8Array(0);
