/**
 * Where memory goes, for INFO memory, MEMORY STATS and MEMORY DOCTOR.
 *
 *   used      = engine's bytes in use + clients' memory + the log's buffer + fixed part
 *   overhead  = the engine's indexes and expiry structures + clients' memory + the log's buffer + fixed part
 *   dataset   = used - overhead: the records
 *   reserved  = what the engine has taken from the system
 *
 * The fixed part is the JavaScript heap as it was at start, before any data. What the runtime takes beyond all that (its code, garbage not
 * collected yet, threads) is in the resident set only: `rss - reserved` is the overhead that the process adds.
 */
import type { RedisModel } from '../model.ts';
import { ratio } from './format.ts';

export interface MemoryOverhead {
  usedBytes: number;
  peakBytes: number;
  startupBytes: number;
  clientsBytes: number;
  logBufferBytes: number;
  overheadBytes: number;
  datasetBytes: number;
  /** Of what was added since the start, in percent. */
  datasetPercent: number;
  peakPercent: number;
  keys: number;
  bytesPerKey: number;
  /** What records, indexes and expiry structures use, and what was taken from the system for them. */
  engineBytes: number;
  reservedBytes: number;
  residentBytes: number;
  systemBytes: number;
  /** Ratios and differences: reserved to used by the engine, resident set to reserved, resident set to used. */
  fragmentation: number;
  fragmentationBytes: number;
  processOverhead: number;
  processOverheadBytes: number;
  totalOverhead: number;
  totalOverheadBytes: number;
}

export function memoryOverhead(model: RedisModel): MemoryOverhead {
  const { engine, host, stats } = model;
  const process = host.memory();
  const clientsBytes = host.buffers().clientsBytes;
  const logBufferBytes = Number(host.persistence.info()['aof_buffer_length'] ?? 0);
  const engineBytes = engine.usedBytes - engine.stagedBytes; // arriving values are their clients'
  const startupBytes = stats.startupBytes;
  const otherBytes = startupBytes + clientsBytes + logBufferBytes;
  const usedBytes = engineBytes + otherBytes;
  stats.peakBytes = Math.max(stats.peakBytes, usedBytes);
  const netBytes = Math.max(1, usedBytes - startupBytes);
  let keys = 0;
  let indexBytes = 0;
  for (const db of model.databases) {
    keys += db.keys.size;
    indexBytes += db.keys.overheadBytes;
  }
  const datasetBytes = engineBytes - indexBytes;
  return {
    usedBytes,
    peakBytes: stats.peakBytes,
    startupBytes,
    clientsBytes,
    logBufferBytes,
    overheadBytes: otherBytes + indexBytes,
    datasetBytes,
    datasetPercent: (datasetBytes * 100) / netBytes,
    peakPercent: ratio(usedBytes * 100, stats.peakBytes),
    keys,
    bytesPerKey: Math.floor(ratio(netBytes, keys)),
    engineBytes,
    reservedBytes: engine.reservedBytes,
    residentBytes: process.rss,
    systemBytes: process.system,
    fragmentation: ratio(engine.reservedBytes, engineBytes),
    fragmentationBytes: engine.reservedBytes - engineBytes,
    processOverhead: ratio(process.rss, engine.reservedBytes),
    processOverheadBytes: process.rss - engine.reservedBytes,
    totalOverhead: ratio(process.rss, usedBytes),
    totalOverheadBytes: process.rss - usedBytes,
  };
}
