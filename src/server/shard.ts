/**
 * The executor of one shard: puts engine, model, log and connections together and owns the tick.
 *
 * A tick is one turn of the event loop: sockets are read and their requests run, then `#endTick` does, in this order,
 *   1. what is due: expired keys, background work of the engine, in slices;
 *   2. one write of the log's buffered entries;
 *   3. sealing of all output with the log's position and release of what is durable: one write per connection.
 */
import { RespParser } from '../bytes/resp-parser.ts';
import type { Request } from '../bytes/resp-request.ts';
import type { LookAhead, MemoryEngine } from '../memory/index.ts';
import type { CommandSpec } from '../models/redis/command.ts';
import { Dispatcher } from '../models/redis/dispatch.ts';
import { Effects, type EffectSink } from '../models/redis/effects.ts';
import { makeRoom, RUNNING } from '../models/redis/eviction.ts';
import type { Host, HostPersistence } from '../models/redis/host.ts';
import { keepHouse } from '../models/redis/housekeeping.ts';
import { RedisModel } from '../models/redis/model.ts';
import { Session } from '../models/redis/session.ts';
import type { Settings } from '../models/redis/settings/settings.ts';
import type { System } from '../os/system.ts';
import type { Connection } from '../protocols/connection.ts';
import { pipelineRequests, RespConnection, type RespShare } from '../protocols/resp/connection.ts';
import { Outbox } from '../protocols/outbox.ts';
import type { ClientLimits } from './client-limits.ts';
import type { SocketTransport } from './node-transport.ts';

/** What the shard needs of the log beside what the model needs. */
export interface ShardPersistence extends HostPersistence {
  /** Hands the buffered entries to the kernel; at the end of each tick. */
  write(): void;
  /** So much is buffered that it should be written before the tick ends. */
  readonly isFull: boolean;
  /** Writing does not help for now, and no more should be buffered. */
  readonly isOverfull: boolean;
  /** Output sealed at or before this position may leave. */
  readonly releasable: number;
  /** The disk does not take what is buffered: output of later ticks, in which nothing is changed, may leave before it does. */
  readonly isStuck: boolean;
}

/** What a server needs beyond that: the life of the log. */
export interface ServerPersistence extends ShardPersistence {
  /** Where the model writes effects. */
  readonly buffer: EffectSink;
  /** Takes the directory; throws DirectoryLockedError. */
  lock(): Promise<void>;
  /** Loads what is kept into `shard`, then begins to log. */
  open(shard: Shard): Promise<void>;
  /** Writes and syncs all that is left, gives the directory back. */
  close(): Promise<void>;
}

/** Background work of the engine per tick, in record moves: well below a millisecond. */
const BACKGROUND_UNITS = 512;
/** How long due keys are deleted in one go before clients get their turn. */
const EXPIRE_SLICE_US = 1000;
/** How long keys are evicted in one go at the end of a tick (Redis's 500 at the default tenacity). */
const EVICT_SLICE_US = 500;

export interface ShardOptions {
  system: System;
  settings: Settings;
  commands: readonly CommandSpec[];
  engine: MemoryEngine;
  sink: EffectSink;
}

export class Shard implements RespShare {
  readonly parser: RespParser = new RespParser();
  readonly requests: readonly Request[] = pipelineRequests();
  readonly outbox: Outbox = new Outbox();
  readonly effects: Effects;
  readonly model: RedisModel;
  readonly dispatcher: Dispatcher;
  readonly ahead: LookAhead;
  readonly engine: MemoryEngine;
  readonly connections: Set<Connection> = new Set();
  maxQueryBytes = 0;
  /** `timeout`. */
  idleSeconds = 0;
  inputBytes = 0;
  outputBytes = 0;
  reads = 0;
  writes = 0;
  limits!: ClientLimits;
  log: (level: 'verbose' | 'warning', message: string) => void = () => {};
  readonly #system: System;
  readonly #persistence: ShardPersistence;
  #isTickScheduled = false;
  /** When this tick's work began, in monotonic microseconds; -1: it has not. */
  #busySinceUs = -1;
  #wakeAtMs = Infinity;
  /** The log's position at the end of the last tick. */
  #sealedPosition = 0;
  /** `outbox.regionsTaken` when it was last looked who holds output. */
  #regionsSeen = 0;
  #cancelWake: (() => void) | undefined = undefined;
  readonly #endTickBound: () => void;

