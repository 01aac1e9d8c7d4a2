/**
 * The memcached side of a server: its listeners, what its connections share, and what the model asks of the process. Ticks, log and outbox are the
 * shard's.
 */
import { BinaryDispatcher } from '../models/memcached/binary-dispatch.ts';
import { BinaryRequest } from '../models/memcached/binary-request.ts';
import { MemcachedClient } from '../models/memcached/client.ts';
import type { MemcachedHost } from '../models/memcached/host.ts';
import { MemcachedModel } from '../models/memcached/model.ts';
import type { MemcachedOptions, Protocol } from '../models/memcached/options.ts';
import { TextDispatcher } from '../models/memcached/text-dispatch.ts';
import type { TextRequest } from '../models/memcached/text-request.ts';
import { Session } from '../models/redis/session.ts';
import type { Settings } from '../models/redis/settings/settings.ts';
import type { System } from '../os/system.ts';
import type { Connection } from '../protocols/connection.ts';
import { BinaryParser } from '../protocols/memcache/binary-parser.ts';
import {
  MemcacheConnection,
  type MemcacheShare,
  pipelinedRequests,
} from '../protocols/memcache/connection.ts';
import { MAX_RETRIEVAL_LINE_BYTES } from '../protocols/memcache/limits.ts';
import { TextParser } from '../protocols/memcache/text-parser.ts';
import type { Outbox } from '../protocols/outbox.ts';
import { followKeepAlive, followListenSettings } from './apply-settings.ts';
import { Door, type Refusals } from './door.ts';
import { ListenError, Listeners } from './listeners.ts';
import type { Logger } from './logger.ts';
import {
  followCredentials,
  followMemcachedOptions,
  memcachedAddresses,
  memcachedListenOptions,
  MemcachedSettingError,
  readMemcachedOptions,
} from './memcached-settings.ts';
import { UdpSockets } from './memcached-udp.ts';
import type { ReadRegion, SocketTransport } from './node-transport.ts';
import type { Shard } from './shard.ts';
import { TlsError } from './tls-options.ts';

const REFUSALS: Refusals = {
  full: 'ERROR Too many open connections\r\n',
  isProtected:
    'SERVER_ERROR DENIED Kvasir is running in protected mode: memcached clients come in from this machine only. To let other machines in, ' +
    "name users (memcached-auth-file) or set a password (requirepass), or, where the network itself is trusted, say 'protected-mode no'.\r\n",
};

export interface MemcachedSideOptions {
  system: System;
  settings: Settings;
  logger: Logger;
  shard: Shard;
  reads: ReadRegion;
  /** Ends the server. */
  shutDown(): void;
}

export class MemcachedSide implements MemcacheShare, MemcachedHost {
  readonly model: MemcachedModel;
  readonly outbox: Outbox;
  readonly door: Door;
  readonly textParser: TextParser;
  readonly textRequests: readonly TextRequest[] = pipelinedRequests();
  readonly textDispatcher: TextDispatcher;
  readonly binaryParser: BinaryParser = new BinaryParser();
  readonly binaryRequest: BinaryRequest = new BinaryRequest();
  readonly binaryDispatcher: BinaryDispatcher;
  maxQueryBytes = 0;
  inputBytes = 0;
  outputBytes = 0;
  reads = 0;
  writes = 0;
  readonly #options: MemcachedOptions;
  readonly #shard: Shard;
  readonly #system: System;
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #listeners: Listeners;
  readonly #udp: UdpSockets;
  readonly #clients: Map<Connection, MemcachedClient> = new Map();
  readonly #shutDown: () => void;

