/**
 * `stats items`, `stats slabs`, `stats cachedump`: by size class. The engine's classes (memory/size-classes.ts), numbered from 1, stand for memcached's
 * slab classes; a value over 64 KiB lies in several blocks.
 */
import type { ClassUse, Ref } from '../../memory/index.ts';
import { secondsLeft } from './expiry-time.ts';
import type { MemcachedModel } from './model.ts';
import type { StatLine } from './stats-general.ts';

/** memcached stops at 2 MiB of `cachedump`; records looked at are bounded too. */
const DUMP_RECORDS = 20_000;

function usedClasses(model: MemcachedModel): [number, ClassUse][] {
  const uses = model.redis.engine.arena.classUses();
  return uses.map((use, i): [number, ClassUse] => [i + 1, use]).filter(([, use]) => use.pages > 0);
}

export function slabStats(model: MemcachedModel): StatLine[] {
  const lines: StatLine[] = [];
  const used = usedClasses(model);
  for (const [id, use] of used) {
    const capacity = use.pages * use.blocksAPage;
    lines.push(
      [`${id}:chunk_size`, use.blockBytes],
      [`${id}:chunks_per_page`, use.blocksAPage],
      [`${id}:total_pages`, use.pages],
      [`${id}:total_chunks`, capacity],
      [`${id}:used_chunks`, use.blocks],
      [`${id}:free_chunks`, Math.max(0, capacity - use.blocks)],
      [`${id}:free_chunks_end`, 0],
    );
    for (const name of COUNTED) lines.push([`${id}:${name}`, 0]);
  }
  const { arena } = model.redis.engine;
  lines.push(['active_slabs', used.length], ['total_malloced', arena.residentBytes]);
  return lines;
}

/** Counters that memcached keeps by class; here they are kept for all classes together (`stats`). */
const COUNTED = [
  'get_hits',
  'cmd_set',
  'delete_hits',
  'incr_hits',
  'decr_hits',
  'cas_hits',
  'cas_badval',
  'touch_hits',
];

export function itemClassStats(model: MemcachedModel): StatLine[] {
  const lines: StatLine[] = [];
  for (const [id, use] of usedClasses(model)) {
    const prefix = `items:${id}:`;
    lines.push([`${prefix}number`, use.blocks]);
    if (model.tunables.hasMaintainer) {
      lines.push(
        [`${prefix}number_hot`, 0],
        [`${prefix}number_warm`, 0],
        [`${prefix}number_cold`, use.blocks],
        [`${prefix}age_hot`, 0],
        [`${prefix}age_warm`, 0],
      );
    }
    lines.push([`${prefix}age`, 0], [`${prefix}mem_requested`, use.blocks * use.blockBytes]);
    const { evicted, nonzero, lastIdleSeconds, unfetched } = model.evictions;
    lines.push(
      [`${prefix}evicted`, evicted[id]!],
      [`${prefix}evicted_nonzero`, nonzero[id]!],
      [`${prefix}evicted_time`, lastIdleSeconds[id]!],
    );
    for (const name of NEVER_COUNTED) lines.push([`${prefix}${name}`, 0]);
    lines.push([`${prefix}evicted_unfetched`, unfetched[id]!]);
  }
  return lines;
}

const NEVER_COUNTED = [
  'outofmemory',
  'tailrepairs',
  'reclaimed',
  'expired_unfetched',
  'crawler_reclaimed',
  'crawler_items_checked',
  'lrutail_reflocked',
];

/** Up to `limit` items (0: as many as are looked at) of a class: `ITEM key [size b; expiration s]`. */
export function cacheDump(model: MemcachedModel, id: number, limit: number): string[] {
  const { engine } = model.redis;
  const { keys } = model.items;
  const lines: string[] = [];
  let seen = 0;
  let cursor = 0;
  const visit = (ref: Ref): void => {
    seen++;
    if (engine.sizeClass(ref) + 1 !== id || (limit > 0 && lines.length >= limit)) return;
    const key = model.redis.keyText(ref);
    const expiry = engine.expiry(ref);
    const seconds = expiry < 0 ? 0 : Math.floor(expiry / 1000);
    lines.push(`ITEM ${key} [${engine.valueLength(ref)} b; ${seconds} s]`);
  };
  do cursor = keys.scan(cursor, visit);
  while (cursor !== 0 && seen < DUMP_RECORDS && (limit === 0 || lines.length < limit));
  return lines;
}

/** One item as `lru_crawler metadump` has it; undefined where it is no item any more. */
export function metaDumpLine(
  model: MemcachedModel,
  ref: Ref,
  encode: (key: string) => string,
): string {
  const { engine } = model.redis;
  const { items } = model;
  const expiry = engine.expiry(ref);
  const now = engine.now;
  const exp = expiry < 0 ? -1 : Math.floor(now / 1000) + secondsLeft(expiry, now);
  const la = Math.floor(now / 1000) - engine.idleSeconds(ref);
  const cas = (BigInt(items.casHigh(ref) >>> 0) << 32n) | BigInt(items.casLow(ref) >>> 0);
  const fetch = engine.isFetched(ref) ? 'yes' : 'no';
  return (
    `key=${encode(model.redis.keyText(ref))} exp=${exp} la=${la} cas=${cas} fetch=${fetch} ` +
    `cls=${engine.sizeClass(ref) + 1} size=${engine.recordBytes(ref)}`
  );
}
