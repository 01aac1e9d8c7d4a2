/**
 * memcached over UDP. A datagram begins with a frame header of 8 bytes, numbers with their highest byte first:
 *
 *   0  request id, which the answer repeats
 *   2  number of this datagram among those of its request or answer
 *   4  how many datagrams these are
 *   6  reserved
 *
 * A request is one datagram, with any number of commands in it. An answer is as many as it takes, up to MAX_ANSWER_BYTES; what would be longer is an error
 * instead, since nobody knows whether the sender is who the datagram says. Datagrams get lost: what can't be answered now is not answered.
 */
import { Region } from '../../bytes/region.ts';
import { COMPLETE } from '../../bytes/resp-parser.ts';
import { MAGIC_REQUEST } from '../../models/memcached/binary-request.ts';
import { MemcachedClient } from '../../models/memcached/client.ts';
import { MAX_ANSWER_BYTES } from '../../models/memcached/options.ts';
import { RAN } from '../../models/redis/dispatch.ts';
import { Session, type SessionIo } from '../../models/redis/session.ts';
import type { OutputRegion, Recipient } from '../outbox.ts';
import type { MemcacheShare } from './connection.ts';
import { ANSWER_DATAGRAM_BYTES, MAX_DATAGRAM_BYTES, MAX_WAITING_ANSWERS } from './limits.ts';

export const FRAME_BYTES = 8;

const TOO_LONG = Buffer.from('SERVER_ERROR the answer is too long for UDP\r\n');
const SEVERAL = Buffer.from('SERVER_ERROR multi-packet request not supported\r\n');

/** What stands behind the session of datagrams: there is no connection. */
const NO_CONNECTION: SessionIo = {
  address: 'udp:0',
  localAddress: 'udp:0',
  fd: -1,
  isUnixSocket: false,
  isTls: false,
  isLocal: false,
  totalInputBytes: 0,
  totalOutputBytes: 0,
  queryBufferBytes: () => 0,
  queryBufferFreeBytes: () => 0,
  outputBytes: () => 0,
  outputPieces: () => 0,
  memoryBytes: () => 0,
  close: () => {},
  closeAfterOutput: () => {},
  resume: () => {},
};

/** The datagrams of one socket; `P` is where one came from. */
export class Datagrams<P> {
  readonly #share: MemcacheShare;
  readonly #send: (datagram: Uint8Array, to: P) => void;
  readonly #client: MemcachedClient;
  readonly #input: Region = Region.allocate(MAX_DATAGRAM_BYTES);
  #waiting = 0;

  constructor(share: MemcacheShare, send: (datagram: Uint8Array, to: P) => void) {
    this.#share = share;
    this.#send = send;
    this.#client = new MemcachedClient(new Session(0, NO_CONNECTION, 0, true), true);
    this.#client.isDatagram = true;
  }

  /** A datagram arrived; what it changes is part of the tick that is under way. */
  receive(datagram: Uint8Array, from: P): void {
    const share = this.#share;
    share.inputBytes += datagram.length;
    share.reads++;
    if (datagram.length < FRAME_BYTES || datagram.length > MAX_DATAGRAM_BYTES) return;
    if (this.#waiting >= MAX_WAITING_ANSWERS) return;
    const answer = new Answer(this.#client.session, (pieces, length) => {
      this.#waiting--;
      this.#answer(datagram, from, length > MAX_ANSWER_BYTES ? TOO_LONG : Buffer.concat(pieces));
    });
    if (datagram[2] !== 0 || datagram[3] !== 0 || datagram[4] !== 0 || datagram[5] !== 1) {
      this.#answer(datagram, from, SEVERAL);
      return;
    }
    this.#input.bytes.set(datagram);
    this.#run(answer, datagram.length);
    if (answer.heldBytes > 0) this.#waiting++;
    share.schedule();
  }

  #run(answer: Answer, to: number): void {
    const share = this.#share;
    const { outbox } = share;
    const region = this.#input;
    const client = this.#client;
    client.isBinary = region.bytes[FRAME_BYTES] === MAGIC_REQUEST;
    client.isAuthenticated = true;
    outbox.enter(answer);
    let at = FRAME_BYTES;
    const { binaryParser, binaryRequest, textParser } = share;
    const textRequest = share.textRequests[0]!;
    textParser.scannedBytes = 0;
    while (at < to && answer.heldBytes <= MAX_ANSWER_BYTES) {
      const found = client.isBinary
        ? binaryParser.parse(region, at, to, binaryRequest, true)
        : textParser.parse(region, at, to, textRequest, true);
      if (found !== COMPLETE) break;
      at = client.isBinary ? binaryParser.next : textRequest.next;
      const skipBytes = client.isBinary ? binaryParser.skipBytes : textRequest.skipBytes;
      const outcome = client.isBinary
        ? share.binaryDispatcher.execute(client, binaryRequest)
        : share.textDispatcher.execute(client, textRequest);
      if (outcome !== RAN || skipBytes > 0) break;
    }
    share.textParser.scannedBytes = 0;
    share.textDispatcher.context.items.ahead.end();
    outbox.leave();
  }

  /** Sends `bytes` in as many datagrams as they take. */
  #answer(request: Uint8Array, to: P, bytes: Uint8Array): void {
    const share = this.#share;
    const room = ANSWER_DATAGRAM_BYTES - FRAME_BYTES;
    const count = Math.ceil(bytes.length / room);
    for (let i = 0; i < count; i++) {
      const part = bytes.subarray(i * room, (i + 1) * room);
      const datagram = Buffer.alloc(FRAME_BYTES + part.length);
      datagram[0] = request[0]!;
      datagram[1] = request[1]!;
      datagram.writeUInt16BE(i, 2);
      datagram.writeUInt16BE(count, 4);
      datagram.set(part, FRAME_BYTES);
      share.outputBytes += datagram.length;
      share.writes++;
      this.#send(datagram, to);
    }
  }
}

/** What one datagram is answered, until the log lets it go. */
class Answer implements Recipient {
  readonly session: Session;
  readonly isGone = false;
  heldBytes = 0;
  readonly #done: (pieces: readonly Uint8Array[], length: number) => void;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(session: Session, done: (pieces: readonly Uint8Array[], length: number) => void) {
    this.session = session;
    this.#done = done;
  }

  offer(region: OutputRegion, from: number, to: number): boolean {
    const isFirst = this.#length === 0;
    this.#length += to - from;
    if (this.#length <= MAX_ANSWER_BYTES) this.#pieces.push(region.region.bytes.slice(from, to));
    return isFirst;
  }

  flush(): void {
    this.#done(this.#pieces, this.#length);
  }
}
