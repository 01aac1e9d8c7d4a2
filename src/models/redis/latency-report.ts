/** What LATENCY GRAPH and LATENCY DOCTOR print about the latency monitor's samples. */
import type { LatencySeries } from './latency.ts';
import type { RedisModel } from './model.ts';
import { drawSparkline } from './sparkline.ts';

const COLUMNS = 80;
const ROWS = 4;

/** A chart of an event's samples; below each how long ago it was. */
export function latencyGraph(event: string, series: LatencySeries, nowMs: number): string {
  const nowSeconds = Math.floor(nowMs / 1000);
  const times = series.samples.map((sample) => sample.milliseconds);
  const chart = drawSparkline(
    series.samples.map(({ milliseconds, timeSeconds }) => ({
      value: milliseconds,
      label: age(nowSeconds - timeSeconds),
    })),
    COLUMNS,
    ROWS,
  );
  return (
    `${event} - high ${Math.max(...times)} ms, low ${Math.min(...times)} ms ` +
    `(all time high ${series.maxMilliseconds} ms)\n${'-'.repeat(COLUMNS)}\n${chart}`
  );
}

function age(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}

/** What to look at when an event is slow, by the beginning of its name. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /^command$/,
    'Single commands took long. SLOWLOG GET shows which: look for those whose work grows with the data (KEYS, large ranges, ' +
      'large values) and for large objects that are deleted at once; UNLINK frees them in the background.',
  ],
  [
    /^fast-command$/,
    'Commands that do little work took long, so the process itself did not get to run: other processes use its processor, the machine ' +
      "swaps, or it is a virtual machine whose host is busy. 'redis-cli --intrinsic-latency 60' on this machine measures that.",
  ],
  [
    /^aof-(write|rename|fstat)/,
    'Writing to the append-only file waits for the disk. Use a local disk, SSD rather than spinning, and see what else writes to it; ' +
      "while the file is rewritten, 'CONFIG SET no-appendfsync-on-rewrite yes' trades durability for less waiting.",
  ],
  [
    /^aof-fsync-always$/,
    "Every write waits for a sync ('appendfsync always'). If losing a second of writes with the machine is acceptable, " +
      "'CONFIG SET appendfsync everysec' takes the sync out of their way.",
  ],
  [
    /^expire-/,
    'Many keys expire at the same time, or large ones do. Spread their times to live by a random part.',
  ],
  [
    /^eviction-/,
    'Keys are evicted in bulk. That comes from lowering maxmemory while it is full or from large values that arrive suddenly.',
  ],
];

/** An account of all events in words, with advice. */
export function latencyReport(model: RedisModel): string {
  const { latency, slowlog } = model;
  if (latency.series.size === 0) {
    if (latency.thresholdMs > 0) {
      return 'No event has been slower than the threshold so far: there is nothing to report.\n';
    }
    return (
      'The latency monitor is off, so there is nothing to report. ' +
      "'CONFIG SET latency-monitor-threshold <milliseconds>' turns it on.\n"
    );
  }
  const nowSeconds = Math.floor(model.engine.now / 1000);
  let report = 'These events were slower than the threshold:\n\n';
  let number = 0;
  const advice = new Set<string>();
  for (const [event, series] of latency.series) {
    report += `${++number}. ${event}: ${describe(series, nowSeconds)}\n`;
    for (const [pattern, text] of ADVICE) if (pattern.test(event)) advice.add(text);
  }
  if (latency.series.has('command')) {
    const wanted = latency.thresholdMs * 1000;
    if (slowlog.thresholdUs < 0 || slowlog.thresholdUs > wanted) {
      advice.add(
        'The slow log does not hold all the commands that this monitor saw: ' +
          `'CONFIG SET slowlog-log-slower-than ${wanted}' makes it so.`,
      );
    }
  }
  if (advice.size === 0) return report;
  report += '\nWhat to do about them:\n\n';
  for (const text of advice) report += `- ${text}\n`;
  return report;
}

function describe(series: LatencySeries, nowSeconds: number): string {
  const times = series.samples.map((sample) => sample.milliseconds);
  const mean = Math.floor(times.reduce((sum, time) => sum + time, 0) / times.length);
  const deviations = times.reduce((sum, time) => sum + Math.abs(time - mean), 0);
  const span = Math.max(1, nowSeconds - series.samples[0]!.timeSeconds);
  return (
    `${times.length} latency spikes (average ${mean}ms, mean deviation ${Math.floor(deviations / times.length)}ms, ` +
    `period ${(span / times.length).toFixed(2)} sec). Worst all time event ${series.maxMilliseconds}ms.`
  );
}
