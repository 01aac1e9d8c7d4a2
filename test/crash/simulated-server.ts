/** A whole server on the simulated machine: real model, engine, log and gate; only sockets, disk and time are not. */
import type { Region } from '../../src/bytes/region.ts';
import { MemoryEngine } from '../../src/memory/index.ts';
import { applySettings } from '../../src/models/redis/apply-settings.ts';
import { COMMANDS } from '../../src/models/redis/commands/index.ts';
import { Settings } from '../../src/models/redis/settings/settings.ts';
import { itemText } from '../../src/models/redis/testing/harness.ts';
import { SeededRandomness } from '../../src/os/randomness.ts';
import type { SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { SimulatedLocks } from '../../src/os/simulated-locks.ts';
import type { System } from '../../src/os/system.ts';
import { CARRY_BYTES } from '../../src/protocols/limits.ts';
import { FakeTransport } from '../../src/protocols/testing.ts';
import { applyServerSettings } from '../../src/server/apply-settings.ts';
import { ClientLimits } from '../../src/server/client-limits.ts';
import { silentLogger } from '../../src/server/logger.ts';
import { MemcachedSide } from '../../src/server/memcached.ts';
import { isMemcachedOn } from '../../src/server/memcached-settings.ts';
import { ReadRegion, type SocketTransport } from '../../src/server/node-transport.ts';
import { Persistence } from '../../src/server/persistence.ts';
import { ProcessHost } from '../../src/server/process-host.ts';
import { Shard } from '../../src/server/shard.ts';

interface Events {
  receive(region: Region, at: number, length: number): boolean;
}

/** What one client has sent and got. */
export class SimulatedClient {
  readonly transport: FakeTransport & { events: Events };
  readonly #reads = new ReadRegion();

  constructor() {
    this.transport = Object.assign(new FakeTransport(), { events: { receive: () => true } });
  }

  get received(): string {
    return this.transport.sent;
  }

  /** Sends requests, each a line of words without blanks in them. */
  send(...lines: readonly string[]): void {
    const text = lines.map((line) => {
      const words = line.split(' ');
      return `*${words.length}\r\n${words.map((w) => `$${w.length}\r\n${w}\r\n`).join('')}`;
    });
    this.sendText(text.join(''));
  }

  sendText(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.#reads.region.bytes.set(bytes, CARRY_BYTES);
    this.transport.events.receive(this.#reads.region, CARRY_BYTES, bytes.length);
  }
}

export class SimulatedServer {
  readonly shard: Shard;
  readonly persistence: Persistence;
  /** Where a setting asks for it. */
  readonly memcached: MemcachedSide | undefined;
  fatal = false;
  readonly files: SimulatedFileSystem;

  constructor(files: SimulatedFileSystem, seed: number, options: Readonly<Record<string, string>>) {
    this.files = files;
    const { loop } = files;
    const locks = new SimulatedLocks();
    const system: System = {
      clock: loop,
      timers: loop,
      randomness: new SeededRandomness(seed),
      files,
      lockDirectory: locks.lockDirectory,
      lockDatabase: locks.lockDatabase,
    };
    const settings = new Settings();
    const all = { dir: '/data', ...options };
    for (const [name, value] of Object.entries(all)) {
      const problem = settings.initialise(name, [value]);
      if (problem !== undefined) throw new Error(`${name}: ${problem}`);
    }
    const logger = silentLogger();
    const engine = new MemoryEngine({
      hashKey: system.randomness.bytes(16),
      random: () => system.randomness.uniform(),
      segmentBits: 20,
    });
    this.persistence = new Persistence({
      system,
      settings,
      logger,
      onFatal: () => {
        this.fatal = true;
        files.stop();
      },
    });
    const host = new ProcessHost({
      system,
      logger,
      persistence: this.persistence,
      configFile: '',
      output: {
        begin: (session) => this.shard.outbox.begin(session),
        end: () => this.shard.outbox.end(),
        repeat: (session) => this.shard.outbox.repeat(session),
        lend: (engine, ref, from, to) => this.shard.outbox.lend(engine, ref, from, to),
      },
      shutdown: () => undefined,
      network: () => ({
        inputBytes: 0,
        reads: 0,
        writes: 0,
        outputBytes: 0,
        connectionsReceived: 0,
        rejectedConnections: 0,
        evictedClients: 0,
      }),
      buffers: () => ({ maxInputBytes: 0, maxOutputBytes: 0, clientsBytes: 0 }),
      tcpPort: () => 0,
      beforeTimer: () => {
        engine.now = loop.now();
      },
    });
    this.shard = new Shard(
      { system, settings, commands: COMMANDS, engine, sink: this.persistence.buffer },
      host,
      this.persistence,
    );
    this.shard.limits = new ClientLimits(this.shard.model);
    applySettings(this.shard.model);
    applyServerSettings(settings, this.shard);
    this.memcached = isMemcachedOn(settings)
      ? new MemcachedSide({
          ...{ system, settings, logger, shard: this.shard, reads: new ReadRegion() },
          shutDown: () => {},
        })
      : undefined;
  }

  /** Loads and begins to serve; settles, too, when the machine stops meanwhile. */
  async open(): Promise<void> {
    let outcome: { error: unknown } | undefined;
    this.persistence.open(this.shard).then(
      () => (outcome = { error: undefined }),
      (error: unknown) => (outcome = { error }),
    );
    await this.files.loop.runUntil(() => outcome !== undefined || this.files.isDead);
    if (outcome?.error !== undefined) throw outcome.error as Error;
  }

  connect(): SimulatedClient {
    const client = new SimulatedClient();
    this.shard.accept(client.transport as unknown as SocketTransport, true);
    return client;
  }

  connectMemcached(): SimulatedClient {
    const client = new SimulatedClient();
    this.memcached!.accept(client.transport as unknown as SocketTransport);
    return client;
  }

  /** All keys of all databases with values, expiries, and what memcached's clients see of them, in one line. */
  dump(): string {
    const lines: string[] = [];
    const { engine, model } = this.shard;
    for (const db of model.databases) {
      db.keys.forEach((ref) => {
        const value = Buffer.from(engine.copyValue(ref)).toString('latin1');
        const short = value.length > 40 ? `${value.slice(0, 40)}(${value.length})` : value;
        const item = itemText(db.keys, ref);
        const record = `${db.id}:${model.keyText(ref)}=${short}@${engine.expiry(ref)}`;
        lines.push(item === undefined ? record : `${record} ${item}`);
      });
    }
    return lines.sort().join(' ');
  }
}
