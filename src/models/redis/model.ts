/**
 * A Redis of one shard: databases, sessions, and the state that commands share. Synchronous and single-threaded; clock, randomness and
 * the process around it are arguments. `Dispatcher` (dispatch.ts) runs requests against it.
 */
import { latin1 } from '../../bytes/resp-request.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import type { MemoryEngine, Ref } from '../../memory/index.ts';
import { CommandTable } from './command-table.ts';
import type { CommandSpec } from './command.ts';
import { Database } from './database.ts';
import type { Effects } from './effects.ts';
import type { Host } from './host.ts';
import { LatencyMonitor } from './latency.ts';
import { MonitorFeed } from './monitor.ts';
import { EVENT } from './notify.ts';
import { Pauses } from './pauses.ts';
import { PubSub } from './pubsub.ts';
import type { Session } from './session.ts';
import type { Settings } from './settings/settings.ts';
import { SlowLog } from './slowlog.ts';
import { Stats } from './stats.ts';
import { touchWatched, unwatchAll } from './watch.ts';

export interface ModelOptions {
  settings: Settings;
  commands: readonly CommandSpec[];
  engine: MemoryEngine;
  host: Host;
  reply: RespWriter;
  effects: Effects;
}

/** How many due keys one call of `expireDue` deletes at most. */
const EXPIRE_BATCH = 64;

export class RedisModel {
  readonly settings: Settings;
  readonly engine: MemoryEngine;
  readonly host: Host;
  readonly reply: RespWriter;
  readonly effects: Effects;
  readonly commands: CommandTable;
  readonly databases: Database[];
  /** Connected clients by id, in the order of their connecting. */
  readonly sessions: Map<number, Session> = new Map();
  readonly stats: Stats = new Stats();
  readonly pubsub: PubSub;
  readonly slowlog: SlowLog = new SlowLog();
  readonly latency: LatencyMonitor = new LatencyMonitor();
  readonly monitors: MonitorFeed;
  readonly pauses: Pauses;
  /** `notify-keyspace-events` as bits of EVENT. */
  eventClasses = 0;
  /** The longest string a command may make, in bytes: `proto-max-bulk-len`, as far as the engine goes. */
  maxStringBytes: number = 512 * 1024 * 1024;
  /** What one client may have waiting for EXEC, in bytes: `client-query-buffer-limit`. */
  maxQueuedBytes: number = 1024 * 1024 * 1024;
  /** DEBUG SET-ACTIVE-EXPIRE: due keys are deleted without being asked for. */
  isActiveExpireOn = true;
  /** Loading: entries of the log alone change state; nothing expires by the clock. */
  isReplaying = false;
  nextSessionId = 1;
  /** Told of each record that is about to be evicted. */
  onEvict: (ref: Ref) => void = () => {};

  constructor(options: ModelOptions) {
    this.settings = options.settings;
    this.engine = options.engine;
    this.host = options.host;
    this.reply = options.reply;
    this.effects = options.effects;
    this.commands = new CommandTable(options.commands);
    this.pubsub = new PubSub(this.host, this.reply);
    this.monitors = new MonitorFeed(this.host, this.reply);
    this.pauses = new Pauses(this.host);
    this.databases = [];
    for (let id = 0; id < this.settings.number('databases'); id++) {
      this.databases.push(new Database(id, this.engine.createKeyspace()));
    }
  }

  /** Deletes `ref` if its time has come: effect first, then watchers and the `expired` event. True when it is gone. */
  expireIfDue(db: Database, ref: Ref): boolean {
    if (this.isReplaying || !this.engine.isExpired(ref)) return false;
    if (this.isFrozen) return true;
    this.expire(db, ref);
    return true;
  }

  /** Deletes a volatile key whose time has come. */
  expire(db: Database, ref: Ref): void {
    this.stats.expiredKeys++;
    this.#drop(db, ref, EVENT.expired, 'expired');
  }

  /** Deletes a key to make room (eviction.ts). */
  evict(db: Database, ref: Ref): void {
    this.stats.evictedKeys++;
    this.onEvict(ref);
    this.#drop(db, ref, EVENT.evicted, 'evicted');
  }

