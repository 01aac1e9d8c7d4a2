/**
 * `lru_crawler metadump`: all items, a line each, in slices while others are served. Its client waits meanwhile; one that does not read what it asked for
 * is waited for.
 */
import type { Ref } from '../../memory/index.ts';
import type { MemcachedClient } from './client.ts';
import type { MemcachedModel } from './model.ts';
import { metaDumpLine } from './stats-classes.ts';
import { encodeText } from './watchers.ts';

const SLICE_RECORDS = 500;
/** Nothing more is written while this many bytes wait for the client ... */
const MAX_WAITING_BYTES = 256 * 1024;
/** ... and it is looked again after this many milliseconds. */
const WAIT_MS = 10;

export class MetaDump {
  readonly #model: MemcachedModel;
  readonly #client: MemcachedClient;
  #cursor = 0;
  #found: Ref[] = [];
  readonly #collect = (ref: Ref): void => {
    this.#found.push(ref);
  };

  private constructor(model: MemcachedModel, client: MemcachedClient) {
    this.#model = model;
    this.#client = client;
  }

  /** Parks the client until it has all items. */
  static start(model: MemcachedModel, client: MemcachedClient): void {
    const dump = new MetaDump(model, client);
    client.session.parked = { reason: 'dump', deadlineMs: Infinity, expire: () => {} };
    model.redis.host.after(0, () => dump.#step());
  }

  #step(): void {
    const { session } = this.#client;
    const { host } = this.#model.redis;
    if (session.parked?.reason !== 'dump') return; // gone
    if (session.io.outputBytes() > MAX_WAITING_BYTES) {
      host.after(WAIT_MS, () => this.#step());
      return;
    }
    host.output.begin(session);
    const isDone = this.#writeSlice();
    host.output.end();
    if (!isDone) {
      host.after(0, () => this.#step());
      return;
    }
    session.parked = undefined;
    session.io.resume();
  }

  #writeSlice(): boolean {
    const { items, redis } = this.#model;
    for (let seen = 0; seen < SLICE_RECORDS;) {
      this.#cursor = items.keys.scan(this.#cursor, this.#collect);
      seen += this.#found.length + 1;
      for (const ref of this.#found) {
        if (redis.engine.isExpired(ref)) continue;
        redis.reply.rawText(metaDumpLine(this.#model, ref, encodeText));
        redis.reply.rawText('\n');
      }
      this.#found.length = 0;
      if (this.#cursor === 0) {
        redis.reply.rawText('END\r\n');
        return true;
      }
    }
    return false;
  }
}
