/** `stats`, in the names and the order that monitoring of memcached reads. What has no counterpart here is 0. */
import { MEMCACHED_VERSION } from './version.ts';
import type { MemcachedModel } from './model.ts';

export type StatLine = readonly [name: string, value: number | string];

/** memcached calls one stretch of memory a slab; the pages of the engine are the like. */
export function generalStats(model: MemcachedModel): StatLine[] {
  const { redis } = model;
  const { host } = redis;
  const now = redis.engine.now;
  const cpu = host.cpu();
  return [
    ['pid', host.processId],
    ['uptime', Math.floor((now - host.startedMs) / 1000)],
    ['time', Math.floor(now / 1000)],
    ['version', MEMCACHED_VERSION],
    ['libevent', 'none'],
    ['pointer_size', 64],
    ['rusage_user', cpu.userSeconds.toFixed(6)],
    ['rusage_system', cpu.systemSeconds.toFixed(6)],
    ...connectionStats(model),
    ...commandStats(model),
    ...memoryStats(model),
    ...itemStats(model),
  ];
}

function connectionStats(model: MemcachedModel): StatLine[] {
  const { host, options, statistics } = model;
  const clients = [...host.clients()].length;
  return [
    ['max_connections', options.maxConnections],
    ['curr_connections', clients],
    ['total_connections', statistics.totalConnections],
    ['rejected_connections', statistics.rejectedConnections],
    ['connection_structures', clients],
    ['response_obj_oom', 0],
    ['response_obj_count', 0],
    ['response_obj_bytes', 0],
    ['read_buf_count', clients],
    ['read_buf_bytes', host.readBufferBytes()],
    ['read_buf_bytes_free', 0],
    ['read_buf_oom', 0],
    ['reserved_fds', 0],
  ];
}

function commandStats(model: MemcachedModel): StatLine[] {
  const { options, statistics: s } = model;
  return [
    ['cmd_get', s.getCommands],
    ['cmd_set', s.setCommands],
    ['cmd_flush', s.flushCommands],
    ['cmd_touch', s.touchCommands],
    ['cmd_meta', s.metaCommands],
    ['get_hits', s.getHits],
    ['get_misses', s.getMisses],
    ['get_expired', s.getExpired],
    ['get_flushed', s.getFlushed],
    ['delete_misses', s.deleteMisses],
    ['delete_hits', s.deleteHits],
    ['incr_misses', s.incrementMisses],
    ['incr_hits', s.incrementHits],
    ['decr_misses', s.decrementMisses],
    ['decr_hits', s.decrementHits],
    ['cas_misses', s.casMisses],
    ['cas_hits', s.casHits],
    ['cas_badval', s.casBadValue],
    ['touch_hits', s.touchHits],
    ['touch_misses', s.touchMisses],
    ['store_too_large', s.tooLarge],
    ['store_no_memory', s.noMemory],
    ['auth_cmds', s.authCommands],
    ['auth_errors', s.authErrors],
    ...(options.idleTimeoutSeconds > 0 ? [['idle_kicks', s.idleKicks] as const] : []),
  ];
}

function memoryStats(model: MemcachedModel): StatLine[] {
  const { host, items, tunables, watchers } = model;
  const { keys } = items;
  return [
    ['bytes_read', host.bytesRead],
    ['bytes_written', host.bytesWritten],
    ['limit_maxbytes', host.memoryLimit()],
    ['accepting_conns', 1],
    ['listen_disabled_num', 0],
    ['time_in_listen_disabled_us', 0],
    ['threads', 1],
    ['conn_yields', 0],
    ['hash_power_level', Math.floor(Math.log2(Math.max(1, keys.slotCount)))],
    ['hash_bytes', keys.slotCount * 8],
    ['hash_is_expanding', keys.isResizing ? 1 : 0],
    ['slab_reassign_rescues', 0],
    ['slab_reassign_chunk_rescues', 0],
    ['slab_reassign_evictions_nomem', 0],
    ['slab_reassign_inline_reclaim', 0],
    ['slab_reassign_busy_items', 0],
    ['slab_reassign_busy_deletes', 0],
    ['slab_reassign_running', 0],
    ['slabs_moved', 0],
    ...(tunables.hasCrawler
      ? ([
          ['lru_crawler_running', 0],
          ['lru_crawler_starts', 0],
        ] as const)
      : []),
    ...(tunables.hasMaintainer ? ([['lru_maintainer_juggles', 0]] as const) : []),
    ['malloc_fails', 0],
    ['log_worker_dropped', 0],
    ['log_worker_written', watchers.sent],
    ['log_watcher_skipped', watchers.skipped],
    ['log_watcher_sent', watchers.sent],
    ['log_watchers', watchers.count],
    ['unexpected_napi_ids', 0],
    ['round_robin_fallback', 0],
  ];
}

function itemStats(model: MemcachedModel): StatLine[] {
  const { items, redis, statistics, tunables } = model;
  const { stats } = redis;
  const evictions = stats.evictedKeys - statistics.evictionsMark;
  return [
    ['bytes', redis.engine.arena.usedBytes],
    ['curr_items', items.keys.size],
    ['total_items', statistics.totalItems],
    ['slab_global_page_pool', 0],
    ['expired_unfetched', 0],
    ['evicted_unfetched', model.evictions.allUnfetched],
    ...(tunables.hasMaintainer ? ([['evicted_active', 0]] as const) : []),
    ['evictions', evictions],
    ['reclaimed', stats.expiredKeys - statistics.expiredMark],
    ['crawler_reclaimed', 0],
    ['crawler_items_checked', 0],
    ['lrutail_reflocked', 0],
    ...(tunables.hasMaintainer
      ? ([
          ['moves_to_cold', 0],
          ['moves_to_warm', 0],
          ['moves_within_lru', 0],
          ['direct_reclaims', 0],
          ['lru_bumps_dropped', 0],
        ] as const)
      : []),
  ];
}
