/**
 * A memcached on one database of a Redis model: the same items, the same log, the same clock. Synchronous and deterministic as that model is; it knows no
 * sockets.
 */
import type { RedisModel } from '../redis/model.ts';
import type { MemcachedClient } from './client.ts';
import { Credentials } from './credentials.ts';
import { Evictions } from './evictions.ts';
import { Flush } from './flush.ts';
import type { MemcachedHost } from './host.ts';
import { Items } from './items.ts';
import type { MemcachedOptions } from './options.ts';
import { Prefixes } from './prefixes.ts';
import type { Statistics } from './statistics.ts';
import type { StatLine } from './stats-general.ts';
import { META_COMMANDS, TEXT_COMMANDS } from './text-commands.ts';
import { MAX_WORDS } from './text-request.ts';
import { TextTable } from './text-table.ts';
import { Tunables } from './tunables.ts';
import { Watchers } from './watchers.ts';

export interface MemcachedModelOptions {
  readonly redis: RedisModel;
  /** The number of the database whose strings are the items. */
  readonly database: number;
  readonly options: MemcachedOptions;
  readonly host: MemcachedHost;
}

export class MemcachedModel {
  readonly redis: RedisModel;
  readonly options: MemcachedOptions;
  readonly host: MemcachedHost;
  readonly items: Items;
  readonly flush: Flush;
  readonly prefixes: Prefixes;
  readonly watchers: Watchers;
  readonly credentials: Credentials = new Credentials();
  readonly evictions: Evictions = new Evictions();
  readonly tunables: Tunables = new Tunables();
  readonly commands: TextTable = new TextTable([...TEXT_COMMANDS, ...META_COMMANDS], MAX_WORDS);

  /** Before anything is loaded: records get a CAS from the first on. */
  constructor({ redis, database, options, host }: MemcachedModelOptions) {
    const db = redis.databases[database];
    if (db === undefined) throw new RangeError(`there is no database ${database}`);
    this.redis = redis;
    this.options = options;
    this.host = host;
    db.keys.carriesCas = options.hasCas;
    this.items = new Items(redis, db, options);
    this.flush = new Flush(this.items);
    this.prefixes = new Prefixes(options.prefixDelimiter);
    this.prefixes.isOn = options.isDetailed;
    this.watchers = new Watchers(this.items);
    redis.onEvict = (ref) => {
      this.evictions.note(redis.engine, ref);
      if (this.watchers.count > 0) this.watchers.evicted(ref);
    };
  }

  get statistics(): Statistics {
    return this.items.statistics;
  }

  connect(client: MemcachedClient): void {
    this.redis.connect(client.session);
    this.statistics.totalConnections++;
    if (this.watchers.count > 0) this.watchers.connected(client);
  }

  disconnect(client: MemcachedClient): void {
    this.redis.disconnect(client.session);
    this.watchers.remove(client);
    if (this.watchers.count > 0) this.watchers.disconnected(client);
  }

  /** `stats reset`. */
  resetStatistics(): void {
    const { stats } = this.redis;
    this.statistics.reset(stats.evictedKeys, stats.expiredKeys);
    this.prefixes.reset();
    this.evictions.reset();
  }

  /** `stats conns`. */
  connectionLines(): StatLine[] {
    const lines: StatLine[] = [];
    let id = 0;
    for (const listener of this.host.listeners()) {
      lines.push([`${id}:addr`, listener], [`${id}:state`, 'conn_listening']);
      lines.push([`${id}:secs_since_last_cmd`, 0]);
      id++;
    }
    const { now } = this.redis.engine;
    for (const client of this.host.clients()) {
      const { session } = client;
      const { io } = session;
      const id = io.fd; // as watchers are told it
      const scheme = io.isUnixSocket ? 'unix' : 'tcp';
      const address = io.isUnixSocket ? 'unix:' : `${scheme}:${io.address}`;
      lines.push(
        [`${id}:addr`, address],
        [`${id}:listen_addr`, `${scheme}:${io.localAddress.replace(/^(\/.*):0$/, '$1')}`],
        [`${id}:state`, this.#stateOf(client)],
        [`${id}:secs_since_last_cmd`, secondOf(now) - secondOf(session.lastMs)],
      );
    }
    return lines;
  }

  /** What memcached would say that the connection is at. */
  #stateOf(client: MemcachedClient): string {
    if (client.watched !== 0) return 'conn_watch';
    if (client === this.watchers.client) return 'conn_parse_cmd';
    return client.session.io.queryBufferBytes() > 0 ? 'conn_nread' : 'conn_read';
  }
}

/** memcached's clock only knows whole seconds: between two of its times lie as many as have begun since. */
function secondOf(ms: number): number {
  return Math.floor(ms / 1000);
}
