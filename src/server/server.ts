/**
 * A server of one shard: settings in, a running process's parts out. `kvasir serve` is a thin shell around `startServer`, which programs
 * and tests may call as well; several servers live in one process without knowing of each other.
 */
import path from 'node:path';
import { MemoryEngine } from '../memory/index.ts';
import type { Tunables } from '../models/memcached/tunables.ts';
import { applySettings } from '../models/redis/apply-settings.ts';
import { COMMANDS } from '../models/redis/commands/index.ts';
import { HOUSEKEEPING_MS } from '../models/redis/housekeeping.ts';
import type { Settings } from '../models/redis/settings/settings.ts';
import { realSystem, type System } from '../os/system.ts';
import { ClientLimits } from './client-limits.ts';
import {
  applyServerSettings,
  followKeepAlive,
  followListenSettings,
  listenOptions,
} from './apply-settings.ts';
import { Door, RESP_REFUSALS } from './door.ts';
import { Listeners } from './listeners.ts';
import type { Logger } from './logger.ts';
import type { MemcachedSide } from './memcached.ts';
import { isMemcachedOn } from './memcached-settings.ts';
import { ReadRegion } from './node-transport.ts';
import { NoPersistence } from './no-persistence.ts';
import { ProcessHost } from './process-host.ts';
import { type ServerPersistence, Shard } from './shard.ts';

export interface ServerOptions {
  settings: Settings;
  logger: Logger;
  /** Keep nothing: no directory, no lock, no log. */
  memoryOnly?: boolean;
  /** What `stats settings` of the memcached side shows of memcached's tuning. */
  tunables?: Partial<Tunables>;
  /** Called while a data set loads. */
  onProgress?: (progress: LoadProgress) => void;
  /** The operating system; tests give parts of a simulated one. */
  system?: System;
  /** The path of the configuration file, for INFO and CONFIG REWRITE. */
  configFile?: string;
}

export interface RunningServer {
  /** What is listened on, for people. */
  readonly addresses: readonly string[];
  /** The TCP port, 0 without one. */
  readonly port: number;
  /** The memcached side, where there is one. */
  readonly memcached: MemcachedSide | undefined;
  readonly shard: Shard;
  /** Data is loaded and clients are served; rejects where the load failed (the server is stopped then). */
  readonly ready: Promise<void>;
  /** Stops cleanly: no new clients, everything logged and synced, connections closed. Idempotent. */
  stop(): Promise<void>;
  /** Settles with the process's exit code once stopped, by `stop` or by a client's SHUTDOWN. */
  readonly stopped: Promise<number>;
}

/** How far a load is. */
export interface LoadProgress {
  doneBytes: number;
  totalBytes: number;
}

/** How often housekeeping runs that is not bound to requests: idle clients, soft limits. */
const SWEEP_MS = 1000;

