/**
 * `maxmemory`: keys go while more memory is in use than may be. Which of them, the engine's evictor says (memory/evictor.ts); each goes
 * as an entry of its own, before that of the command that needs the room. Nothing is evicted while a log is replayed.
 *
 * What is in use is counted as INFO counts `used_memory`, without the log's buffer: the engine's records and indexes, exactly; what clients
 * hold and the fixed part, as they were when last looked at, unless `maxmemory-scope` leaves these out.
 */
import type { Keyspace } from '../../memory/index.ts';
import type { RedisModel } from './model.ts';

/** There is room. */
export const ROOM = 0;
/** Keys went, but not enough of them yet: go on, and call again. */
export const RUNNING = 1;
/** There is no room, and no key may go. */
export const FULL = 2;

/** Keys that go in one call at the default tenacity: some tens of microseconds. */
const EVICT_BATCH = 64;
const DEFAULT_TENACITY = 10;
/** Records and chunks of values that were evicted or deleted before, freed first. */
const FREE_UNITS = 1024;

/**
 * Makes room for `moreBytes` as far as one batch of keys goes, and for what the index of `keys` grows by with one more key: where it would grow beyond
 * the limit, one key that goes makes it unnecessary.
 */
export function makeRoom(model: RedisModel, moreBytes: number, keys?: Keyspace): number {
  const { engine } = model;
  const { evictor } = engine;
  const isOver = (): boolean => evictor.isOver(moreBytes + (keys?.growthBytes ?? 0));
  if (!isOver() || model.isReplaying || model.isFrozen) return ROOM;
  if (engine.pendingFrees > 0) {
    engine.freeInBackground(FREE_UNITS);
    return isOver() ? RUNNING : ROOM;
  }
  let left = batchOf(model);
  for (; left > 0; left--) {
    const ref = evictor.choose();
    if (ref === 0) return FULL;
    model.evict(model.databases[evictor.keyspace]!, ref);
    model.effects.endEntry();
    if (!isOver()) return ROOM;
  }
  return RUNNING;
}

function batchOf(model: RedisModel): number {
  const tenacity = model.settings.number('maxmemory-eviction-tenacity');
  if (tenacity >= 100) return Infinity;
  return Math.ceil((EVICT_BATCH * (tenacity + 1)) / (DEFAULT_TENACITY + 1));
}

/** Tells the evictor what the engine may use of `maxmemory`; to be called when the setting changes and now and then, as clients' memory changes. */
export function limitMemory(model: RedisModel): void {
  const { engine, host, settings, stats } = model;
  const limit = settings.number('maxmemory');
  if (limit === 0) {
    engine.evictor.limitBytes = 0;
    return;
  }
  const isAll = settings.text('maxmemory-scope') === 'all';
  const others = isAll ? stats.startupBytes + host.buffers().clientsBytes : 0;
  engine.evictor.limitBytes = Math.max(1, limit - others);
}
