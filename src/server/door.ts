/**
 * Who comes in: maxclients before anything else, then the TLS handshake where there is one, then protected mode. Who is refused is told why,
 * as far as that can be said in plain text or through TLS, and is closed whether it reads that or not.
 */
import type net from 'node:net';
import {
  adoptPlainSocket,
  adoptTlsSocket,
  isLoopback,
  type ReadRegion,
  type SocketTransport,
} from './node-transport.ts';
import { TlsHandshakes } from './tls-handshakes.ts';

export interface DoorOptions {
  reads: ReadRegion;
  /** Whether `maxclients` are there; `handshaking` of them are not clients yet. */
  isFull(handshaking: number): boolean;
  /** Clients of other machines may not come in. */
  isProtected(): boolean;
  accept(transport: SocketTransport): void;
  log(message: string): void;
  /** What somebody is told who may not come in. */
  readonly refusals: Refusals;
  /** Somebody did not come in. */
  refused?(): void;
}

/** Lines, as the protocol has them. */
export interface Refusals {
  readonly full: string;
  readonly isProtected: string;
}

export const RESP_REFUSALS: Refusals = {
  full: '-ERR max number of clients reached\r\n',
  isProtected:
    '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. ' +
    'In this mode connections are only accepted from the loopback interface. To let other machines in, set a password (requirepass), ' +
    "or, where the network itself is trusted, say CONFIG SET protected-mode no from this machine, or start with '--protected-mode no'.\r\n",
};

export class Door {
  /** `tcp-keepalive` in seconds; 0: off. */
  keepAliveSeconds = 0;
  /** Clients that came in, and those that did not. */
  received = 0;
  rejected = 0;
  readonly handshakes: TlsHandshakes;
  readonly #options: DoorOptions;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.handshakes = new TlsHandshakes(
      (socket) => {
        if (this.#isKeptOut(socket.remoteAddress))
          this.#refuse(socket, options.refusals.isProtected);
        else this.#accept(adoptTlsSocket(socket, options.reads));
      },
      (socket, error) =>
        options.log(
          `Error accepting a client connection: ${error.message} (addr=${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0})`,
        ),
    );
  }

  /** A plain socket, of the Unix socket at `unixPath` if that is given; it was accepted with `pauseOnConnect`. */
  enter(socket: net.Socket, unixPath: string | undefined): void {
    if (this.#options.isFull(this.handshakes.count)) {
      this.#refuse(socket, this.#options.refusals.full);
    } else if (unixPath === undefined && this.#isKeptOut(socket.remoteAddress)) {
      this.#refuse(socket, this.#options.refusals.isProtected);
    } else {
      if (unixPath === undefined) this.#prepare(socket);
      this.#accept(adoptPlainSocket(socket, this.#options.reads, unixPath));
    }
  }

  /** A socket of a TLS port. */
  enterTls(socket: net.Socket): void {
    if (this.#options.isFull(this.handshakes.count)) {
      this.#noteRefusal(); // without a handshake there is nothing it would understand
      socket.destroy();
      return;
    }
    this.#prepare(socket);
    this.handshakes.begin(socket);
  }

  #isKeptOut(address: string | undefined): boolean {
    return !isLoopback(address ?? '') && this.#options.isProtected();
  }

  #prepare(socket: net.Socket): void {
    socket.setNoDelay(true);
    if (this.keepAliveSeconds > 0) socket.setKeepAlive(true, this.keepAliveSeconds * 1000);
  }

  #accept(transport: SocketTransport): void {
    this.received++;
    this.#options.accept(transport);
  }

  #noteRefusal(): void {
    this.rejected++;
    this.#options.refused?.();
  }

  #refuse(socket: net.Socket, line: string): void {
    this.#noteRefusal();
    socket.on('error', () => {});
    socket.end(line);
    socket.destroySoon();
  }
}
