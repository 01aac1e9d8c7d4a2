/** What a measured process says about itself: time, CPU time of all its threads, bytes written, memory, and its directory's size. */
import fs from 'node:fs';
import path from 'node:path';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Of single operations, in milliseconds. */
export interface Latency {
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
}

/** One workload, measured once. */
export interface Measurement {
  operations: number;
  seconds: number;
  /** User and system time of the process, background threads included. */
  cpuSeconds?: number;
  /** Of the process since its start. */
  peakRssBytes?: number;
  latency?: Latency;
  /** What a workload counts beside that, by name: bytes on disk, write amplification, milliseconds to open. */
  extra: Record<string, number>;
}

export class Meter {
  readonly #from = performance.now();
  readonly #cpu = process.cpuUsage();

  done(operations: number): Measurement {
    const seconds = (performance.now() - this.#from) / 1000;
    const cpu = process.cpuUsage(this.#cpu);
    return {
      operations,
      seconds,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      extra: {},
    };
  }
}

/** Latencies of operations that are done one after the other: each `lap` is one. */
export class LapTimer {
  readonly #histogram: RecordableHistogram = createHistogram();
  #last = performance.now();

  start(): void {
    this.#last = performance.now();
  }

  lap(): void {
    const now = performance.now();
    this.record(now - this.#last);
    this.#last = now;
  }

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * 1e6)));
  }

  latency(): Latency {
    const at = (percentile: number): number => this.#histogram.percentile(percentile) / 1e6;
    return { p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), maxMs: this.#histogram.max / 1e6 };
  }
}

/** Bytes that the process handed to `write` and its like, on Linux; NaN elsewhere. */
export function writtenBytes(): number {
  try {
    return Number(/^wchar: (\d+)$/m.exec(fs.readFileSync('/proc/self/io', 'latin1'))?.[1] ?? NaN);
  } catch {
    return NaN;
  }
}

/** Bytes that the files below `directory` occupy. */
export function directoryBytes(directory: string): number {
  let bytes = 0;
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    try {
      bytes += fs.statSync(path.join(entry.parentPath, entry.name)).blocks * 512;
    } catch {
      // Removed meanwhile.
    }
  }
  return bytes;
}