  /** Deletes a key that nobody asked to delete: effect first, then watchers and the event. */
  #drop(db: Database, ref: Ref, eventClass: number, event: string): void {
    const engine = this.engine;
    if (this.effects.isEnabled) {
      this.effects.begin(db.id, 2);
      this.effects.text('DEL');
      if (engine.isKeyInline(ref)) {
        const start = engine.keyStart(ref);
        this.effects.bytes(engine.segment(ref), start, start + engine.keyLength(ref));
      } else {
        this.effects.text(Buffer.from(engine.copyKey(ref)).toString('latin1'));
      }
    }
    const isTold = db.watchers.size > 0 || (this.eventClasses & eventClass) !== 0;
    const key = isTold ? this.keyText(ref) : '';
    db.keys.removeRef(ref);
    if (isTold) {
      this.touchWatchers(db, key);
      this.publishKeyEvent(eventClass, event, key, db.id);
    }
  }

  /** When `expireDue` will have work, in ms since the epoch; Infinity while no key is volatile or none may expire by itself. */
  get nextExpiry(): number {
    let next = Infinity;
    if (!this.#mayExpire) return next;
    for (const db of this.databases) {
      if (db.keys.volatileCount > 0 && db.keys.nextExpiry < next) next = db.keys.nextExpiry;
    }
    return next;
  }

  /**
   * Deletes keys that are due, at most EXPIRE_BATCH a database, each an entry of its own; true when more are due. The caller decides
   * how long to go on.
   */
  expireDue(): boolean {
    if (!this.#mayExpire) return false;
    let isMoreDue = false;
    for (const db of this.databases) {
      const keys = db.keys;
      let left = EXPIRE_BATCH;
      while (left > 0 && keys.volatileCount > 0 && keys.nextExpiry < this.engine.now) {
        this.expire(db, keys.firstVolatile());
        this.effects.endEntry();
        left--;
      }
      if (left === 0) isMoreDue = true;
    }
    return isMoreDue;
  }

  get #mayExpire(): boolean {
    return this.isActiveExpireOn && !this.isReplaying && !this.isFrozen;
  }

  /**
   * Data must not change by itself: writes are paused, or refused because the log can't take them. Keys that are due are hidden and go later: a
   * DEL that is not logged would let state and log part, and one that waits would take memory for as long as the disk is full.
   */
  get isFrozen(): boolean {
    return this.pauses.isWritePaused || this.host.persistence.refusal !== undefined;
  }

  /** `key` (one byte a character) changed: transactions that watch it fail. */
  touchWatchers(db: Database, key: string): void {
    touchWatched(db, key);
  }

  /** Publishes a keyspace event about `key` (one byte a character). */
  publishKeyEvent(eventClass: number, event: string, key: string, database: number): void {
    const classes = this.eventClasses;
    if ((classes & eventClass) === 0) return;
    if ((classes & EVENT.keyspace) !== 0)
      this.pubsub.publish(`__keyspace@${database}__:${key}`, event);
    if ((classes & EVENT.keyevent) !== 0)
      this.pubsub.publish(`__keyevent@${database}__:${event}`, key);
  }

  /** A record's key, one byte a character. Allocates. */
  keyText(ref: Ref): string {
    const engine = this.engine;
    if (engine.isKeyInline(ref)) {
      const start = engine.keyStart(ref);
      return latin1(engine.segment(ref), start, start + engine.keyLength(ref));
    }
    return Buffer.from(engine.copyKey(ref)).toString('latin1');
  }

  connect(session: Session): void {
    this.sessions.set(session.id, session);
  }

  /** Forgets a client that is gone: subscriptions, watches, MONITOR, waiting. */
  disconnect(session: Session): void {
    this.sessions.delete(session.id);
    this.pubsub.forget(session);
    this.monitors.sessions.delete(session);
    this.unwatch(session);
    this.pauses.forget(session);
    session.parked = undefined;
    session.queue = undefined;
  }

  unwatch(session: Session): void {
    unwatchAll(session);
  }
}
