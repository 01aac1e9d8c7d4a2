/** The model's view of this process: what INFO asks of the operating system, timers, shutdown. */
import { createRequire } from 'node:module';
import os from 'node:os';
import type { CpuTimes, Host, HostPersistence, Output } from '../models/redis/host.ts';
import type { System } from '../os/system.ts';
import type { Logger } from './logger.ts';

export interface ProcessHostOptions {
  system: System;
  logger: Logger;
  output: Output;
  persistence: HostPersistence;
  configFile: string;
  shutdown: Host['shutdown'];
  network: Host['network'];
  buffers: Host['buffers'];
  tcpPort: () => number;
  /** Called before the function of a timer: the tick that it begins has a time of its own. */
  beforeTimer: () => void;
}

export class ProcessHost implements Host {
  readonly output: Output;
  readonly persistence: HostPersistence;
  readonly processId: number = process.pid;
  readonly executable: string = process.argv[1] ?? process.execPath;
  readonly version: string = packageVersion();
  readonly platform: string = `${os.type()} ${os.release()} ${os.machine()}`;
  readonly configFile: string;
  readonly startedMs: number;
  readonly runId: string;
  readonly shutdown: Host['shutdown'];
  readonly network: Host['network'];
  readonly buffers: Host['buffers'];
  readonly #system: System;
  readonly #logger: Logger;
  readonly #beforeTimer: () => void;
  readonly #tcpPort: () => number;
  #peakRss = 0;

  constructor(options: ProcessHostOptions) {
    this.#system = options.system;
    this.#logger = options.logger;
    this.output = options.output;
    this.persistence = options.persistence;
    this.configFile = options.configFile;
    this.#beforeTimer = options.beforeTimer;
    this.#tcpPort = options.tcpPort;
    this.shutdown = options.shutdown;
    this.network = options.network;
    this.buffers = options.buffers;
    this.startedMs = this.#system.clock.now();
    this.runId = Buffer.from(this.#system.randomness.bytes(20)).toString('hex');
  }

  get tcpPort(): number {
    return this.#tcpPort();
  }

  memory(): ReturnType<Host['memory']> {
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    this.#peakRss = Math.max(this.#peakRss, process.resourceUsage().maxRSS * 1024, rss);
    return { rss, heapUsed, heapTotal, external, peakRss: this.#peakRss, system: os.totalmem() };
  }

  cpu(): ReturnType<Host['cpu']> {
    // Node.js 20 knows the times of the whole process only.
    const { threadCpuUsage } = process as { threadCpuUsage?: (this: void) => NodeJS.CpuUsage };
    const seconds = ({ user, system }: NodeJS.CpuUsage): CpuTimes => ({
      userSeconds: user / 1e6,
      systemSeconds: system / 1e6,
    });
    return {
      ...seconds(process.cpuUsage()),
      mainThread: threadCpuUsage && seconds(threadCpuUsage()),
    };
  }

  monotonicUs(): number {
    return this.#system.clock.monotonicUs();
  }

  wallClockUs(): number {
    return this.#system.clock.nowUs();
  }

  after(ms: number, fn: () => void): () => void {
    return this.#system.timers.after(ms, () => {
      this.#beforeTimer();
      fn();
    });
  }

  sleepSync(ms: number): void {
    this.#system.timers.sleepSync(ms);
  }

  random(): number {
    return this.#system.randomness.uniform();
  }

  randomBytes(count: number): Uint8Array {
    return this.#system.randomness.bytes(count);
  }

  crash(): void {
    process.kill(process.pid, 'SIGKILL');
  }

  log(level: 'debug' | 'verbose' | 'notice' | 'warning', message: string): void {
    this.#logger[level](message);
  }
}

/** The version of the package this file belongs to. */
export function packageVersion(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { version: string };
  return manifest.version;
}