  /** Before data is loaded. Throws MemcachedSettingError. */
  constructor(side: MemcachedSideOptions) {
    const { system, settings, logger, shard, reads } = side;
    const database = settings.number('memcached-database');
    if (database >= settings.number('databases')) {
      throw new MemcachedSettingError(`memcached-database: there is no database ${database}`);
    }
    this.#settings = settings;
    this.#logger = logger;
    this.#shard = shard;
    this.#system = system;
    this.#shutDown = () => side.shutDown();
    this.outbox = shard.outbox;
    const options = readMemcachedOptions(settings);
    this.#options = options;
    this.model = new MemcachedModel({ redis: shard.model, database, options, host: this });
    this.textParser = new TextParser(this.model.commands);
    this.textDispatcher = new TextDispatcher(this.model);
    this.binaryDispatcher = new BinaryDispatcher(this.model);
    followMemcachedOptions(settings, options, () => {
      this.textParser.maxBlockBytes = options.itemSizeMax;
      this.binaryParser.maxValueBytes = options.itemSizeMax;
      this.maxQueryBytes = options.itemSizeMax + 2 * MAX_RETRIEVAL_LINE_BYTES;
    });
    const { credentials } = this.model;
    followCredentials(settings, system.files, credentials, options);
    const isProtected = (): boolean => settings.flag('protected-mode') && !credentials.isRequired;
    this.door = new Door({
      reads,
      isFull: (handshaking) => this.#clients.size + handshaking >= options.maxConnections,
      isProtected,
      accept: (transport) => this.accept(transport),
      log: (message) => logger.verbose(message),
      refusals: REFUSALS,
      refused: () => this.model.statistics.rejectedConnections++,
    });
    followKeepAlive(settings, this.door);
    const warn = (message: string): void => logger.warning(message);
    this.#listeners = new Listeners(system.files, this.door, warn);
    this.#udp = new UdpSockets({
      share: this,
      // A datagram says nothing of who sent it, so it can't have authenticated.
      isRefused: (isLocal) => credentials.isRequired || (!isLocal && isProtected()),
      begin: () => shard.enterTick(),
      end: () => shard.ranInput(),
      log: warn,
    });
  }

  /** Opens all sockets; throws ListenError or TlsError, with none left open. */
  async open(): Promise<void> {
    const settings = this.#settings;
    await this.#listeners.open(memcachedListenOptions(settings));
    try {
      const udpPort = settings.number('memcached-udp-port');
      if (udpPort !== 0) await this.#udp.open(memcachedAddresses(settings), udpPort);
    } catch (error) {
      this.#listeners.close();
      throw error;
    }
    const warn = (message: string): void => this.#logger.warning(message);
    followListenSettings(settings, this.#listeners, warn, memcachedListenOptions);
  }

  /** Accepts nobody any more. */
  close(): void {
    this.#listeners.close();
    this.#udp.close();
    this.door.handshakes.close();
  }

  /** What is listened on, for people. */
  get addresses(): string[] {
    const udp = this.#udp.addresses.map((address) => `udp ${address}`);
    return [...this.#listeners.addresses, ...udp].map((address) => `memcached ${address}`);
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** A client connected; its transport begins to deliver once this returns. */
  accept(transport: SocketTransport): void {
    const shard = this.#shard;
    const { credentials } = this.model;
    shard.engine.now = this.#system.clock.now();
    const connection = new MemcacheConnection(transport, this);
    const id = shard.model.nextSessionId++;
    connection.session = new Session(id, connection, shard.engine.now, true);
    connection.session.database = this.model.items.db.id;
    const client = new MemcachedClient(connection.session, !credentials.isRequired);
    connection.client = client;
    this.#clients.set(connection, client);
    this.model.connect(client);
    shard.attach(connection, transport);
  }

  // ---- what connections share

  get protocol(): Protocol {
    return this.#options.protocol;
  }

  get idleSeconds(): number {
    return this.#options.idleTimeoutSeconds;
  }

  mayHold(connection: Connection, bytes: number): boolean {
    return this.#shard.mayHold(connection, bytes);
  }

  noteMemory(connection: Connection): void {
    this.#shard.noteMemory(connection);
  }

  schedule(): void {
    this.#shard.schedule();
  }

  soon(fn: () => void): void {
    this.#shard.soon(fn);
  }

  log(level: 'verbose' | 'warning', message: string): void {
    this.#logger[level](message);
  }

  closed(connection: Connection): void {
    if (!this.#shard.detach(connection)) return;
    const client = this.#clients.get(connection)!;
    this.#clients.delete(connection);
    if (connection.isIdled) {
      this.model.statistics.idleKicks++;
      client.closeReason = 'idle_timeout';
    }
    this.model.disconnect(client);
  }

  // ---- what the model asks

  clients(): Iterable<MemcachedClient> {
    return this.#clients.values();
  }

  listeners(): string[] {
    const tcp = this.#listeners.addresses.map((address) =>
      address.startsWith('/') ? `unix:${address}` : `tcp:${address.replace(/^tls /, '')}`,
    );
    return [...tcp, ...this.#udp.addresses.map((address) => `udp:${address}`)];
  }

  get bytesRead(): number {
    return this.inputBytes;
  }

  get bytesWritten(): number {
    return this.outputBytes;
  }

  readBufferBytes(): number {
    let bytes = 0;
    for (const connection of this.#clients.keys()) {
      bytes += connection.queryBufferBytes() + connection.queryBufferFreeBytes();
    }
    return bytes;
  }

  memoryLimit(): number {
    return this.#settings.number('maxmemory');
  }

  setMemoryLimit(bytes: number): string | undefined {
    return this.#settings.set([['maxmemory', String(bytes)]]);
  }

  shutDown(): void {
    this.#shutDown();
  }

  refreshCertificates(): string | undefined {
    try {
      this.#listeners.change(memcachedListenOptions(this.#settings));
      return undefined;
    } catch (error) {
      if (!(error instanceof TlsError) && !(error instanceof ListenError)) throw error;
      return `SERVER_ERROR ${error.message}`;
    }
  }
}
