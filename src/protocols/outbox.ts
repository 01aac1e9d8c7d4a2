/**
 * All output of a shard's clients, until it leaves.
 *
 * Replies are built one after the other in shared regions. What belongs to one client is a *span* (connection, region, from, to), and
 * the spans of all clients stand in one queue, in the order in which they were written. At the end of a tick the queue is stamped
 * with the log position that it may reveal (`seal`); `release` sends spans from the front as far as the log is durable. So one rule holds
 * replies, pushes and messages alike, and each connection's bytes keep their order.
 *
 *   writer.at ──►  | client A | client B | A again |   region (256 KiB)
 *                  └ span 0   └ span 1   └ span 2 (open: ends where the writer stands)
 *
 * A region is used again when none of its spans waits. Output of one client that the kernel does not take is the connection's business
 * (connection.ts).
 */
import { Region } from '../bytes/region.ts';
import type { Loan, MemoryEngine, Ref } from '../memory/index.ts';
import { RespWriter, type RegionSource } from '../bytes/resp-writer.ts';
import type { Output } from '../models/redis/host.ts';
import type { Session } from '../models/redis/session.ts';
import { MAX_SPANS, OUTPUT_REGION_BYTES, SPARE_REGIONS } from './limits.ts';

/** A region with the number of spans in it that have not left. (It has one, it is none: all regions have one shape, for speed.) */
export class OutputRegion {
  pins = 0;
  readonly region: Region;
  /** The same bytes as a Buffer, which sockets take. */
  readonly buffer: Buffer;

  constructor(sizeBytes: number) {
    const memory = new ArrayBuffer(sizeBytes);
    this.region = new Region(memory);
    this.buffer = Buffer.from(memory);
  }
}

/** Who gets output: a connection, or what stands for one. */
export interface Recipient {
  readonly session: Session;
  readonly isGone: boolean;
  /** Bytes in the outbox that have not been offered. */
  heldBytes: number;
  /** Takes released output; true the first time since the last `flush`. */
  offer(region: OutputRegion, from: number, to: number): boolean;
  /** Writes what was offered. */
  flush(): void;
}

/** Who takes values on loan too. */
export interface Borrower extends Recipient {
  /** Of `heldBytes`, those on loan, which take no memory. */
  lentBytes: number;
  /** As `offer`. The loan is the borrower's from now on. */
  offerLoan(loan: Loan): boolean;
  /** The memory held for it has changed. */
  noteMemory(): void;
}

/** Whose requests wait while the outbox is full. */
export interface Waiter extends Recipient {
  /** The outbox takes more again. */
  roomAgain(): void;
}

interface Span {
  connection: Recipient | undefined;
  region: OutputRegion | undefined;
  /** A value on loan instead of bytes of a region; the recipient is a Borrower then. */
  loan: Loan | undefined;
  from: number;
  to: number;
  position: number;
  /** Written between `begin` and `end`, not as the reply of the connection's own request. */
  isMessage: boolean;
}

const UNSEALED = Infinity;

export class Outbox implements Output, RegionSource {
  readonly writer: RespWriter;
  /** Called when output was begun outside of a tick that is under way already. */
  onPending: () => void = () => {};
  /** As much waits as may: whoever has run a request waits until it is told `roomAgain` (`waitForRoom`). */
  isFull = false;
  readonly #waiting: Set<Waiter> = new Set();
  /** Counts up whenever the output that waits took another region: a look at who holds it is worth while. */
  regionsTaken = 0;
  #region: OutputRegion;
  readonly #spare: OutputRegion[] = [];
  /** Where pieces are put together, and how far. */
  #gathered: OutputRegion = new OutputRegion(OUTPUT_REGION_BYTES);
  #gatheredTo = 0;
  /** A ring of span objects, reused; `#head` is the first that has not left. */
  readonly #spans: Span[] = [];
  #head = 0;
  #tail = 0;
  #firstUnsealed = 0;
  #current: Recipient | undefined = undefined;
  #spanStart = 0;
  readonly #outer: (Recipient | undefined)[] = [];
  /** Spans of the last `begin` .. `end`, as indexes into the queue. */
  #messageFirst = 0;
  #messageEnd = 0;
  readonly #batch: Recipient[] = [];

