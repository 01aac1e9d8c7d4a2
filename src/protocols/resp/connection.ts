/**
 * One RESP client: requests in what arrives are run by the dispatcher. A long request that comes in many pieces is parsed on where it stopped: what is
 * known of it is kept, and moves along with its bytes. A long argument goes straight into the engine's chunks, if its command takes it so.
 */
import type { Region } from '../../bytes/region.ts';
import { COMPLETE, FAILED, INCOMPLETE, type RespParser } from '../../bytes/resp-parser.ts';
import type { Request } from '../../bytes/resp-request.ts';
import type { MemoryEngine } from '../../memory/index.ts';
import { CLOSED, type Dispatcher, PARKED, POSTPONED } from '../../models/redis/dispatch.ts';
import { Connection, type ConnectionShare } from '../connection.ts';
import { CARRY_BYTES, LARGE_ARGUMENT_BYTES } from '../limits.ts';
import type { Transport } from '../transport.ts';
import { PartialRequest } from './partial-request.ts';

/** What all RESP connections of a shard share. */
export interface RespShare extends ConnectionShare {
  readonly parser: RespParser;
  readonly request: Request;
  readonly dispatcher: Dispatcher;
  readonly engine: MemoryEngine;
}

export class RespConnection extends Connection {
  readonly #share: RespShare;
  /** The first request of the input that waits, if it is worth remembering what is known of it. */
  #partial: PartialRequest | undefined = undefined;

  constructor(transport: Transport, share: RespShare) {
    super(transport, share);
    this.#share = share;
  }

  protected override run(region: Region, from: number, to: number, bound: number): number {
    const share = this.#share;
    const { parser, dispatcher, outbox } = share;
    const session = this.session;
    let at = from;
    outbox.enter(this);
    this.needBytes = 0;
    while (at < bound) {
      const partial = this.#partial;
      const request = partial === undefined ? share.request : partial.request;
      const found =
        partial === undefined
          ? parser.parse(region, at, to, request, session.isAuthenticated)
          : parser.resume(region, at, to, request, session.isAuthenticated, partial.progress);
      if (found === INCOMPLETE) {
        this.needBytes = parser.needBytes;
        this.#keepPartial(region, request, at, to);
        break;
      }
      this.#partial = undefined;
      if (found === FAILED) {
        this.#failProtocol(parser.error);
        at = to;
        break;
      }
      const next = parser.next;
      if (found === COMPLETE) {
        const isSilent = session.replyMode !== 'on';
        const mark = isSilent ? outbox.mark() : 0;
        const outcome =
          partial?.large === undefined
            ? dispatcher.execute(session, request)
            : this.#executeLarge(partial);
        if (isSilent || session.replyMode !== 'on') this.#silence(isSilent, mark);
        if (outcome === POSTPONED) {
          this.isPostponed = true;
          break;
        }
        at = next;
        if (outcome === PARKED) break;
        if (outcome === CLOSED) {
          this.closeAfterOutput();
          at = to;
          break;
        }
        if (this.throttle()) break;
      } else {
        at = next;
      }
    }
    outbox.leave();
    share.schedule();
    return at;
  }

  #silence(wasSilent: boolean, mark: number): void {
    const session = this.session;
    // CLIENT REPLY ON has its own reply heard.
    if (wasSilent && session.replyMode !== 'on') this.#share.outbox.discardSince(mark, this);
    if (session.replyMode === 'skip') session.replyMode = 'on';
    else if (session.replyMode === 'skip-next') session.replyMode = 'skip';
  }

  #failProtocol(error: string): void {
    this.#share.log(
      'verbose',
      `Protocol error (${error}) from client ${this.transport.remoteAddress}`,
    );
    this.#share.dispatcher.protocolError(this.session, error);
    this.closeAfterOutput();
  }

  /** The request at `at` is not whole: what is known of it is kept, unless it is short and is parsed again from its start. */
  #keepPartial(region: Region, request: Request, at: number, to: number): void {
    const { dispatcher, engine, parser } = this.#share;
    const found = parser.progress;
    request.region = region;
    const isBegun = found.expected > 0; // otherwise all else that was found is of another request
    const isLarge =
      isBegun &&
      found.bulkBytes > LARGE_ARGUMENT_BYTES &&
      found.parsed > 0 &&
      dispatcher.takesChunks(request, found.parsed);
    const isShort = !isBegun || to - at <= CARRY_BYTES;
    if (isShort && !isLarge && this.#partial?.large === undefined) {
      this.#partial = undefined;
      return;
    }
    this.#partial ??= new PartialRequest(Math.max(64, found.parsed));
    this.#partial.save(request, found, at);
    if (!isLarge) return;
    this.#partial.beginLarge(engine, region, to);
    this.isDiverting = true;
    this.inputEnd = at + found.bulkAt;
    this.needBytes = 0;
  }

  protected override divert(region: Region, from: number, to: number): number {
    const partial = this.#partial!;
    const next = partial.receiveLarge(region, from, to);
    this.isDiverting = partial.large!.isOpen;
    return next;
  }

  protected override get divertedBytes(): number {
    return this.#partial?.large?.bytes ?? 0;
  }

  #executeLarge(partial: PartialRequest): number {
    const { dispatcher } = this.#share;
    const { large, request } = partial;
    const outcome = large!.isRefused
      ? dispatcher.refuseTooLarge(this.session, request)
      : dispatcher.executeLarge(this.session, request);
    if (outcome === POSTPONED) {
      partial.keepWhole();
      this.#partial = partial;
    } else {
      large!.free();
    }
    return outcome;
  }

  protected override get remembersInput(): boolean {
    return this.#partial !== undefined;
  }

  protected override inputMoved(shift: number): void {
    this.#partial?.move(shift);
  }

  protected override inputDropped(): void {
    this.#partial?.large?.free();
    this.#partial = undefined;
  }
}
