/**
 * The latency monitor: samples of events (`command`, `fast-command`, `expire-cycle`, `aof-write` ...) that took at least
 * `latency-monitor-threshold` milliseconds. Each event keeps its last 160 samples, at most one (the slowest) a second.
 */
export interface LatencySample {
  readonly timeSeconds: number;
  milliseconds: number;
}

const MAX_SAMPLES = 160;

export class LatencySeries {
  /** Oldest first. */
  readonly samples: LatencySample[] = [];
  /** The slowest ever. */
  maxMilliseconds = 0;

  add(milliseconds: number, timeSeconds: number): void {
    if (milliseconds > this.maxMilliseconds) this.maxMilliseconds = milliseconds;
    const last = this.samples.at(-1);
    if (last?.timeSeconds === timeSeconds) {
      if (milliseconds > last.milliseconds) last.milliseconds = milliseconds;
      return;
    }
    if (this.samples.length === MAX_SAMPLES) this.samples.shift();
    this.samples.push({ timeSeconds, milliseconds });
  }
}

export class LatencyMonitor {
  /** Milliseconds; 0: off. */
  thresholdMs = 0;
  /** `latency-tracking`: calls are counted in their commands' histograms. */
  isTracking = true;
  /** `latency-tracking-info-percentiles`. */
  percentiles: readonly number[] = [50, 99, 99.9];
  readonly series: Map<string, LatencySeries> = new Map();

  /** Notes that `event` took `milliseconds`, if that is slow enough. */
  sample(event: string, milliseconds: number, nowMs: number): void {
    if (this.thresholdMs === 0 || milliseconds < this.thresholdMs) return;
    let series = this.series.get(event);
    if (series === undefined) this.series.set(event, (series = new LatencySeries()));
    series.add(milliseconds, Math.floor(nowMs / 1000));
  }

  /** Forgets `event` (in any case), or all; returns how many had samples. */
  reset(event?: string): number {
    const names = [...this.series.keys()].filter(
      (name) => event === undefined || name === event.toLowerCase(),
    );
    for (const name of names) this.series.delete(name);
    return names.length;
  }
}
