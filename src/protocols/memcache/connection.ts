/**
 * One memcached client. Its first byte says which protocol it speaks; from then on its requests are found and run one after the other.
 */
import type { Region } from '../../bytes/region.ts';
import { COMPLETE, FAILED, INCOMPLETE } from '../../bytes/resp-parser.ts';
import { LOOK_AHEAD_KEYS, type LookAhead } from '../../memory/index.ts';
import type { BinaryDispatcher } from '../../models/memcached/binary-dispatch.ts';
import { type BinaryRequest, MAGIC_REQUEST } from '../../models/memcached/binary-request.ts';
import type { MemcachedClient } from '../../models/memcached/client.ts';
import type { Protocol } from '../../models/memcached/options.ts';
import type { TextDispatcher } from '../../models/memcached/text-dispatch.ts';
import { TextRequest } from '../../models/memcached/text-request.ts';
import { CLOSED, POSTPONED, RAN } from '../../models/redis/dispatch.ts';
import { Connection, type ConnectionShare } from '../connection.ts';
import type { Transport } from '../transport.ts';
import type { BinaryParser } from './binary-parser.ts';
import type { TextParser } from './text-parser.ts';

/** What all memcached connections of a shard share. */
export interface MemcacheShare extends ConnectionShare {
  /** What clients may speak. */
  readonly protocol: Protocol;
  readonly textParser: TextParser;
  /** What `pipelinedRequests` makes. */
  readonly textRequests: readonly TextRequest[];
  readonly textDispatcher: TextDispatcher;
  readonly binaryParser: BinaryParser;
  readonly binaryRequest: BinaryRequest;
  readonly binaryDispatcher: BinaryDispatcher;
}

export class MemcacheConnection extends Connection {
  client!: MemcachedClient;
  readonly #share: MemcacheShare;
  #isProtocolKnown = false;
  /** Bytes of a value that is too long, still to come: they are read over. */
  #skipBytes = 0;
  /** How much of the next line was looked through in vain. */
  #scannedBytes = 0;

  constructor(transport: Transport, share: MemcacheShare) {
    super(transport, share);
    this.#share = share;
  }

  protected override run(region: Region, from: number, to: number, bound: number): number {
    const share = this.#share;
    const { client } = this;
    const at = this.#skip(from, to);
    if (!this.#isProtocolKnown && at < to) {
      this.#isProtocolKnown = true;
      client.isBinary = isBinary(share.protocol, region.bytes[at]!);
    }
    share.outbox.enter(this);
    client.requestsBefore = 0;
    this.needBytes = 0;
    const end = client.isBinary
      ? this.#runBinary(region, at, to, bound)
      : this.#runText(region, at, to, bound);
    share.outbox.leave();
    share.schedule();
    return end;
  }

