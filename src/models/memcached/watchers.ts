/**
 * `watch`: clients that are told what happens, a line each time, in memcached's words. What a watcher does not read in time is left out, and it is
 * told how many lines that were.
 */
import { latin1 } from '../../bytes/resp-request.ts';
import type { Region } from '../../bytes/region.ts';
import type { RedisModel } from '../redis/model.ts';
import type { MemcachedClient } from './client.ts';
import type { Items } from './items.ts';

/** What can be watched, as bits. */
export const WATCH = {
  fetchers: 1,
  mutations: 2,
  evictions: 4,
  connevents: 8,
  /** Taken, as memcached does, though nothing of the kind happens here. */
  others: 16,
} as const;

export const MAX_WATCHERS = 20;
/** Lines are left out while this many bytes wait for a watcher (memcached's watcher_logbuf_size). */
const MAX_WAITING_BYTES = 256 * 1024;

const STATUS = ['stored', 'not_stored', 'exists', 'not_found', 'no_memory'];
const COMMANDS = ['set', 'add', 'replace', 'append', 'prepend', 'cas'];

interface Watcher {
  readonly client: MemcachedClient;
  readonly events: number;
  skipped: number;
}

export class Watchers {
  /** Whose request runs. */
  client: MemcachedClient | undefined = undefined;
  readonly #model: RedisModel;
  readonly #items: Items;
  readonly #watchers: Map<MemcachedClient, Watcher> = new Map();
  #serial = 0;
  sent = 0;
  skipped = 0;

  constructor(items: Items) {
    this.#items = items;
    this.#model = items.model;
  }

  get count(): number {
    return this.#watchers.size;
  }

  add(client: MemcachedClient, events: number): void {
    client.watched = events;
    this.#watchers.set(client, { client, events, skipped: 0 });
    this.#items.onFind = this.#fetched;
  }

  remove(client: MemcachedClient): void {
    this.#watchers.delete(client);
    if (this.count === 0) this.#items.onFind = undefined;
  }

  /** A key was looked for; `ref` is its record or NONE. */
  readonly #fetched = (region: Region, start: number, end: number, ref: number): void => {
    const { engine } = this.#model;
    const status = ref === 0 ? 'not_found' : 'found';
    const size = ref === 0 ? 0 : engine.valueLength(ref);
    const key = encodeKey(region, start, end);
    this.#tell(
      WATCH.fetchers,
      `type=item_get key=${key} status=${status} clsid=${this.#classOf(ref)} cfd=${this.#fd} size=${size}`,
    );
  };

  /** Something was to be stored; `outcome` and `mode` are those of items.ts. */
  stored(
    outcome: number,
    mode: number,
    region: Region,
    start: number,
    end: number,
    sizeBytes: number,
  ): void {
    if (this.count === 0) return;
    const key = encodeKey(region, start, end);
    this.#tell(
      WATCH.mutations,
      `type=item_store key=${key} status=${STATUS[outcome]!} cmd=${COMMANDS[mode]!} ttl=0 clsid=0 cfd=${this.#fd} size=${sizeBytes}`,
    );
  }

  /** A record is about to be evicted. */
  evicted(ref: number): void {
    const { engine } = this.#model;
    const fetch = engine.isFetched(ref) ? 'yes' : 'no';
    const expiry = engine.expiry(ref);
    const ttl = expiry < 0 ? -1 : Math.ceil((expiry - engine.now) / 1000);
    const key = encodeText(this.#model.keyText(ref));
    this.#tell(
      WATCH.evictions,
      `type=eviction key=${key} fetch=${fetch} ttl=${ttl} la=${engine.idleSeconds(ref)} clsid=${this.#classOf(ref)} size=${engine.valueLength(ref)}`,
    );
  }

  connected(client: MemcachedClient): void {
    this.#tell(WATCH.connevents, `type=conn_new ${addressOf(client)} cfd=${client.session.io.fd}`);
  }

  disconnected(client: MemcachedClient): void {
    this.#tell(
      WATCH.connevents,
      `type=conn_close ${addressOf(client)} reason=${client.closeReason} cfd=${client.session.io.fd}`,
    );
  }

  get #fd(): number {
    return this.client?.session.io.fd ?? -1;
  }

  #classOf(ref: number): number {
    return ref === 0 ? 0 : this.#model.engine.sizeClass(ref) + 1;
  }

  #tell(event: number, text: string): void {
    const { host, reply } = this.#model;
    const us = host.wallClockUs();
    const time = `${Math.floor(us / 1e6)}.${us % 1e6}`;
    const line = `ts=${time} gid=${++this.#serial} ${text}\n`;
    for (const watcher of this.#watchers.values()) {
      if ((watcher.events & event) === 0) continue;
      const { session } = watcher.client;
      if (session.io.outputBytes() > MAX_WAITING_BYTES) {
        watcher.skipped++;
        this.skipped++;
        continue;
      }
      host.output.begin(session);
      if (watcher.skipped > 0) reply.rawText(`skipped=${watcher.skipped}\n`);
      watcher.skipped = 0;
      reply.rawText(line);
      host.output.end();
      this.sent++;
    }
  }
}

function encodeKey(region: Region, start: number, end: number): string {
  return encodeText(latin1(region, start, end));
}

/** Text of one byte a character, as a URI has it. */
export function encodeText(text: string): string {
  return text.replace(
    /[^A-Za-z0-9\-._~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** `rip=127.0.0.1 rport=4711 transport=tcp` */
function addressOf(client: MemcachedClient): string {
  const { io } = client.session;
  if (io.isUnixSocket) return 'rip=unix rport=0 transport=local';
  const colon = io.address.lastIndexOf(':');
  const host = io.address.slice(0, colon).replace(/[[\]]/g, '');
  return `rip=${host} rport=${io.address.slice(colon + 1)} transport=tcp`;
}
