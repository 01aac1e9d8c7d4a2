/** What stands around a model under test: an output that collects each session's bytes, a sink of effects, a host without a process. */
import { MIN_REGION_BYTES, type RegionSource, RespWriter } from '../../../bytes/resp-writer.ts';
import { Region } from '../../../bytes/region.ts';
import type { MemoryEngine, Ref } from '../../../memory/index.ts';
import type { EffectSink } from '../effects.ts';
import type { Host, Output } from '../host.ts';
import type { Session, SessionIo } from '../session.ts';

/** Collects what is written for each session. Small regions, so that replies turn from one to the next now and then. */
export class CollectedOutput implements Output, RegionSource {
  readonly writer: RespWriter;
  readonly #pieces: Map<Session, Uint8Array[]> = new Map();
  readonly #open: { session: Session; resp: 2 | 3 }[] = [];
  #last: Uint8Array = new Uint8Array(0);
  #written: Uint8Array[] = [];

  constructor() {
    this.writer = new RespWriter(this, Region.allocate(MIN_REGION_BYTES));
  }

  begin(session: Session): void {
    this.#collect();
    this.#open.push({ session, resp: this.writer.resp });
    this.writer.resp = session.resp;
    this.#written = [];
  }

  end(): void {
    this.#collect();
    this.#last = Buffer.concat(this.#written);
    const ended = this.#open.pop()!;
    this.writer.resp = ended.resp;
  }

  repeat(session: Session): void {
    this.#of(session).push(this.#last);
  }

  lend(engine: MemoryEngine, ref: Ref, from: number, to: number): void {
    engine.eachValueSpan(ref, from, to, (region, start, end) => {
      this.writer.raw(region, start, end - start);
    });
  }

  turn(writer: RespWriter): void {
    this.#collect();
    writer.use(writer.region, 0);
  }

  /** What was written for `session` since the last call. */
  take(session: Session): Uint8Array {
    const pieces = this.#of(session);
    return Buffer.concat(pieces.splice(0));
  }

  #collect(): void {
    const writer = this.writer;
    if (writer.at === 0) return;
    const piece = writer.region.bytes.slice(0, writer.at);
    writer.at = 0;
    const open = this.#open.at(-1);
    if (open === undefined) throw new Error('bytes were written for no session');
    this.#of(open.session).push(piece);
    this.#written.push(piece);
  }

  #of(session: Session): Uint8Array[] {
    let pieces = this.#pieces.get(session);
    if (pieces === undefined) this.#pieces.set(session, (pieces = []));
    return pieces;
  }
}

/** Keeps effects in memory. */
export class CollectedEffects implements EffectSink {
  region: Region = Region.allocate(1024);
  at = 0;

  reserve(sizeBytes: number): void {
    if (this.region.bytes.length - this.at >= sizeBytes) return;
    const larger = Region.allocate(Math.max(this.region.bytes.length * 2, this.at + sizeBytes));
    larger.bytes.set(this.region.bytes.subarray(0, this.at));
    this.region = larger;
  }
}

/** A connection that only notes whether it was closed or resumed. */
export class FakeIo implements SessionIo {
  readonly address: string;
  readonly localAddress = '127.0.0.1:6379';
  readonly fd: number;
  readonly isUnixSocket = false;
  readonly isTls = false;
  readonly isLocal = true;
  readonly totalInputBytes = 0;
  readonly totalOutputBytes = 0;
  isClosed = false;
  resumeCount = 0;

  constructor(id: number) {
    this.address = `127.0.0.1:${50000 + id}`;
    this.fd = 7 + id;
  }

  queryBufferBytes(): number {
    return 0;
  }
  queryBufferFreeBytes(): number {
    return 0;
  }
  outputBytes(): number {
    return 0;
  }
  outputPieces(): number {
    return 0;
  }
  memoryBytes(): number {
    return 0;
  }
  close(): void {
    this.isClosed = true;
  }
  closeAfterOutput(): void {
    this.isClosed = true;
  }
  resume(): void {
    this.resumeCount++;
  }
}

/** What a test may look at and change of the fake process. */
export interface FakeHostState {
  /** Time in ms since the epoch. */
  nowMs: number;
  /** Timers that `after` started and that are neither cancelled nor due yet. */
  readonly timers: Set<{ atMs: number; fn: () => void }>;
  readonly logged: string[];
  isLoading: boolean;
  refusal: string | undefined;
  /** The end of the log and what is durable of it, in bytes. */
  position: number;
  durable: number;
  isLogOn: boolean;
  /** What waits for the log to become durable. */
  readonly durableChecks: Set<(durable: number) => boolean>;
}

export function newHostState(nowMs: number): FakeHostState {
  return {
    nowMs,
    timers: new Set(),
    logged: [],
    isLoading: false,
    refusal: undefined,
    position: 0,
    durable: 0,
    isLogOn: true,
    durableChecks: new Set(),
  };
}

export function fakeHost(output: Output, state: FakeHostState, random: () => number): Host {
  return {
    output,
    processId: 4711,
    executable: '/usr/bin/kvasir',
    version: '0.1.0',
    platform: 'Linux 6.1.0 x86_64',
    configFile: '',
    tcpPort: 6379,
    startedMs: state.nowMs,
    runId: '0123456789abcdef0123456789abcdef01234567',
    memory: () => ({ rss: 1, heapUsed: 1, heapTotal: 1, external: 1, peakRss: 1, system: 1 }),
    cpu: () => ({ userSeconds: 0, systemSeconds: 0, mainThread: undefined }),
    monotonicUs: () => state.nowMs * 1000,
    wallClockUs: () => state.nowMs * 1000,
    after(ms, fn) {
      const timer = { atMs: state.nowMs + ms, fn };
      state.timers.add(timer);
      return () => state.timers.delete(timer);
    },
    sleepSync(ms) {
      state.nowMs += ms;
    },
    random,
    randomBytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)),
    persistence: {
      get isOn() {
        return state.isLogOn;
      },
      get isLoading() {
        return state.isLoading;
      },
      get refusal() {
        return state.refusal;
      },
      get position() {
        return state.position;
      },
      get durable() {
        return state.durable;
      },
      rewrite: () => ({ reply: 'Background append only file rewriting started' }),
      info: () => ({}),
      whenDurable: (check) => void state.durableChecks.add(check),
      reload: () => undefined,
      lastSaveSeconds: Math.floor(state.nowMs / 1000),
    },
    shutdown: () => undefined,
    crash: () => {},
    log: (level, message) => void state.logged.push(`${level}: ${message}`),
    network: () => ({
      inputBytes: 0,
      reads: 0,
      writes: 0,
      outputBytes: 0,
      connectionsReceived: 0,
      rejectedConnections: 0,
      evictedClients: 0,
    }),
    buffers: () => ({ maxInputBytes: 0, maxOutputBytes: 0, clientsBytes: 0 }),
  };
}
