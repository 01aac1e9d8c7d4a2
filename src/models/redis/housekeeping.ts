/** What the model does from time to time without being asked: feeds the rates of INFO, notes the peak of memory, starts defragmentation. */
import { limitMemory } from './eviction.ts';
import type { RedisModel } from './model.ts';

/** How often `keepHouse` should be called, in milliseconds. */
export const HOUSEKEEPING_MS = 100;

/** Cheap: its cost depends on neither keys nor clients. */
export function keepHouse(model: RedisModel): void {
  const { engine, host, settings, stats } = model;
  stats.sample(host.monotonicUs(), host.network());
  const used = engine.usedBytes;
  stats.peakBytes = Math.max(stats.peakBytes, used + stats.startupBytes);
  limitMemory(model);
  if (!settings.flag('activedefrag') || engine.isDefragmenting) return;
  const waste = engine.reservedBytes - used;
  const threshold = settings.number('active-defrag-threshold-lower');
  const isWasteful = waste > settings.number('active-defrag-ignore-bytes');
  if (isWasteful && waste * 100 > used * threshold) engine.defragment(true);
}
