/** `stats settings`, in memcached's names. */
import type { MemcachedModel } from './model.ts';
import type { StatLine } from './stats-general.ts';

const PROTOCOL_NAMES = { auto: 'auto-negotiate', ascii: 'ascii', binary: 'binary' } as const;

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

export function settingStats(model: MemcachedModel): StatLine[] {
  const { credentials, flush, host, options, prefixes, redis, tunables } = model;
  const dueSeconds = flush.dueMs === Infinity ? 0 : Math.floor(flush.dueMs / 1000);
  const isEvicting = redis.engine.evictor.policy !== 'noeviction';
  return [
    ['maxbytes', host.memoryLimit()],
    ['maxconns', options.maxConnections],
    ['tcpport', options.tcpPort],
    ['udpport', options.udpPort],
    ['inter', options.bind === '' ? 'NULL' : options.bind],
    ['verbosity', options.verbosity],
    ['oldest', dueSeconds],
    ['evictions', isEvicting ? 'on' : 'off'],
    ['domain_socket', options.unixSocket === '' ? 'NULL' : options.unixSocket],
    ['umask', options.unixSocketMode.toString(8)],
    ['shutdown_command', yesNo(options.mayShutDown)],
    ['growth_factor', tunables.growthFactor.toFixed(2)],
    ['chunk_size', tunables.chunkSize],
    ['num_threads', 1],
    ['num_threads_per_udp', 1],
    ['stat_key_prefix', options.prefixDelimiter],
    ['detail_enabled', yesNo(prefixes.isOn)],
    ['reqs_per_event', 0],
    ['cas_enabled', yesNo(options.hasCas)],
    ['tcp_backlog', options.backlog],
    ['binding_protocol', PROTOCOL_NAMES[options.protocol]],
    ['auth_enabled_sasl', yesNo(credentials.isRequired && options.protocol !== 'ascii')],
    ['auth_enabled_ascii', options.authFile === '' ? 'no' : options.authFile],
    ['item_size_max', options.itemSizeMax],
    ['maxconns_fast', 'yes'],
    ['hashpower_init', 0],
    ['slab_reassign', 'no'],
    ['slab_automove', tunables.slabAutomove],
    ['slab_automove_ratio', tunables.slabAutomoveRatio.toFixed(2)],
    ['slab_automove_window', 0],
    ['slab_chunk_max', tunables.slabChunkMax],
    ['lru_crawler', yesNo(tunables.hasCrawler)],
    ['lru_crawler_sleep', tunables.crawlerSleepUs],
    ['lru_crawler_tocrawl', tunables.toCrawl],
    ['tail_repair_time', 0],
    ['flush_enabled', yesNo(options.mayFlush)],
    ['dump_enabled', yesNo(options.mayDump)],
    ['hash_algorithm', 'halfsiphash-1-3'],
    ['lru_maintainer_thread', yesNo(tunables.hasMaintainer)],
    ['lru_segmented', yesNo(tunables.isSegmented)],
    ['hot_lru_pct', tunables.hotPercent],
    ['warm_lru_pct', tunables.warmPercent],
    ['hot_max_factor', tunables.hotMaxFactor.toFixed(2)],
    ['warm_max_factor', tunables.warmMaxFactor.toFixed(2)],
    ['temp_lru', yesNo(tunables.hasTemporaryLru)],
    ['temporary_ttl', tunables.temporaryTtl],
    ['idle_timeout', options.idleTimeoutSeconds],
    ['watcher_logbuf_size', 262_144],
    ['worker_logbuf_size', 0],
    ['read_buf_mem_limit', 0],
    ['track_sizes', 'no'],
    ['inline_ascii_response', 'no'],
  ];
}
