/** The sockets a server listens on: TCP, TLS and Unix, with maxclients and protected mode at the door. */
import net from 'node:net';
import tls from 'node:tls';
import { type FileSystem, joinPath, readSmallFile } from '../os/file-system.ts';
import {
  adoptPlainSocket,
  adoptTlsSocket,
  isLoopback,
  type ReadRegion,
  type SocketTransport,
} from './node-transport.ts';

export interface TlsOptions {
  certFile: string;
  keyFile: string;
  keyPassphrase: string;
  caFile: string;
  caDirectory: string;
  /** `tls-auth-clients`: whether clients must, may or need not show a certificate. */
  authClients: 'yes' | 'no' | 'optional';
  protocols: string;
  ciphers: string;
  cipherSuites: string;
  preferServerCiphers: boolean;
}

export interface ListenOptions {
  /** Addresses as in `bind`; a leading '-' means that it may be missing on this machine; `*` is every address. */
  bind: readonly string[];
  /** 0: no TCP. */
  port: number;
  /** 0: no TLS. */
  tlsPort: number;
  tls: TlsOptions | undefined;
  /** '' : none. */
  unixSocket: string;
  /** Octal permissions of the Unix socket, 0: as the umask says. */
  unixSocketMode: number;
  backlog: number;
  /** Seconds; 0: off. */
  keepAliveSeconds: number;
}

/** Decides at the door: an error text to send before closing, or undefined to let the client in. */
export type Admission = (isLocal: boolean) => string | undefined;

export class ListenError extends Error {
  readonly code: string;
  constructor(address: string, cause: NodeJS.ErrnoException) {
    super(`Could not listen on ${address}: ${cause.message}`, { cause });
    this.name = 'ListenError';
    this.code = cause.code ?? 'ELISTEN';
  }
}

export class Listeners {
  /** What is listened on, for people: `127.0.0.1:6379`, `tls 127.0.0.1:6380`, `/tmp/kvasir.sock`. */
  readonly addresses: string[] = [];
  /** The TCP port in use (the one the system chose where 0 was asked with a bind). */
  tcpPort = 0;
  tlsPort = 0;
  readonly #servers: net.Server[] = [];
  readonly #files: FileSystem;
  readonly #reads: ReadRegion;
  readonly #admit: Admission;
  readonly #accept: (transport: SocketTransport) => void;
  #unixSocket = '';

  constructor(
    files: FileSystem,
    reads: ReadRegion,
    admit: Admission,
    accept: (transport: SocketTransport) => void,
  ) {
    this.#files = files;
    this.#reads = reads;
    this.#admit = admit;
    this.#accept = accept;
  }

