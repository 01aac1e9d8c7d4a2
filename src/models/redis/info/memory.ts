/** INFO memory. */
import type { InfoFields } from '../host.ts';
import type { RedisModel } from '../model.ts';
import { humanBytes } from './format.ts';
import { memoryOverhead } from './memory-overhead.ts';

export function memoryFields(model: RedisModel): InfoFields {
  const { engine, settings, stats } = model;
  const m = memoryOverhead(model);
  const maxMemory = settings.number('maxmemory');
  return {
    used_memory: m.usedBytes,
    used_memory_human: humanBytes(m.usedBytes),
    used_memory_rss: m.residentBytes,
    used_memory_rss_human: humanBytes(m.residentBytes),
    used_memory_peak: m.peakBytes,
    used_memory_peak_human: humanBytes(m.peakBytes),
    used_memory_peak_perc: `${m.peakPercent.toFixed(2)}%`,
    used_memory_overhead: m.overheadBytes,
    used_memory_startup: m.startupBytes,
    used_memory_dataset: m.datasetBytes,
    used_memory_dataset_perc: `${m.datasetPercent.toFixed(2)}%`,
    allocator_allocated: m.engineBytes,
    allocator_active: m.reservedBytes,
    allocator_resident: m.reservedBytes,
    total_system_memory: m.systemBytes,
    total_system_memory_human: humanBytes(m.systemBytes),
    ...NO_SCRIPTS,
    maxmemory: maxMemory,
    maxmemory_human: humanBytes(maxMemory),
    maxmemory_policy: settings.text('maxmemory-policy'),
    allocator_frag_ratio: m.fragmentation.toFixed(2),
    allocator_frag_bytes: m.fragmentationBytes,
    allocator_rss_ratio: '1.00',
    allocator_rss_bytes: 0,
    rss_overhead_ratio: m.processOverhead.toFixed(2),
    rss_overhead_bytes: m.processOverheadBytes,
    mem_fragmentation_ratio: m.totalOverhead.toFixed(2),
    mem_fragmentation_bytes: m.totalOverheadBytes,
    mem_not_counted_for_evict: m.logBufferBytes,
    mem_replication_backlog: 0,
    mem_total_replication_buffers: 0,
    mem_clients_slaves: 0,
    mem_clients_normal: m.clientsBytes,
    mem_cluster_links: 0,
    mem_aof_buffer: m.logBufferBytes,
    mem_allocator: 'arena',
    active_defrag_running: engine.isDefragmenting ? 1 : 0,
    lazyfree_pending_objects: engine.pendingFrees,
    lazyfreed_objects: engine.lazyFreed - stats.lazyFreedMark,
  };
}

const NO_SCRIPTS: InfoFields = {
  used_memory_lua: 0,
  used_memory_vm_eval: 0,
  used_memory_lua_human: '0B',
  used_memory_scripts_eval: 0,
  number_of_cached_scripts: 0,
  number_of_functions: 0,
  number_of_libraries: 0,
  used_memory_vm_functions: 0,
  used_memory_vm_total: 0,
  used_memory_vm_total_human: '0B',
  used_memory_functions: 0,
  used_memory_scripts: 0,
  used_memory_scripts_human: '0B',
};
