/**
 * One client, whatever it speaks: keeps what arrives until its protocol (`run`) has made requests of it, and sends what the outbox releases.
 *
 * Input. A read lands in the region that all plain sockets share. Requests run straight from there; what remains of an incomplete one
 * is kept: a short rest is copied in front of the next read, a long one collects in a buffer of the client's own, in which parsing goes on
 * where it stopped. A protocol may take what follows elsewhere (`divert`).
 *
 * Output. `offer` collects the spans that the outbox releases in one go, `flush` writes them with one call. What the kernel does not
 * take stays in the region for the socket (plain sockets borrow the bytes), which the client then pins and is charged for; all further output of a client
 * in that state is copied to memory of its own, so that one stalled reader never pins more than one region. A long value is on loan from
 * the engine and is read piece by piece as the socket takes it (backlog.ts).
 */
import type { Region } from '../bytes/region.ts';
import type { Loan } from '../memory/index.ts';
import type { Session, SessionIo } from '../models/redis/session.ts';
import { Backlog } from './backlog.ts';
import {
  CARRY_BYTES,
  GATHER_BYTES,
  OUTPUT_REGION_BYTES,
  PIPELINE_PAUSE_BYTES,
  TURN_BYTES,
} from './limits.ts';
import type { Borrower, OutputRegion, Outbox, Waiter } from './outbox.ts';
import { PendingInput } from './pending-input.ts';
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

export abstract class Connection implements SessionIo, Borrower, Waiter {
  session!: Session;
  readonly transport: Transport;
  /** Bytes in the outbox that have not been offered; those of them that are on loan, and take no memory. */
  heldBytes = 0;
  lentBytes = 0;
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

  /** Input that has not run. */
  readonly #pending: PendingInput = new PendingInput();
  /** Bytes of pending input (from its start) below which parsing again is of no use; `run` says. */
  protected needBytes = 0;
  /** Where what is to be kept of the input that `run` looks at ends; it may say less than it was given. */
  protected inputEnd = 0;
  /** What arrives next goes to `divert`; `run` says, and `divert` when it is over. */
  protected isDiverting = false;
  #isReadPaused = false;
  /** CLIENT PAUSE holds the next request back; `run` says. */
  protected isPostponed = false;
  /** Unsent output, above PIPELINE_PAUSE_BYTES of its own or much of all clients, holds the next request back. */
  #isThrottled = false;
  #isResumeScheduled = false;

  #offered: Uint8Array[] = [];
  #offeredRegion: OutputRegion | undefined = undefined;
  #offeredRegions: OutputRegion[] = [];
  #offeredFrom = 0;
  #offeredTo = 0;
  /** The kernel did not take all: output goes to the backlog until it has. */
  #isStalled = false;
  /** All output goes by the backlog: something is in it that must leave first, or the socket is TLS. */
  #isQueueing: boolean;
  #pinned: OutputRegion[] = [];
  readonly #backlog: Backlog = new Backlog();
  #isClosing = false;
  #isClosed = false;

  constructor(transport: Transport, share: ConnectionShare) {
    this.transport = transport;
    this.#share = share;
    this.#isQueueing = !transport.borrowsBytes;
  }

  // ---- input