  constructor() {
    this.#region = new OutputRegion(OUTPUT_REGION_BYTES);
    this.writer = new RespWriter(this, this.#region.region);
  }

  /** Spans that wait to be sent. */
  get length(): number {
    return this.#tail - this.#head;
  }

  /** The connection that is being written for now. */
  get current(): Recipient | undefined {
    return this.#current;
  }

  begin(session: Session): void {
    const connection = session.io as unknown as Recipient;
    this.#closeSpan();
    this.#outer.push(this.#current);
    this.#open(connection);
    this.#messageFirst = this.#tail;
    this.onPending();
  }

  end(): void {
    this.#closeSpan();
    this.#messageEnd = this.#tail;
    this.#open(this.#outer.pop());
  }

  repeat(session: Session): void {
    const connection = session.io as unknown as Recipient;
    const end = this.#messageEnd;
    for (let i = this.#messageFirst; i < end; i++) {
      const span = this.#spans[i]!;
      this.#push(connection, span.region!, span.from, span.to, true);
    }
  }

  /** What is written from now on is for `connection`: the outermost level, used while its requests run. */
  enter(connection: Recipient): void {
    this.#open(connection);
  }

  leave(): void {
    this.#closeSpan();
    this.#current = undefined;
  }

  /** The connection that is written for must be a Borrower. */
  lend(engine: MemoryEngine, ref: Ref, from: number, to: number): void {
    const borrower = this.#current as Borrower | undefined;
    this.#closeSpan();
    if (borrower === undefined || borrower.isGone) return;
    const loan = engine.loans.lend(ref, from, to);
    // A span of no bytes in the current region, so that it is like the others; what it holds counts as if it were there.
    this.#push(borrower, this.#region, 0, to - from, this.#outer.length > 0);
    this.#spans[this.#tail - 1]!.loan = loan;
    borrower.lentBytes += to - from;
    loan.onOwn = () => {
      borrower.lentBytes -= loan.left;
      borrower.noteMemory();
    };
  }

  /** A mark to which `discardSince` can go back. */
  mark(): number {
    this.#closeSpan();
    this.#spanStart = this.writer.at;
    return this.#tail;
  }

  /** Drops the replies written for `connection` since `mark`; messages, its own too, and output for others stay. */
  discardSince(mark: number, connection: Recipient): void {
    this.#closeSpan();
    this.#spanStart = this.writer.at;
    for (let i = mark; i < this.#tail; i++) {
      const span = this.#spans[i]!;
      if (span.connection === connection && !span.isMessage) this.#drop(span);
    }
  }

  turn(writer: RespWriter, _sizeBytes: number): void {
    this.#closeSpan();
    if (this.#region.pins > 0) this.#region = this.#takeRegion();
    writer.use(this.#region.region, 0);
    this.#spanStart = 0;
  }

  /** Stamps all output written so far with `position`, the end of the log. */
  seal(position: number): void {
    for (let i = this.#firstUnsealed; i < this.#tail; i++) this.#spans[i]!.position = position;
    this.#firstUnsealed = this.#tail;
  }

  /** The position that the first waiting span may reveal; Infinity when none waits. */
  get firstPosition(): number {
    return this.#head < this.#tail ? this.#spans[this.#head]!.position : Infinity;
  }

  /** Sends all output sealed at or before `position`, each connection's pieces in one write. */
  release(position: number): void {
    const batch = this.#batch;
    let i = this.#head;
    for (; i < this.#tail; i++) {
      const span = this.#spans[i]!;
      if (span.position > position) break;
      const connection = span.connection;
      if (connection === undefined) continue;
      if (this.#offer(span, connection)) batch.push(connection);
    }
    this.#head = i;
    this.#finishRelease();
  }

  #offer(span: Span, connection: Recipient): boolean {
    const loan = span.loan;
    if (loan === undefined) {
      const isFirst = connection.offer(span.region!, span.from, span.to);
      this.#drop(span);
      return isFirst;
    }
    const borrower = connection as Borrower;
    span.loan = undefined; // it is the borrower's now
    this.#drop(span);
    if (!loan.isOwn) borrower.lentBytes -= loan.left;
    return borrower.offerLoan(loan);
  }

  #finishRelease(): void {
    const batch = this.#batch;
    for (let j = 0; j < batch.length; j++) batch[j]!.flush();
    batch.length = 0;
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
      this.#firstUnsealed = 0;
      this.#messageFirst = 0;
      this.#messageEnd = 0;
    } else if (this.#head > 4096) {
      this.#compact();
    }
    this.#recycleCurrent();
    if (this.isFull && this.length < MAX_SPANS / 2) this.#makeRoom();
  }

  #makeRoom(): void {
    this.isFull = false;
    // Whoever came last goes first: the first one may fill it again before the others have had their turn.
    const waiting = [...this.#waiting].toReversed();
    this.#waiting.clear();
    for (const connection of waiting) connection.roomAgain();
  }

  waitForRoom(connection: Waiter): void {
    this.#waiting.add(connection);
  }

  /**
   * As `release`, but past spans that have to wait: those behind them leave, except of connections that wait themselves. For the rare case
   * that the front may wait for long.
   */
  releaseAround(position: number): void {
    const held = new Set<Recipient>();
    const batch = this.#batch;
    let kept = this.#head;
    for (let i = this.#head; i < this.#tail; i++) {
      const span = this.#spans[i]!;
      const connection = span.connection;
      if (connection === undefined) continue;
      if (span.position > position || held.has(connection)) {
        held.add(connection);
        this.#spans[i] = this.#spans[kept]!;
        this.#spans[kept++] = span;
        continue;
      }
      if (this.#offer(span, connection)) batch.push(connection);
    }
    this.#tail = kept;
    this.#firstUnsealed = kept;
    this.#finishRelease();
  }

  /** A connection is gone: what waits for it is dropped. */
  forget(connection: Recipient): void {
    this.#waiting.delete(connection as Waiter);
    for (let i = this.#head; i < this.#tail; i++) {
      const span = this.#spans[i]!;
      if (span.connection === connection) this.#drop(span);
    }
  }

  /** A region that sockets hold no longer. */
  unpin(region: OutputRegion): void {
    region.pins--;
    if (region.pins > 0 || region === this.#region || region === this.#gathered) return;
    if (this.#spare.length < SPARE_REGIONS) this.#spare.push(region);
  }

  #open(connection: Recipient | undefined): void {
    this.#current = connection;
    this.#spanStart = this.writer.at;
    if (connection !== undefined) this.writer.resp = connection.session.resp;
  }

  #closeSpan(): void {
    const at = this.writer.at;
    if (this.#current !== undefined && at > this.#spanStart) {
      const isMessage = this.#outer.length > 0;
      this.#push(this.#current, this.#region, this.#spanStart, at, isMessage);
    }
    this.#spanStart = at;
  }

  #push(
    connection: Recipient,
    region: OutputRegion,
    from: number,
    to: number,
    isMessage: boolean,
  ): void {
    if (connection.isGone) return;
    region.pins++;
    connection.heldBytes += to - from;
    const span = this.#spans[this.#tail];
    if (span === undefined) {
      const loan = undefined;
      this.#spans.push({ connection, region, loan, from, to, position: UNSEALED, isMessage });
    } else {
      span.connection = connection;
      span.region = region;
      span.from = from;
      span.to = to;
      span.position = UNSEALED;
      span.isMessage = isMessage;
    }
    this.#tail++;
    if (this.#tail - this.#head >= MAX_SPANS) this.isFull = true;
  }

  #drop(span: Span): void {
    const connection = span.connection;
    if (connection === undefined) return;
    connection.heldBytes -= span.to - span.from;
    span.connection = undefined;
    const region = span.region!;
    span.region = undefined;
    this.unpin(region);
    const loan = span.loan;
    if (loan === undefined) return;
    span.loan = undefined;
    if (!loan.isOwn) (connection as Borrower).lentBytes -= loan.left;
    loan.release();
  }

  #compact(): void {
    const kept = this.#spans.splice(0, this.#head);
    this.#tail -= kept.length;
    this.#firstUnsealed -= kept.length;
    this.#messageFirst = 0;
    this.#messageEnd = 0;
    this.#head = 0;
    for (const span of kept) this.#spans.push(span);
  }

  /** `pieces`, of `bytes` together, in a row: one write instead of one with many parts. The region that they are in is added to `regions`. */
  gather(pieces: readonly Uint8Array[], bytes: number, regions: OutputRegion[]): Uint8Array {
    let region = this.#gathered;
    if (region.pins === 0) this.#gatheredTo = 0;
    if (this.#gatheredTo + bytes > OUTPUT_REGION_BYTES) {
      region = this.#spare.pop() ?? new OutputRegion(OUTPUT_REGION_BYTES);
      this.#gathered = region;
      this.#gatheredTo = 0;
    }
    const from = this.#gatheredTo;
    let at = from;
    for (let i = 0; i < pieces.length; i++) {
      region.buffer.set(pieces[i]!, at);
      at += pieces[i]!.length;
    }
    this.#gatheredTo = at;
    region.pins++;
    regions.push(region);
    return region.buffer.subarray(from, at);
  }

  /** A region for one piece of output; `unpin` gives it back. */
  borrowRegion(): OutputRegion {
    const region = this.#spare.pop() ?? new OutputRegion(OUTPUT_REGION_BYTES);
    region.pins++;
    return region;
  }

  #takeRegion(): OutputRegion {
    this.regionsTaken++;
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    return new OutputRegion(OUTPUT_REGION_BYTES);
  }

  /** Begins the current region anew when nothing in it waits. */
  #recycleCurrent(): void {
    if (this.#current !== undefined) return;
    if (this.#region.pins === 0) {
      this.writer.use(this.#region.region, 0);
    } else if (this.writer.limit - this.writer.at < OUTPUT_REGION_BYTES / 2) {
      this.#region = this.#takeRegion();
      this.writer.use(this.#region.region, 0);
    }
    this.#spanStart = this.writer.at;
  }
}
