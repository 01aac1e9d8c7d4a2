/**
 * One RESP client: requests in what arrives are run by the dispatcher. A long request that comes in many pieces is parsed on where it stopped: what is
 * known of it is kept, and moves along with its bytes.
 */
import type { Region } from '../../bytes/region.ts';
import {
  COMPLETE,
  FAILED,
  INCOMPLETE,
  type Progress,
  type RespParser,
} from '../../bytes/resp-parser.ts';
import { Request } from '../../bytes/resp-request.ts';
import { CLOSED, type Dispatcher, PARKED, POSTPONED } from '../../models/redis/dispatch.ts';
import { Connection, type ConnectionShare } from '../connection.ts';
import { CARRY_BYTES } from '../limits.ts';
import type { Transport } from '../transport.ts';

/** What all RESP connections of a shard share. */
export interface RespShare extends ConnectionShare {
  readonly parser: RespParser;
  readonly request: Request;
  readonly dispatcher: Dispatcher;
}

export class RespConnection extends Connection {
  readonly #share: RespShare;
  /** The request that is being collected, and how far it is parsed. */
  #partial: Request | undefined = undefined;
  #progress: Progress | undefined = undefined;

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
      const isResumed = this.#progress !== undefined;
      const request = isResumed ? this.#partial! : share.request;
      const found = isResumed
        ? parser.resume(region, at, to, request, session.isAuthenticated, this.#progress!)
        : parser.parse(region, at, to, request, session.isAuthenticated);
      if (found === INCOMPLETE) {
        this.needBytes = parser.needBytes;
        this.#saveProgress(request, at, to);
        break;
      }
      this.#progress = undefined;
      if (found === FAILED) {
        this.#failProtocol(parser.error);
        at = to;
        break;
      }
      const next = parser.next;
      if (found === COMPLETE) {
        const isSilent = session.replyMode !== 'on';
        const mark = isSilent ? outbox.mark() : 0;
        const outcome = dispatcher.execute(session, request);
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
    if (this.#partial !== undefined && this.#progress === undefined) this.#partial = undefined;
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

  #saveProgress(request: Request, at: number, to: number): void {
    const { parser } = this.#share;
    const found = parser.progress;
    // A short rest is parsed again from its start; only a long one is worth remembering.
    if (found.expected === 0 || to - at <= CARRY_BYTES) {
      this.#progress = undefined;
      return;
    }
    const kept = (this.#partial ??= new Request(Math.max(64, found.parsed)));
    if (kept !== request) {
      kept.reserve(found.parsed);
      kept.start.set(request.start.subarray(0, found.parsed));
      kept.end.set(request.end.subarray(0, found.parsed));
    }
    this.#progress = { expected: found.expected, parsed: found.parsed, at: found.at };
  }

  /** Moves the offsets of the collected request along with its bytes. */
  protected override inputMoved(shift: number): void {
    if (this.#progress === undefined || shift === 0) return;
    const { start, end } = this.#partial!;
    for (let i = 0; i < this.#progress.parsed; i++) {
      start[i]! += shift;
      end[i]! += shift;
    }
  }

  protected override inputDropped(): void {
    this.#progress = undefined;
  }
}
