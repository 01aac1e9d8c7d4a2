/**
 * One memcached client. Its first byte says which protocol it speaks; from then on its requests are found and run one after the other, as a RESP
 * client's are.
 */
import type { Region } from '../../bytes/region.ts';
import { FAILED, INCOMPLETE } from '../../bytes/resp-parser.ts';
import type { BinaryDispatcher } from '../../models/memcached/binary-dispatch.ts';
import { type BinaryRequest, MAGIC_REQUEST } from '../../models/memcached/binary-request.ts';
import type { MemcachedClient } from '../../models/memcached/client.ts';
import type { Protocol } from '../../models/memcached/options.ts';
import type { TextDispatcher } from '../../models/memcached/text-dispatch.ts';
import type { TextRequest } from '../../models/memcached/text-request.ts';
import { CLOSED, PARKED, POSTPONED } from '../../models/redis/dispatch.ts';
import { Connection, type ConnectionShare } from '../connection.ts';
import type { Transport } from '../transport.ts';
import type { BinaryParser } from './binary-parser.ts';
import type { TextParser } from './text-parser.ts';

/** What all memcached connections of a shard share. */
export interface MemcacheShare extends ConnectionShare {
  /** What clients may speak. */
  readonly protocol: Protocol;
  readonly textParser: TextParser;
  readonly textRequest: TextRequest;
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
    const { outbox } = share;
    let at = this.#skip(from, to);
    if (!this.#isProtocolKnown && at < to) {
      this.#isProtocolKnown = true;
      this.client.isBinary = isBinary(share.protocol, region.bytes[at]!);
    }
    const { client } = this;
    outbox.enter(this);
    client.requestsBefore = 0;
    this.needBytes = 0;
    share.textParser.scannedBytes = this.#scannedBytes;
    this.#scannedBytes = 0;
    while (at < bound) {
      const parser = client.isBinary ? share.binaryParser : share.textParser;
      const found = client.isBinary
        ? share.binaryParser.parse(region, at, to, share.binaryRequest, client.isAuthenticated)
        : share.textParser.parse(region, at, to, share.textRequest, client.isAuthenticated);
      if (found === INCOMPLETE) {
        this.needBytes = parser.needBytes;
        if (!client.isBinary) this.#scannedBytes = share.textParser.scannedBytes;
        break;
      }
      if (found === FAILED) {
        client.closeReason = 'error';
        share.log('verbose', `Protocol error from memcached client ${this.address}`);
        this.closeAfterOutput();
        at = to;
        break;
      }
      const { next, skipBytes } = parser;
      const outcome = client.isBinary
        ? share.binaryDispatcher.execute(client, share.binaryRequest)
        : share.textDispatcher.execute(client, share.textRequest);
      if (outcome === POSTPONED) {
        this.isPostponed = true;
        break;
      }
      at = next;
      client.requestsBefore++;
      if (skipBytes > 0) {
        this.#skipBytes = skipBytes;
        at = this.#skip(at, to);
      }
      if (outcome === PARKED) break;
      if (outcome === CLOSED) {
        this.closeAfterOutput();
        at = to;
        break;
      }
      if (this.throttle()) break;
    }
    outbox.leave();
    share.schedule();
    return at;
  }

  /** Reads over what is to be skipped of `[at, to)`; returns where it ends. */
  #skip(at: number, to: number): number {
    if (this.#skipBytes === 0) return at;
    const part = Math.min(this.#skipBytes, to - at);
    this.#skipBytes -= part;
    return at + part;
  }
}

function isBinary(protocol: Protocol, first: number): boolean {
  return protocol === 'auto' ? first === MAGIC_REQUEST : protocol === 'binary';
}
