/** What stands around a connection under test: a socket that takes as much as the test says, and ticks that end when the test says. */
import { Region } from '../bytes/region.ts';
import type { Connection, ConnectionShare } from './connection.ts';
import { CARRY_BYTES, READ_BYTES } from './limits.ts';
import { Outbox } from './outbox.ts';
import type { Transport } from './transport.ts';

/** A socket whose kernel takes `window` bytes and keeps the rest until `drain`. */
export class FakeTransport implements Transport {
  readonly remoteAddress = '127.0.0.1:1';
  readonly localAddress = '127.0.0.1:2';
  readonly fd = 7;
  readonly isUnixSocket = false;
  readonly isTls = false;
  readonly isLocal = true;
  borrowsBytes = true;
  window: number = Infinity;
  sent = '';
  writes = 0;
  isEnded = false;
  isDestroyed = false;
  isPaused = false;
  #waiting: { bytes: Uint8Array; from: number }[] = [];
  #drained: (() => void)[] = [];

  write(bytes: Uint8Array): void {
    this.writeMany([bytes]);
  }

  writeMany(pieces: readonly Uint8Array[]): void {
    this.writes++;
    for (const bytes of pieces) this.#waiting.push({ bytes, from: 0 });
    this.#take();
  }

  pendingBytes(): number {
    return this.#waiting.reduce((sum, piece) => sum + piece.bytes.length - piece.from, 0);
  }

  whenDrained(fn: () => void): void {
    this.#drained.push(fn);
  }

  /** The peer reads `bytes` more. */
  drain(bytes: number = Infinity): void {
    this.window = bytes;
    this.#take();
    if (this.pendingBytes() > 0) return;
    for (const fn of this.#drained.splice(0)) fn();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  #take(): void {
    while (this.window > 0 && this.#waiting.length > 0) {
      const piece = this.#waiting[0]!;
      const part = Math.min(this.window, piece.bytes.length - piece.from);
      this.sent += Buffer.from(piece.bytes.subarray(piece.from, piece.from + part)).toString(
        'latin1',
      );
      this.window -= part;
      piece.from += part;
      if (piece.from === piece.bytes.length) this.#waiting.shift();
    }
  }
}

/** What connections share, of fakes. */
export class FakeShare implements ConnectionShare {
  readonly outbox: Outbox = new Outbox();
  readonly logged: string[] = [];
  readonly gone: Connection[] = [];
  readonly idleSeconds = 0;
  maxQueryBytes: number = 1 << 30;
  inputBytes = 0;
  outputBytes = 0;
  reads = 0;
  writes = 0;
  maxOutputBytes: number = Infinity;
  readonly #reads: Region = Region.allocate(CARRY_BYTES + READ_BYTES);
  readonly #soon: (() => void)[] = [];

  /** Bytes arrive, as reads of at most READ_BYTES; the tick does not end. */
  deliver(connection: Connection, bytes: Uint8Array | string): void {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    for (let from = 0; from < data.length; from += READ_BYTES) {
      const part = data.subarray(from, from + READ_BYTES);
      this.#reads.bytes.fill(0xee);
      this.#reads.bytes.set(part, CARRY_BYTES);
      connection.receive(this.#reads, CARRY_BYTES, part.length);
    }
  }

  /** Ends ticks until nothing is left to do; output is released up to `durable`. */
  settle(durable: number = Infinity, position = 0): void {
    for (let turn = 0; turn < 1000; turn++) {
      this.outbox.seal(position);
      this.outbox.release(durable);
      const work = this.#soon.splice(0);
      if (work.length === 0) return;
      for (const fn of work) fn();
    }
    throw new Error('the connection never comes to rest');
  }

  mayHold(connection: Connection, bytes: number): boolean {
    if (bytes <= this.maxOutputBytes) return true;
    connection.close();
    return false;
  }

  noteMemory(): void {}

  schedule(): void {}

  soon(fn: () => void): void {
    this.#soon.push(fn);
  }

  log(_level: 'verbose' | 'warning', message: string): void {
    this.logged.push(message);
  }

  closed(connection: Connection): void {
    this.gone.push(connection);
  }
}
