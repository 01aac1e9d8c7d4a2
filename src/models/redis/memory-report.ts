/** MEMORY DOCTOR's account of how memory is used. */
import { type MemoryOverhead, memoryOverhead } from './info/memory-overhead.ts';
import type { RedisModel } from './model.ts';

const MIB = 1024 * 1024;
/** With less in use there is nothing to judge. */
const SMALL_BYTES = 5 * MIB;
/** Waste below this is not worth a word. */
const WASTE_BYTES = 10 * MIB;
const CLIENT_BYTES = 200 * 1024;

type Finding = (m: MemoryOverhead, clients: number) => string | undefined;

const FINDINGS: readonly Finding[] = [
  (m) =>
    m.peakBytes > m.usedBytes * 1.5
      ? 'Peak: memory in use was once more than half as large again as it is now. What was taken from the system then is kept for later growth; ' +
        'MEMORY PURGE starts defragmentation, which gives whole segments back.'
      : undefined,
  (m) =>
    m.fragmentation > 1.4 && m.fragmentationBytes > WASTE_BYTES
      ? 'Fragmentation: much of what was taken from the system holds no data. After many deletions, or when values change their sizes a lot, ' +
        "'CONFIG SET activedefrag yes' moves records together."
      : undefined,
  (m) =>
    m.processOverhead > 1.5 && m.processOverheadBytes > 20 * WASTE_BYTES
      ? 'Process: the resident set is much larger than the data. That is the JavaScript runtime: large replies, many clients or a heap that ' +
        'has grown and was not collected yet.'
      : undefined,
  (m, clients) =>
    m.clientsBytes / Math.max(1, clients) > CLIENT_BYTES
      ? 'Clients: on average each holds more than 200 KB of input and output. Some do not read what they asked for, or send very large ' +
        'pipelines; CLIENT LIST shows which (omem, qbuf, tot-mem).'
      : undefined,
];

export function memoryReport(model: RedisModel): string {
  const m = memoryOverhead(model);
  if (m.usedBytes - m.startupBytes < SMALL_BYTES) {
    return 'The server holds little or no data: there is nothing to judge.\n';
  }
  const found = FINDINGS.flatMap((finding) => finding(m, model.sessions.size) ?? []);
  if (found.length === 0) return 'Memory is used well: nothing to report.\n';
  return `Memory could be used better:\n\n${found.map((text) => ` * ${text}\n\n`).join('')}`;
}