  constructor(options: ShardOptions, host: Host, persistence: ShardPersistence) {
    this.#system = options.system;
    this.#persistence = persistence;
    this.engine = options.engine;
    this.engine.now = options.system.clock.now();
    this.effects = new Effects(options.sink, this.engine.cas);
    this.model = new RedisModel({
      settings: options.settings,
      commands: options.commands,
      engine: options.engine,
      host,
      reply: this.outbox.writer,
      effects: this.effects,
    });
    this.dispatcher = new Dispatcher(this.model);
    this.ahead = this.dispatcher.context.ahead;
    this.outbox.onPending = () => this.schedule();
    this.#endTickBound = () => this.#endTick();
  }

  /** A client connected; its transport begins to deliver once this returns. */
  accept(transport: SocketTransport, isAuthenticated: boolean): Connection {
    this.engine.now = this.#system.clock.now();
    const connection = new RespConnection(transport, this);
    connection.session = new Session(
      this.model.nextSessionId++,
      connection,
      this.engine.now,
      isAuthenticated,
    );
    this.model.connect(connection.session);
    this.attach(connection, transport);
    return connection;
  }

  /** From now on `connection`, which has its session, gets what `transport` receives. */
  attach(connection: Connection, transport: SocketTransport): void {
    this.connections.add(connection);
    this.limits.note(connection);
    transport.events = {
      receive: (region, at, length) => {
        this.enterTick();
        connection.session.lastMs = this.engine.now;
        const isWanted = connection.receive(region, at, length);
        this.ranInput();
        return isWanted;
      },
      receivedEnd: () => connection.receivedEnd(),
      closed: () => connection.closed(),
    };
  }

  /** A connection that was attached is gone; false where that is known already. */
  detach(connection: Connection): boolean {
    this.limits.forget(connection);
    return this.connections.delete(connection);
  }

  closed(connection: Connection): void {
    if (this.detach(connection)) this.model.disconnect(connection.session);
  }

