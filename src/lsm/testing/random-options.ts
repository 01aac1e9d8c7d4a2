/** Options of a database that make much happen with little data. For tests. */
import type { SeededRandomness } from '../../os/randomness.ts';
import type { OpenOptions } from '../database/options.ts';
import type { CompactionStyle, CompactionStyleName } from '../compaction/style.ts';
import type { CodecName } from '../format/table-options.ts';
import { Resources } from '../database/resources.ts';

export function randomOptions(random: SeededRandomness): OpenOptions {
  const pick = <T>(...choices: T[]): T => choices[random.below(choices.length)]!;
  return {
    resources: new Resources({ workers: 0, memoryBytes: 64 * 1024 * 1024 }),
    memtableBytes: pick(4096, 8192, 16_384, 65_536),
    maxFullMemtables: pick(1, 2, 4),
    cacheBytes: pick(65_536, 1024 * 1024),
    blockBytes: pick(64, 256, 1024, 4096),
    restartInterval: pick(1, 2, 16),
    codec: pick<CodecName | CodecName[]>('none', 'snappy', ['none', 'snappy']),
    filterBitsPerKey: pick(0, 10),
    levelDbFilter: pick(true, false),
    formatLevel: pick(1, 1, 2),
    level0Files: pick(1, 2, 4),
    level0SlowFiles: pick(4, 6),
    level0StopFiles: pick(7, 10),
    level1Bytes: pick(4096, 16_384, 65_536),
    fileBytes: pick(1024, 4096, 16_384),
    compaction: pick<CompactionStyle | CompactionStyleName>(
      'levelled',
      'levelled',
      { style: 'universal', runs: 2 + random.below(6), sizeRatio: pick(0, 50) },
      'fifo',
    ),
    maxOpenTables: pick(1, 4, 1000),
    paranoid: true,
  };
}