  /** `length` bytes arrived in `region` at `at`; the CARRY_BYTES in front of `at` are free to use. False: read no more for now. */
  receive(region: Region, at: number, length: number): boolean {
    this.totalInputBytes += length;
    this.#share.inputBytes += length;
    this.#share.reads++;
    if (this.#isClosing) return true;
    this.#share.noteMemory(this);
    const pending = this.#pending;
    const waiting = pending.length;
    if (this.isDiverting) {
      this.#receiveDiverted(region, at, at + length);
    } else if (waiting === 0 && this.mayRun()) {
      this.inputEnd = at + length;
      const rest = this.run(region, at, at + length, at + length);
      if (rest < this.inputEnd) this.#append(region, rest, this.inputEnd, rest);
    } else if (this.#mayCarry(waiting, length)) {
      const from = at - waiting;
      region.bytes.set(pending.region!.bytes.subarray(pending.from, pending.to), from);
      pending.empty(CARRY_BYTES);
      this.inputEnd = at + length;
      const rest = this.run(region, from, at + length, at + length);
      if (rest < this.inputEnd) this.#append(region, rest, this.inputEnd, rest);
    } else {
      this.#append(region, at, at + length, pending.from);
      if (!this.#isClosing) this.#runPending();
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
      const isInputWanted =
        this.needBytes > 0 || this.isDiverting || this.#pending.length <= TURN_BYTES;
      if (this.#isReadPaused && this.mayRun() && isInputWanted) {
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

  /** The outbox takes more again. */
  roomAgain(): void {
    this.#isThrottled = false;
    this.resume();
  }

  /** Whether what waits is put in front of a read of `length` bytes, and runs there: little, of which nothing is remembered. */
  #mayCarry(waiting: number, length: number): boolean {
    const isUseful = waiting + length >= this.needBytes;
    return waiting <= CARRY_BYTES && isUseful && !this.remembersInput && this.mayRun();
  }

  #receiveDiverted(region: Region, from: number, to: number): void {
    const next = this.divert(region, from, to);
    if (this.isDiverting) {
      this.#checkQueryLimit();
      return;
    }
    this.#append(region, next, to, this.#pending.from);
    if (!this.#isClosing) this.#runPending();
  }

  /** Whether the client's next request may run now. */
  protected mayRun(): boolean {
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

  /** Whether something is known of the input that was left behind by `run`, which holds where it lies. */
  protected get remembersInput(): boolean {
    return false;
  }

  /** Input that was left behind by `run` lies `shift` bytes further on now. */
  protected inputMoved(_shift: number): void {}

  /** Takes what is its own of `[from, to)`, which arrived while `isDiverting`; returns where the rest begins. */
  protected divert(_region: Region, from: number, _to: number): number {
    return from;
  }

  /** Bytes that were diverted and are held for this client. */
  protected get divertedBytes(): number {
    return 0;
  }

  /** Input that was left behind by `run` will not be run. */
  protected inputDropped(): void {}

  /** Whether output, of this client or of all, has to leave before more of its pipeline runs; then nothing runs until it has. */
  protected throttle(): boolean {
    const { outbox } = this.#share;
    const backlog = this.#backlog;
    const isMuch =
      this.heldBytes > PIPELINE_PAUSE_BYTES ||
      (this.#isStalled && backlog.bytes + backlog.lentBytes > PIPELINE_PAUSE_BYTES);
    if (!isMuch && !outbox.isFull) return false;
    this.#isThrottled = true;
    if (!isMuch) outbox.waitForRoom(this);
    return true;
  }

  /** Adds to the pending input; what is the first of it then was at `wasAt`, there or in `region`. */
  #append(region: Region, from: number, to: number, wasAt: number): void {
    const pending = this.#pending;
    try {
      pending.append(region, from, to, this.needBytes);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#share.log('warning', `No memory for the input of ${this.address}: ${error.message}`);
      this.close();
      return;
    }
    this.inputMoved(pending.from - wasAt);
    this.#checkQueryLimit();
    this.#pauseReadingIfIdle();
  }

  #runPending(): void {
    this.isPostponed = false;
    if (!this.mayRun() || this.isDiverting) return;
    this.#share.noteMemory(this);
    const pending = this.#pending;
    const { region, from, to } = pending;
    if (region === undefined || from === to || to - from < this.needBytes) return;
    this.inputEnd = to;
    const at = this.run(region, from, to, Math.min(to, from + TURN_BYTES));
    if (pending.region !== region) return; // closed meanwhile
    pending.from = at;
    pending.to = this.inputEnd;
    if (at === this.inputEnd) {
      pending.empty();
    } else if (this.needBytes === 0 && this.mayRun() && !this.isDiverting) {
      this.resume(); // its turn is over, requests are left
    }
    this.#pauseReadingIfIdle();
  }

  /** Reads no more from a client that may not run, once a turn's worth of its input waits. */
  #pauseReadingIfIdle(): void {
    if (this.#isReadPaused || this.mayRun()) return;
    if (this.#pending.length < TURN_BYTES) return;
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
    if (this.#isStalled || this.#isQueueing) {
      const isFirst = this.#isFirst;
      this.#backlog.copy(region.region, from, to);
      this.#share.noteMemory(this);
      return this.#share.mayHold(this, this.outputBytes()) && isFirst;
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

  /** As `offer`, of a value on loan, which is read as the socket takes it. */
  offerLoan(loan: Loan): boolean {
    if (this.#isClosed) {
      loan.release();
      return false;
    }
    this.totalOutputBytes += loan.left;
    this.#share.outputBytes += loan.left;
    const isFirst = this.#isFirst;
    this.#backlog.lend(loan, () => this.noteMemory());
    this.#isQueueing = true;
    return isFirst;
  }

  /** Nothing was offered since the last `flush`, and nothing waits: there will be something to write. */
  get #isFirst(): boolean {
    return !this.#isStalled && this.#backlog.count === 0 && this.#offered.length === 0;
  }

  /** Writes what was offered. */
  flush(): void {
    if (this.#isClosed) return;
    const transport = this.transport;
    const offered = this.#offered;
    this.#share.writes++;
    if (offered.length === 1) transport.write(offered[0]!);
    else if (offered.length > 1) this.#writeOffered();
    while (offered.length > 0) offered.pop(); // `length = 0` would give the array's room away
    this.#offeredRegion = undefined;
    if (this.#isQueueing) this.#writeBacklog();
    else if (transport.pendingBytes() > 0) this.#stall();
    if (!this.#isStalled) this.#drained();
  }

  /** Many pieces, as of messages between which the publisher's replies lie: long ones as they are, short ones put together. */
  #writeOffered(): void {
    const offered = this.#offered;
    let bytes = 0;
    for (let i = 0; i < offered.length; i++) bytes += offered[i]!.length;
    if (bytes > GATHER_BYTES) this.transport.writeMany(offered);
    else this.transport.write(this.#share.outbox.gather(offered, bytes, this.#offeredRegions));
  }

  #writeBacklog(): void {
    const { outbox } = this.#share;
    const pieces = this.#backlog.take(() => outbox.borrowRegion(), this.#offeredRegions);
    this.#share.writes++;
    if (pieces.length === 1) this.transport.write(pieces[0]!);
    else if (pieces.length > 1) this.transport.writeMany(pieces);
    if (this.transport.pendingBytes() > 0 || this.#backlog.count > 0) this.#stall();
    else this.#isQueueing = !this.transport.borrowsBytes;
  }

  /** The kernel has enough: regions it borrows stay pinned, further output is copied. */
  #stall(): void {
    this.#isStalled = true;
    for (const region of this.#offeredRegions) this.#pinned.push(region);
    this.#offeredRegions.length = 0;
    this.#share.noteMemory(this);
    if (!this.#share.mayHold(this, this.outputBytes())) return;
    const goOn = (): void => {
      if (this.#isClosed) return;
      this.#isStalled = false;
      this.#share.noteMemory(this);
      this.#unpinAll(this.#pinned);
      if (this.#backlog.count > 0) this.#writeBacklog();
      else this.#isQueueing = !this.transport.borrowsBytes;
      if (!this.#isStalled) this.#drained();
    };
    // Where the kernel took it all and there is more, the others get their turn first.
    if (this.transport.pendingBytes() === 0) this.#share.soon(goOn);
    else this.transport.whenDrained(goOn);
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
    while (regions.length > 0) this.#share.outbox.unpin(regions.pop()!);
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
    this.#dropInput();
    // Output of the tick that is under way is not in the outbox yet: look once it is over.
    this.#share.soon(() => this.#finishWhenSent());
    this.#share.schedule();
  }

  #finishWhenSent(): void {
    if (this.heldBytes === 0 && !this.#isStalled && this.#backlog.count === 0) this.#finish();
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
    this.#backlog.clear();
    this.#dropInput();
    this.#share.closed(this);
  }

  #dropInput(): void {
    this.#pending.empty();
    this.isDiverting = false;
    this.inputDropped();
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
    return this.#pending.length + this.divertedBytes;
  }

  queryBufferFreeBytes(): number {
    return this.#pending.capacity - this.#pending.length;
  }

  /** Without what is on loan, which is not there for this client alone. */
  outputBytes(): number {
    const { bytes, ownBytes } = this.#backlog;
    return this.heldBytes - this.lentBytes + bytes + ownBytes + this.transport.pendingBytes();
  }

  /** Bytes of output that the kernel took: while they grow the client is not idle. */
  sentBytes(): number {
    const { bytes, lentBytes } = this.#backlog;
    return this.totalOutputBytes - bytes - lentBytes - this.transport.pendingBytes();
  }

  outputPieces(): number {
    return this.#backlog.count;
  }

  /** Memory that is held for this client alone, the regions it pins included. */
  memoryBytes(): number {
    return (
      this.#pending.capacity +
      this.divertedBytes +
      this.heldBytes -
      this.lentBytes +
      this.#backlog.memoryBytes +
      Math.max(this.transport.pendingBytes(), this.#pinned.length * OUTPUT_REGION_BYTES)
    );
  }

  noteMemory(): void {
    this.#share.noteMemory(this);
  }
}