  /** Input is about to run: the first of a tick reads the tick's time. */
  enterTick(): void {
    if (this.#busySinceUs < 0) this.#beginTick();
  }

  /** Input has run. */
  ranInput(): void {
    if (!this.#persistence.isFull) return;
    this.#persistence.write();
    if (this.#persistence.isOverfull) this.model.pauses.holdForLog(true);
  }

  mayHold(connection: Connection, bytes: number): boolean {
    return this.limits.mayHold(connection, bytes);
  }

  noteMemory(connection: Connection): void {
    this.limits.note(connection);
  }

  soon(fn: () => void): void {
    this.#system.timers.soon(() => {
      this.engine.now = this.#system.clock.now();
      fn();
    });
  }

  /** Makes sure that this tick ends with `#endTick`. */
  schedule(): void {
    if (this.#isTickScheduled) return;
    this.#isTickScheduled = true;
    if (this.#busySinceUs < 0) this.#beginTick();
    this.#system.timers.soon(this.#endTickBound);
  }

  /** Every HOUSEKEEPING_MS: what neither clients nor deadlines ask for. */
  keepHouse(): void {
    const { clock } = this.#system;
    const before = clock.monotonicUs();
    keepHouse(this.model);
    this.schedule();
    this.model.stats.cronUs += clock.monotonicUs() - before;
  }

  /** Once a second: idle clients, those over a soft limit. */
  sweep(): void {
    this.engine.now = this.#system.clock.now();
    this.limits.sweep();
  }

  /** More of the log is durable: output that waited for it leaves. */
  durableAdvanced(): void {
    if (!this.#persistence.isOverfull) this.model.pauses.holdForLog(false);
    this.outbox.release(this.#persistence.releasable);
  }

  /** Everything written so far goes to the kernel and, as far as it may, to the clients: now. */
  drain(): void {
    const { clock } = this.#system;
    const before = clock.monotonicUs();
    const wasStuck = this.#persistence.isStuck;
    this.#persistence.write();
    const took = clock.monotonicUs() - before;
    this.model.stats.logUs += took;
    this.model.latency.sample('aof-write', Math.floor(took / 1000), this.engine.now);
    this.model.pauses.holdForLog(this.#persistence.isOverfull);
    const { position, releasable } = this.#persistence;
    if (wasStuck && position === this.#sealedPosition) {
      this.outbox.seal(releasable);
      this.outbox.releaseAround(releasable);
    } else {
      this.outbox.seal(position);
      this.outbox.release(releasable);
    }
    this.#sealedPosition = position;
    // What waits for the disk counts as output of those it is for, too.
    if (this.outbox.length > 0 && this.outbox.regionsTaken !== this.#regionsSeen) {
      this.#regionsSeen = this.outbox.regionsTaken;
      this.limits.checkHeld(this.connections);
    }
  }

  /** The first work of a tick: its time is read once. */
  #beginTick(): void {
    const { clock } = this.#system;
    this.#busySinceUs = clock.monotonicUs();
    this.engine.now = clock.now();
  }

  #endTick(): void {
    this.#isTickScheduled = false;
    const sinceUs = this.#busySinceUs;
    this.#busySinceUs = -1;
    this.engine.now = this.#system.clock.now();
    const isMoreDue = this.#expireDue();
    const isOverLimit = this.#evict();
    this.drain();
    this.limits.enforce();
    const { clock } = this.#system;
    const { stats } = this.model;
    const beforeStepUs = clock.monotonicUs();
    const isMoreWork = this.engine.step(BACKGROUND_UNITS);
    const nowUs = clock.monotonicUs();
    stats.noteOwnWork(nowUs - beforeStepUs);
    if (isMoreDue || isOverLimit || isMoreWork) this.schedule();
    this.#armWake();
    stats.endCycle(nowUs - sinceUs);
  }

  /** Deletes due keys for at most EXPIRE_SLICE_US; true when more are due. */
  #expireDue(): boolean {
    const model = this.model;
    if (model.nextExpiry >= this.engine.now) return false;
    const clock = this.#system.clock;
    const before = clock.monotonicUs();
    const cpuBefore = clock.cpuUs();
    let isMoreDue = model.expireDue();
    let took = clock.monotonicUs() - before;
    while (isMoreDue && took < EXPIRE_SLICE_US) {
      isMoreDue = model.expireDue();
      took = clock.monotonicUs() - before;
    }
    model.stats.expireCycleUs += took;
    model.stats.noteOwnWork(Math.min(took, clock.cpuUs() - cpuBefore));
    if (isMoreDue) model.stats.expiredTimeCapReached++;
    model.latency.sample('expire-cycle', Math.floor(took / 1000), this.engine.now);
    return isMoreDue;
  }

  /** Evicts keys while more memory is in use than may be, for at most EVICT_SLICE_US; true when there is more to do. */
  #evict(): boolean {
    const { model } = this;
    if (!model.engine.evictor.isOver(0)) return false;
    const { clock } = this.#system;
    const before = clock.monotonicUs();
    let room = makeRoom(model, 0);
    let took = clock.monotonicUs() - before;
    while (room === RUNNING && took < EVICT_SLICE_US) {
      room = makeRoom(model, 0);
      took = clock.monotonicUs() - before;
    }
    model.stats.noteOwnWork(took);
    model.latency.sample('eviction-cycle', Math.floor(took / 1000), this.engine.now);
    return room === RUNNING;
  }

  /** Wakes when the next key is due, so that its event is on time. */
  #armWake(): void {
    const next = this.model.nextExpiry;
    if (next === this.#wakeAtMs) return;
    if (next > this.#wakeAtMs && this.#wakeAtMs > this.engine.now) return; // an early wake re-arms
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wakeAtMs = next;
    if (next === Infinity) return;
    this.#cancelWake = this.#system.timers.after(Math.max(1, next - this.engine.now + 1), () => {
      this.#wakeAtMs = Infinity;
      this.engine.now = this.#system.clock.now();
      this.schedule();
    });
  }
}
