/**
 * From accepted sockets to TLS sockets whose handshake is done. The TLS server inside listens to nothing: sockets are given to it, so it
 * can be exchanged for one with other certificates while listeners and connections stay.
 */
import type net from 'node:net';
import tls from 'node:tls';
import { HANDSHAKE_MS } from './limits.ts';

export class TlsHandshakes {
  readonly #accept: (socket: tls.TLSSocket) => void;
  readonly #failed: (socket: tls.TLSSocket, error: Error) => void;
  #server: tls.Server | undefined = undefined;
  /** The sockets under all TLS sockets, and how many of them are past their handshake. */
  readonly #sockets: Set<net.Socket> = new Set();
  #done = 0;

  /** `accept` takes each socket whose client may come in, `failed` is told of the others. */
  constructor(
    accept: (socket: tls.TLSSocket) => void,
    failed: (socket: tls.TLSSocket, error: Error) => void,
  ) {
    this.#accept = accept;
    this.#failed = failed;
  }

  /** Sockets in the middle of their handshake. */
  get count(): number {
    return this.#sockets.size - this.#done;
  }

  /** Handshakes from now on go by `options`; `isOptional`: a client may show no certificate, but none that does not count. */
  configure(options: tls.TlsOptions, isOptional: boolean): void {
    const all = { ...options, handshakeTimeout: HANDSHAKE_MS };
    const server = tls.createServer(all, (socket) => {
      this.#done++;
      socket.once('close', () => this.#done--);
      if (isOptional && !socket.authorized && hasCertificate(socket)) {
        socket.on('error', () => {});
        socket.destroy();
        this.#failed(socket, socket.authorizationError);
      } else {
        this.#accept(socket);
      }
    });
    server.on('tlsClientError', (error, socket) => this.#failed(socket, error));
    this.#server = server;
  }

  begin(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#server === undefined) socket.destroy();
    else this.#server.emit('connection', socket);
  }

  /** Ends all that is left, handshakes above all: they would keep the process waiting. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function hasCertificate(socket: tls.TLSSocket): boolean {
  return Object.keys(socket.getPeerCertificate()).length > 0;
}