  /**
   * What runs requests stays a method of its own: V8 enters a function with a hot loop in the middle and may leave it in slow code after the next
   * deoptimization, which clients that send one request at a time would pay for.
   */
  #runText(region: Region, from: number, to: number, bound: number): number {
    const { textParser } = this.#share;
    textParser.scannedBytes = this.#scannedBytes;
    this.#scannedBytes = 0;
    let at = from;
    while (at < bound && this.needBytes === 0 && this.mayRun()) {
      at = this.#runSome(region, at, to, bound);
    }
    textParser.scannedBytes = 0;
    return at;
  }

  /** Runs the request at `at`, and those that were parsed ahead with it; returns where the next one begins. */
  #runSome(region: Region, at: number, to: number, bound: number): number {
    const { textDispatcher, textParser, textRequests } = this.#share;
    const { client } = this;
    const first = textRequests[0]!;
    const found = textParser.parse(region, at, to, first, client.isAuthenticated);
    if (found !== COMPLETE) return this.#stopAt(at, to, found);
    const count = first.next < bound ? this.#parseAhead(first, to, bound) : 1;
    for (let i = 0; i < count; i++) {
      const request = textRequests[i]!;
      const outcome = textDispatcher.execute(client, request);
      if (outcome === POSTPONED) this.isPostponed = true;
      else at = this.#ran(request.next, to, request.skipBytes);
      if (outcome === CLOSED) at = this.#close(to);
      if (outcome !== RAN || this.throttle()) break;
    }
    textDispatcher.context.items.ahead.end();
    return at;
  }

  /** No request could be made of what is at `at`. */
  #stopAt(at: number, to: number, found: number): number {
    if (found === FAILED) return this.#fail(to);
    const { textParser } = this.#share;
    this.needBytes = textParser.needBytes;
    this.#scannedBytes = textParser.scannedBytes;
    return at;
  }

  /** Parses requests that follow `first`, and looks at the keys of all; returns how many requests there are then. */
  #parseAhead(first: TextRequest, to: number, bound: number): number {
    // Who has to authenticate first has no requests ahead: how they are parsed is not known yet.
    if (first.skipBytes > 0 || !this.client.isAuthenticated) return 1;
    const { textDispatcher, textParser, textRequests } = this.#share;
    const { ahead } = textDispatcher.context.items;
    const { region } = first;
    ahead.begin(region);
    addKey(ahead, first);
    let count = 1;
    let at = first.next;
    while (count < textRequests.length && at < bound) {
      const request = textRequests[count]!;
      if (textParser.parse(region, at, to, request, true) !== COMPLETE) break;
      count++;
      at = request.next;
      if (request.skipBytes > 0) break;
      addKey(ahead, request);
    }
    ahead.warm();
    return count;
  }

  #runBinary(region: Region, from: number, to: number, bound: number): number {
    const { binaryDispatcher, binaryParser, binaryRequest } = this.#share;
    const { client } = this;
    let at = from;
    while (at < bound) {
      const found = binaryParser.parse(region, at, to, binaryRequest, client.isAuthenticated);
      if (found === INCOMPLETE) {
        this.needBytes = binaryParser.needBytes;
        break;
      }
      if (found === FAILED) return this.#fail(to);
      const { next, skipBytes } = binaryParser;
      const outcome = binaryDispatcher.execute(client, binaryRequest);
      if (outcome === POSTPONED) this.isPostponed = true;
      else at = this.#ran(next, to, skipBytes);
      if (outcome === CLOSED) at = this.#close(to);
      if (outcome !== RAN || this.throttle()) break;
    }
    return at;
  }

  /** A request has run that ends at `next`; returns where the one behind it begins. */
  #ran(next: number, to: number, skipBytes: number): number {
    this.client.requestsBefore++;
    if (skipBytes === 0) return next;
    this.#skipBytes = skipBytes;
    return this.#skip(next, to);
  }

  /** What was sent is no request. */
  #fail(to: number): number {
    this.client.closeReason = 'error';
    this.#share.log('verbose', `Protocol error from memcached client ${this.address}`);
    return this.#close(to);
  }

  #close(to: number): number {
    this.closeAfterOutput();
    return to;
  }

  /** Reads over what is to be skipped of `[at, to)`; returns where it ends. */
  #skip(at: number, to: number): number {
    if (this.#skipBytes === 0) return at;
    const part = Math.min(this.#skipBytes, to - at);
    this.#skipBytes -= part;
    return at + part;
  }
}

/** Adds the key that a request looks up first. */
function addKey(ahead: LookAhead, request: TextRequest): void {
  const { command } = request;
  if (command === undefined || command.isAboutServer) return;
  if (command.isRetrieval) {
    if (request.nextWord(request.rest)) ahead.add(request.wordStart, request.wordEnd);
  } else if (request.count > 1) {
    ahead.add(request.start[1]!, request.end[1]!);
  }
}

/** Room for requests of a pipeline that are parsed ahead. */
export function pipelinedRequests(): readonly TextRequest[] {
  return Array.from({ length: LOOK_AHEAD_KEYS }, () => new TextRequest());
}

function isBinary(protocol: Protocol, first: number): boolean {
  return protocol === 'auto' ? first === MAGIC_REQUEST : protocol === 'binary';
}
