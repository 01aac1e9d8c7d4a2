/**
 * The sockets a server listens on: TCP, TLS and Unix. `open` makes them at the start; `change` brings TCP and TLS in line with other settings
 * while the server runs, at once and as a whole: what both want stays open, and where something can't be had all is as before.
 */
import net from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { FileSystem } from '../os/file-system.ts';
import type { Door } from './door.ts';
import { type TlsOptions, tlsServerOptions } from './tls-options.ts';

type TlsServerOptions = ReturnType<typeof tlsServerOptions>;

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
}

export class ListenError extends Error {
  readonly code: string;
  constructor(address: string, code: string, reason: string, cause?: unknown) {
    super(`Could not listen on ${address}: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'ListenError';
    this.code = code;
  }
}

/** One address and port that is, or shall be, listened on. */
interface Place {
  isTls: boolean;
  host: string;
  port: number;
  isOptional: boolean;
}

interface Listener {
  place: Place;
  /** `host:port` as the system says it; the place may have a name. */
  bound: string;
  server: net.Server;
}

export class Listeners {
  readonly #files: FileSystem;
  readonly #door: Door;
  readonly #log: (message: string) => void;
  #listeners: Listener[] = [];
  /** What names in `bind` meant when they were looked up, at the start. */
  readonly #addressOf: Map<string, string> = new Map();
  #unix: net.Server | undefined = undefined;
  #unixPath = '';
  #isClosed = false;

  constructor(files: FileSystem, door: Door, log: (message: string) => void) {
    this.#files = files;
    this.#door = door;
    this.#log = log;
  }

  /** What is listened on, for people: `127.0.0.1:6379`, `tls 127.0.0.1:6380`, `/tmp/kvasir.sock`. */
  get addresses(): string[] {
    const all = this.#listeners.map(({ place, bound }) => (place.isTls ? `tls ${bound}` : bound));
    return this.#unixPath === '' ? all : [...all, this.#unixPath];
  }

  /** The TCP port in use, 0 without one. */
  get tcpPort(): number {
    return this.#listeners.find(({ place }) => !place.isTls)?.place.port ?? 0;
  }

  /** Opens all listeners; throws ListenError or TlsError, with none left open, when one that is not optional fails. */
  async open(options: ListenOptions): Promise<void> {
    try {
      this.#configureTls(options);
      for (const place of placesOf(options)) await this.#listen(place, options.backlog);
      if (options.unixSocket !== '') await this.#listenUnix(options);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Goes over to the addresses, ports and certificates of `options`. Throws ListenError or TlsError, and nothing changed. */
  change(options: ListenOptions): void {
    if (this.#isClosed) return;
    const tls = this.#tlsOptions(options);
    const wanted = placesOf(options);
    const kept = this.#listeners.filter(({ place }) => wanted.some((other) => same(place, other)));
    const dropped = this.#listeners.filter((listener) => !kept.includes(listener));
    // First the old ones go: `*` and an address of this machine exclude each other on one port.
    for (const { server } of dropped) server.close();
    this.#listeners = kept;
    const before = kept.length;
    try {
      for (const place of wanted) {
        const isOpen = this.#listeners.some((listener) => same(listener.place, place));
        if (!isOpen) this.#listenNow(place, options.backlog);
      }
    } catch (error) {
      for (const { server } of this.#listeners.splice(before)) server.close();
      for (const { place } of dropped) this.#listenAgain(place, options.backlog);
      throw error;
    }
    if (tls !== undefined) this.#door.handshakes.configure(tls, isOptional(options));
  }

  /** Stops accepting. Connections that are open stay. */
  close(): void {
    this.#isClosed = true;
    for (const { server } of this.#listeners.splice(0)) server.close();
    this.#unix?.close();
    if (this.#unixPath !== '') this.#removeSocket(this.#unixPath);
    this.#unixPath = '';
  }

  #configureTls(options: ListenOptions): void {
    const tls = this.#tlsOptions(options);
    if (tls !== undefined) this.#door.handshakes.configure(tls, isOptional(options));
  }

  #tlsOptions({ tls }: ListenOptions): TlsServerOptions | undefined {
    return tls === undefined ? undefined : tlsServerOptions(this.#files, tls);
  }

  #server(isTls: boolean): net.Server {
    return net.createServer({ pauseOnConnect: !isTls }, (socket) => {
      if (isTls) this.#door.enterTls(socket);
      else this.#door.enter(socket, undefined);
    });
  }

  async #listen(place: Place, backlog: number): Promise<void> {
    const { host, port } = place;
    const server = this.#server(place.isTls);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port, backlog, ipv6Only: host === '::' }, resolve);
      });
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (isAbsent(place, code)) return;
      throw new ListenError(`${host}:${port}`, code ?? 'ELISTEN', message, cause);
    }
    this.#opened(place, server);
  }

  /** The same within this turn of the event loop, so that CONFIG SET can answer what came of it. No name is looked up here. */
  #listenNow(place: Place, backlog: number): void {
    const host = this.#addressOf.get(place.host) ?? place.host;
    const { port } = place;
    const where = `${host}:${port}`;
    const family = net.isIP(host);
    if (family === 0) {
      throw new ListenError(where, 'ENOTFOUND', 'names are looked up at the start only');
    }
    const handle = createHandle(host, port, family);
    if (typeof handle === 'number') {
      const code = getSystemErrorName(handle);
      if (isAbsent(place, code)) return;
      throw new ListenError(where, code, code);
    }
    const server = this.#server(place.isTls);
    // The error comes after this call is over; that there is one shows at once.
    server.once('error', (error) => this.#log(`Could not listen on ${where}: ${error.message}`));
    server.listen(handle, backlog);
    if (!server.listening) throw new ListenError(where, 'EADDRINUSE', 'it is in use');
    this.#opened(place, server);
  }

  #listenAgain(place: Place, backlog: number): void {
    try {
      this.#listenNow(place, backlog);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      this.#log(error.message);
    }
  }

  #opened(place: Place, server: net.Server): void {
    server.removeAllListeners('error');
    // Out of file descriptors, for example: who could not be accepted is dropped by Node.js, the listener goes on.
    server.on('error', (error) => this.#log(`Accepting a client failed: ${error.message}`));
    const { address, port } = server.address() as net.AddressInfo;
    const bound = `${address.includes(':') ? `[${address}]` : address}:${port}`;
    this.#addressOf.set(place.host, address);
    this.#listeners.push({ place, bound, server });
  }

  async #listenUnix(options: ListenOptions): Promise<void> {
    const path = options.unixSocket;
    this.#removeSocket(path); // as Redis: what an earlier server left behind
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      this.#door.enter(socket, path);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new ListenError(path, error.code ?? 'ELISTEN', error.message, error));
      });
      server.listen({ path, backlog: options.backlog }, resolve);
    });
    if (options.unixSocketMode !== 0) this.#files.changeMode(path, options.unixSocketMode);
    this.#unix = server;
    this.#unixPath = path;
  }

  #removeSocket(path: string): void {
    if (this.#files.stat(path) !== undefined) this.#files.unlink(path);
  }
}

function placesOf({ bind, port, tlsPort, tls }: ListenOptions): Place[] {
  const places: Place[] = [];
  for (const address of bind) {
    const isOptional = address.startsWith('-');
    const name = isOptional ? address.slice(1) : address;
    const host = name === '*' ? '0.0.0.0' : name === '::*' ? '::' : name;
    if (port !== 0) places.push({ isTls: false, host, port, isOptional });
    if (tlsPort !== 0 && tls !== undefined) {
      places.push({ isTls: true, host, port: tlsPort, isOptional });
    }
  }
  return places;
}

function same(a: Place, b: Place): boolean {
  return a.isTls === b.isTls && a.host === b.host && a.port === b.port;
}

/** An address that may be missing on this machine, and is. */
function isAbsent(place: Place, code: string | undefined): boolean {
  return place.isOptional && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT');
}

function isOptional({ tls }: ListenOptions): boolean {
  return tls?.authClients === 'optional';
}

/** UV_TCP_IPV6ONLY. */
const IPV6_ONLY = 1;

/** A bound handle for `server.listen`, or the system's (negative) error number. Node.js keeps it for its cluster module. */
function createHandle(host: string, port: number, family: number): object | number {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle(
      this: void,
      host: string,
      port: number,
      family: number,
      fd: undefined,
      flags: number,
    ): object | number;
  };
  return create(host, port, family, undefined, host === '::' ? IPV6_ONLY : 0);
}
