/** The latency monitor: samples of events (`command`, `fast-command`, `expire-cycle` ...) slower than `latency-monitor-threshold`. */
export class LatencyMonitor {
  /** Milliseconds; 0: off. */
  thresholdMs = 0;

  /** Notes that `event` took `milliseconds`, if that is slow enough. */
  sample(_event: string, _milliseconds: number, _nowMs: number): void {}
}
