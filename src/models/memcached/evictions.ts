/** What was evicted, by size class (numbered from 1, as `stats items` has them). */
import type { MemoryEngine, Ref } from '../../memory/index.ts';

/** Above all classes there are. */
export const MAX_CLASSES = 256;

export class Evictions {
  /** All, those that would have expired, those that were never read; by class. */
  readonly evicted: Float64Array = new Float64Array(MAX_CLASSES);
  readonly nonzero: Float64Array = new Float64Array(MAX_CLASSES);
  readonly unfetched: Float64Array = new Float64Array(MAX_CLASSES);
  /** How long the last one had not been used, in seconds; by class. */
  readonly lastIdleSeconds: Float64Array = new Float64Array(MAX_CLASSES);
  allUnfetched = 0;

  /** A record is about to go. */
  note(engine: MemoryEngine, ref: Ref): void {
    const id = engine.sizeClass(ref) + 1;
    this.evicted[id]!++;
    if (engine.isVolatile(ref)) this.nonzero[id]!++;
    this.lastIdleSeconds[id] = engine.idleSeconds(ref);
    if (engine.isFetched(ref)) return;
    this.unfetched[id]!++;
    this.allUnfetched++;
  }

  reset(): void {
    for (const counts of [this.evicted, this.nonzero, this.unfetched, this.lastIdleSeconds]) {
      counts.fill(0);
    }
    this.allUnfetched = 0;
  }
}