  /** Opens all listeners; throws ListenError, with none left open, when one that is not optional fails. */
  async open(options: ListenOptions): Promise<void> {
    try {
      for (const address of options.bind) {
        if (options.port !== 0) await this.#listenTcp(address, options);
        if (options.tlsPort !== 0 && options.tls !== undefined)
          await this.#listenTls(address, options);
      }
      if (options.unixSocket !== '') await this.#listenUnix(options);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Stops accepting. Connections that are open stay. */
  async close(): Promise<void> {
    const servers = this.#servers.splice(0);
    // A server that waits for its connections would never end: only its listening is stopped here.
    for (const server of servers) server.close();
    if (this.#unixSocket !== '') {
      this.#removeSocket(this.#unixSocket);
      this.#unixSocket = '';
    }
    await Promise.resolve();
  }

  async #listenTcp(address: string, options: ListenOptions): Promise<void> {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      this.#admitPlain(socket, options, undefined);
    });
    const bound = await this.#listen(server, address, options.port, options.backlog);
    if (bound === undefined) return;
    this.tcpPort = bound.port;
    this.addresses.push(formatBound(bound));
  }

  async #listenTls(address: string, options: ListenOptions): Promise<void> {
    const server = tls.createServer(tlsServerOptions(this.#files, options.tls!), (socket) => {
      configure(socket, options);
      const refusal = this.#admit(isLoopback(socket.remoteAddress ?? ''));
      if (refusal !== undefined) {
        socket.on('error', () => {});
        socket.end(`-${refusal}\r\n`);
        return;
      }
      this.#accept(adoptTlsSocket(socket));
    });
    const bound = await this.#listen(server, address, options.tlsPort, options.backlog);
    if (bound === undefined) return;
    this.tlsPort = bound.port;
    this.addresses.push(`tls ${formatBound(bound)}`);
  }

  async #listenUnix(options: ListenOptions): Promise<void> {
    const path = options.unixSocket;
    this.#removeSocket(path); // as Redis: what an earlier server left behind
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      this.#admitPlain(socket, options, path);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new ListenError(path, error)));
      server.listen({ path, backlog: options.backlog }, resolve);
    });
    if (options.unixSocketMode !== 0) this.#files.changeMode(path, options.unixSocketMode);
    this.#servers.push(server);
    this.#unixSocket = path;
    this.addresses.push(path);
  }

  #removeSocket(path: string): void {
    if (this.#files.stat(path) !== undefined) this.#files.unlink(path);
  }

  #admitPlain(socket: net.Socket, options: ListenOptions, unixPath: string | undefined): void {
    if (unixPath === undefined) configure(socket, options);
    const refusal = this.#admit(unixPath !== undefined || isLoopback(socket.remoteAddress ?? ''));
    if (refusal !== undefined) {
      socket.on('error', () => {});
      socket.end(`-${refusal}\r\n`);
      return;
    }
    this.#accept(adoptPlainSocket(socket, this.#reads, unixPath));
  }

  /** Listens on one address of `bind`; undefined where an optional one is not there. */
  async #listen(
    server: net.Server,
    bind: string,
    port: number,
    backlog: number,
  ): Promise<net.AddressInfo | undefined> {
    const isOptional = bind.startsWith('-');
    const name = isOptional ? bind.slice(1) : bind;
    const host = name === '*' ? '0.0.0.0' : name === '::*' ? '::' : name;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port, backlog, ipv6Only: host === '::' }, resolve);
      });
    } catch (cause) {
      const error = cause as NodeJS.ErrnoException;
      if (isOptional && (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT'))
        return undefined;
      throw new ListenError(`${host}:${port}`, error);
    }
    this.#servers.push(server);
    return server.address() as net.AddressInfo;
  }
}

function configure(socket: net.Socket, options: ListenOptions): void {
  socket.setNoDelay(true);
  if (options.keepAliveSeconds > 0) socket.setKeepAlive(true, options.keepAliveSeconds * 1000);
}

function formatBound(bound: net.AddressInfo): string {
  return bound.family === 'IPv6'
    ? `[${bound.address}]:${bound.port}`
    : `${bound.address}:${bound.port}`;
}

/** Certificates and keys are small. */
const CERTIFICATE_LIMIT_BYTES = 1024 * 1024;

/** Node.js's options for a TLS listener; throws FileError where a file cannot be read. */
export function tlsServerOptions(files: FileSystem, options: TlsOptions): tls.TlsOptions {
  const read = (path: string): Buffer =>
    Buffer.from(readSmallFile(files, path, CERTIFICATE_LIMIT_BYTES));
  const ca: Buffer[] = [];
  if (options.caFile !== '') ca.push(read(options.caFile));
  if (options.caDirectory !== '') {
    for (const name of files.readDirectory(options.caDirectory)) {
      if (/\.(pem|crt|cer)$/.test(name)) ca.push(read(joinPath(options.caDirectory, name)));
    }
  }
  const versions = options.protocols.split(/\s+/).filter((v) => v !== '');
  const ciphers = [options.cipherSuites, options.ciphers].filter((c) => c !== '').join(':');
  return {
    cert: read(options.certFile),
    key: read(options.keyFile),
    ...(options.keyPassphrase === '' ? {} : { passphrase: options.keyPassphrase }),
    ...(ca.length > 0 ? { ca } : {}),
    requestCert: options.authClients !== 'no',
    rejectUnauthorized: options.authClients === 'yes',
    minVersion: versions.length === 0 || versions.includes('TLSv1.2') ? 'TLSv1.2' : 'TLSv1.3',
    maxVersion: versions.length === 0 || versions.includes('TLSv1.3') ? 'TLSv1.3' : 'TLSv1.2',
    ...(ciphers === '' ? {} : { ciphers }),
    honorCipherOrder: options.preferServerCiphers,
  };
}
