/**
 * One RESP client: requests in what arrives are run by the dispatcher. Those of a pipeline are parsed some at a time, so that their keys can be looked up
 * together (memory/look-ahead.ts); what is left of them where one stops the run is forgotten, and parsed again later. A long request that comes in many
 * pieces is parsed on where it stopped: what is known of it is kept, and moves along with its bytes. A long argument goes straight into the engine's
 * chunks, if its command takes it so.
 */
import type { Region } from '../../bytes/region.ts';
import { COMPLETE, FAILED, INCOMPLETE, type RespParser } from '../../bytes/resp-parser.ts';
import { Request } from '../../bytes/resp-request.ts';
import { LOOK_AHEAD_KEYS, type LookAhead, type MemoryEngine } from '../../memory/index.ts';
import { CLOSED, type Dispatcher, PARKED, POSTPONED } from '../../models/redis/dispatch.ts';
import { Connection, type ConnectionShare } from '../connection.ts';
import { CARRY_BYTES, LARGE_ARGUMENT_BYTES } from '../limits.ts';
import type { Transport } from '../transport.ts';
import { PartialRequest } from './partial-request.ts';

/** What all RESP connections of a shard share. */
export interface RespShare extends ConnectionShare {
  readonly parser: RespParser;
  /** For requests that are parsed ahead; the first is for any. */
  readonly requests: readonly Request[];
  /** For their keys. */
  readonly ahead: LookAhead;
  readonly dispatcher: Dispatcher;
  readonly engine: MemoryEngine;
}

const ASTERISK = 42;
const CARRIAGE_RETURN = 13;

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
    const { parser, dispatcher, outbox, requests } = share;
    const session = this.session;
    let at = from;
    // Of the requests parsed ahead, those that have had their turn, and all.
    let ran = 0;
    let parsed = 0;
    outbox.enter(this);
    this.needBytes = 0;
    while (at < bound) {
      const partial = ran < parsed ? undefined : this.#partial;
      let request: Request;
      let found: number = COMPLETE;
      let next: number;
      if (ran < parsed && session.isAuthenticated) {
        request = requests[ran]!;
        next = request.to;
        ran++;
      } else if (partial === undefined) {
        request = requests[0]!;
        found = parser.parse(region, at, to, request, session.isAuthenticated);
        next = parser.next;
        ran = 1;
        parsed = found === COMPLETE ? this.#parseAhead(region, next, to, bound) : 1;
      } else {
        request = partial.request;
        found = parser.resume(region, at, to, request, session.isAuthenticated, partial.progress);
        next = parser.next;
      }
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
    share.ahead.end();
    outbox.leave();
    share.schedule();
    return at;
  }

  /**
   * After the request in `requests[0]`, which ends at `from`: parses the short ones that follow it, and looks at their keys. Returns how many requests
   * there are then. Inline ones can't be parsed twice, and long ones would leave room for many arguments behind.
   */
  #parseAhead(region: Region, from: number, to: number, bound: number): number {
    if (from >= bound || !this.session.isAuthenticated || !isShort(region, from, to)) return 1;
    const { ahead, dispatcher, parser, requests } = this.#share;
    ahead.begin(region, dispatcher.keysOf(this.session));
    addKey(ahead, requests[0]!);
    let count = 1;
    let at = from;
    while (count < requests.length && at < bound && isShort(region, at, to)) {
      const request = requests[count]!;
      if (parser.parse(region, at, to, request, true) !== COMPLETE) break;
      addKey(ahead, request);
      at = request.to;
      count++;
    }
    ahead.warm();
    return count;
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

/** What a share has for requests that are parsed ahead. */
export function pipelineRequests(): readonly Request[] {
  return Array.from({ length: LOOK_AHEAD_KEYS }, () => new Request(16));
}

/** Whether a request of less than ten arguments begins here. */
function isShort({ bytes }: Region, at: number, to: number): boolean {
  return at + 3 < to && bytes[at] === ASTERISK && bytes[at + 2] === CARRIAGE_RETURN;
}

/** The first argument is the key, where there is one. */
function addKey(ahead: LookAhead, request: Request): void {
  if (request.count > 1) ahead.add(request.start[1]!, request.end[1]!);
}
