/**
 * Transports over Node.js sockets.
 *
 * Plain sockets read into one region that all of them share (`onread`): the bytes are used up before the callback returns, so nothing is
 * allocated for a read. An accepted socket has begun its life without `onread`, hence its handle is moved to a new one. TLS has
 * neither `onread` nor immediate writes: it takes the ordinary `data` events, whose bytes are copied to the same region.
 */
import net from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Region } from '../bytes/region.ts';
import { CARRY_BYTES, READ_BYTES } from '../protocols/limits.ts';
import type { Transport } from '../protocols/transport.ts';

/** What a transport tells its connection. */
export interface TransportEvents {
  /** False: read no more until `Transport.resume`. */
  receive(region: Region, at: number, length: number): boolean;
  receivedEnd(): void;
  closed(): void;
}

const NO_EVENTS: TransportEvents = {
  receive: () => true,
  receivedEnd: () => {},
  closed: () => {},
};

const NOTHING = Buffer.alloc(0);

/** The region that all sockets of a shard read into: CARRY_BYTES of room, then READ_BYTES for what arrives. */
export class ReadRegion {
  readonly region: Region;
  readonly buffer: Buffer;

  constructor() {
    const memory = new ArrayBuffer(CARRY_BYTES + READ_BYTES);
    this.region = new Region(memory);
    this.buffer = Buffer.from(memory, CARRY_BYTES, READ_BYTES);
  }
}

interface SocketHandle {
  fd?: number;
}

abstract class SocketTransport implements Transport {
  events: TransportEvents = NO_EVENTS;
  abstract readonly borrowsBytes: boolean;
  abstract readonly isTls: boolean;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly fd: number;
  readonly isUnixSocket: boolean;
  readonly isLocal: boolean;
  protected readonly socket: net.Socket;

  constructor(
    socket: net.Socket,
    accepted: net.Socket,
    handle: SocketHandle,
    unixPath: string | undefined,
  ) {
    this.socket = socket;
    this.isUnixSocket = unixPath !== undefined;
    this.remoteAddress =
      unixPath === undefined
        ? formatAddress(accepted.remoteAddress, accepted.remotePort)
        : `${unixPath}:0`;
    this.localAddress =
      unixPath === undefined
        ? formatAddress(
            accepted.localAddress ?? socket.localAddress, // the handle is no longer the accepted socket's
            accepted.localPort ?? socket.localPort,
          )
        : `${unixPath}:0`;
    this.isLocal = this.isUnixSocket || isLoopback(accepted.remoteAddress ?? '');
    this.fd = handle.fd ?? -1;
    socket.on('end', () => this.events.receivedEnd());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.events.closed());
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  writeMany(pieces: readonly Uint8Array[]): void {
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }

  pendingBytes(): number {
    return this.socket.writableLength;
  }

  whenDrained(fn: () => void): void {
    // An empty piece queues behind what waits, so its callback says that all before it has left.
    this.socket.write(NOTHING, (error) => {
      if (!error) fn();
    });
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
    this.socket.destroySoon();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

class PlainTransport extends SocketTransport {
  readonly borrowsBytes = true;
  readonly isTls = false;
}

class TlsTransport extends SocketTransport {
  readonly borrowsBytes = false;
  readonly isTls = true;
}

/** Takes over an accepted plain socket (TCP or Unix); the server must accept with `pauseOnConnect`. */
export function adoptPlainSocket(
  accepted: net.Socket,
  reads: ReadRegion,
  unixPath: string | undefined,
): SocketTransport {
  const holder = accepted as unknown as { _handle: SocketHandle | null };
  const handle = holder._handle ?? {};
  holder._handle = null;
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: reads.buffer,
      callback: (length: number): boolean =>
        transport.events.receive(reads.region, CARRY_BYTES, length),
    },
  };
  const socket = new net.Socket(options);
  const transport = new PlainTransport(socket, accepted, handle, unixPath);
  return transport;
}

/** Takes a TLS socket whose handshake is done. */
export function adoptTlsSocket(socket: TLSSocket, reads: ReadRegion): SocketTransport {
  const handle = (socket as unknown as { _handle: SocketHandle | null })._handle ?? {};
  const transport = new TlsTransport(socket, socket, handle, undefined);
  socket.on('data', (chunk: Buffer) => {
    for (let from = 0; from < chunk.length; from += READ_BYTES) {
      const part = Math.min(READ_BYTES, chunk.length - from);
      reads.buffer.set(chunk.subarray(from, from + part));
      if (!transport.events.receive(reads.region, CARRY_BYTES, part)) socket.pause();
    }
  });
  return transport;
}

function formatAddress(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '?:0';
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain.includes(':') ? `[${plain}]:${port ?? 0}` : `${plain}:${port ?? 0}`;
}

export function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain === '::1' || plain.startsWith('127.');
}

export type { SocketTransport };