/**
 * Opens the listeners and begins to load; clients that come meanwhile get LOADING. Throws ListenError, TlsError, MemcachedSettingError,
 * DirectoryLockedError and what the persistence throws (FileError, CorruptLogError) before anything is served.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { settings, logger } = options;
  const system = options.system ?? realSystem();
  const engine = new MemoryEngine({
    hashKey: system.randomness.bytes(16),
    random: () => system.randomness.uniform(),
  });
  const persistence = await createPersistence(options, system);
  let finish: (code: number) => void = () => {};
  const stopped = new Promise<number>((resolve) => {
    finish = resolve;
  });
  let stopping: Promise<void> | undefined = undefined;
  const cancels: (() => void)[] = [];

  let memcached: MemcachedSide | undefined = undefined;
  const stop = (code: number): Promise<void> => {
    stopping ??= (async () => {
      listeners.close();
      memcached?.close();
      for (const cancel of cancels) cancel();
      shard.drain();
      await persistence.close();
      shard.drain();
      for (const connection of [...shard.connections]) connection.close();
      door.handshakes.close();
      logger.notice('Kvasir is now ready to exit, bye bye...');
      finish(code);
    })();
    return stopping;
  };

  const host = new ProcessHost({
    system,
    logger,
    persistence,
    configFile: options.configFile ?? '',
    output: {
      begin: (session) => shard.outbox.begin(session),
      end: () => shard.outbox.end(),
      repeat: (session) => shard.outbox.repeat(session),
      lend: (engine, ref, from, to) => shard.outbox.lend(engine, ref, from, to),
    },
    shutdown: () => {
      logger.warning('User requested shutdown...');
      void stop(0);
      return undefined;
    },
    network: () => ({
      inputBytes: shard.inputBytes + (memcached?.inputBytes ?? 0),
      outputBytes: shard.outputBytes + (memcached?.outputBytes ?? 0),
      reads: shard.reads + (memcached?.reads ?? 0),
      writes: shard.writes + (memcached?.writes ?? 0),
      connectionsReceived: door.received + (memcached?.door.received ?? 0),
      rejectedConnections: door.rejected + (memcached?.door.rejected ?? 0),
      evictedClients: shard.limits.evictedClients,
    }),
    buffers: () => shard.limits.buffers(),
    tcpPort: () => listeners.tcpPort,
    beforeTimer: () => {
      shard.engine.now = system.clock.now();
    },
  });
  const shard = new Shard(
    { system, settings, commands: COMMANDS, engine, sink: persistence.buffer },
    host,
    persistence,
  );
  shard.log = (level, message) => logger[level](message);
  shard.limits = new ClientLimits(shard.model, (level, message) => logger[level](message));

  const reads = new ReadRegion();
  const hasPassword = (): boolean => settings.text('requirepass') !== '';
  const door = new Door({
    reads,
    isFull: (handshaking) => {
      const clients = shard.connections.size - (memcached?.clientCount ?? 0);
      return clients + handshaking >= settings.number('maxclients');
    },
    isProtected: () => settings.flag('protected-mode') && !hasPassword(),
    accept: (transport) => shard.accept(transport, !hasPassword()),
    log: (message) => logger.verbose(message),
    refusals: RESP_REFUSALS,
  });
  const listeners = new Listeners(system.files, door, (message) => logger.warning(message));

  applySettings(shard.model);
  applyServerSettings(settings, shard);
  followKeepAlive(settings, door);
  if (isMemcachedOn(settings)) {
    const { MemcachedSide } = await import('./memcached.ts');
    memcached = new MemcachedSide({
      ...{ system, settings, logger, shard, reads },
      shutDown: () => void stop(0),
    });
    Object.assign(memcached.model.tunables, options.tunables);
  }
  await persistence.lock();
  try {
    await listeners.open(listenOptions(settings));
    await memcached?.open();
  } catch (error) {
    listeners.close();
    await persistence.close();
    throw error;
  }
  settings.initialise('dir', [path.resolve(settings.text('dir'))]); // as Redis: its working directory
  followListenSettings(settings, listeners, (message) => logger.warning(message));
  cancels.push(system.timers.every(SWEEP_MS, () => shard.sweep()));
  cancels.push(system.timers.every(HOUSEKEEPING_MS, () => shard.keepHouse()));

  const ready = loadAll().catch(async (error: unknown) => {
    await stop(1);
    throw error;
  });

  async function loadAll(): Promise<void> {
    await persistence.open(shard);
    // What a client knows of data that was lost is not to be mistaken for what comes now.
    if (memcached !== undefined) engine.cas.startAt(Math.floor(system.clock.now() / 1000));
  }
  return {
    get addresses() {
      return [...listeners.addresses, ...(memcached?.addresses ?? [])];
    },
    get port() {
      return listeners.tcpPort;
    },
    memcached,
    shard,
    ready,
    stop: () => stop(0),
    stopped,
  };
}

async function createPersistence(
  options: ServerOptions,
  system: System,
): Promise<ServerPersistence> {
  if (options.memoryOnly === true) return new NoPersistence(system.clock.now());
  const { Persistence } = await import('./persistence.ts');
  return new Persistence({
    system,
    settings: options.settings,
    logger: options.logger,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
}
