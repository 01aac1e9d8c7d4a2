/**
 * Finds the command of a request without making a string: the first eight bytes of its name, as two words in small letters, are looked up in
 * an open table. Of a name of at most eight letters they are all there is to compare. One table belongs to one model and keeps its counters.
 */
import { Region } from '../../bytes/region.ts';
import type { Request } from '../../bytes/resp-request.ts';
import type { CommandFlag, CommandSpec, Handler } from './command.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/** Flags that dispatch tests, as bits. */
export const FLAG: Readonly<Record<CommandFlag, number>> = {
  write: 1,
  readonly: 2,
  denyoom: 4,
  admin: 8,
  pubsub: 16,
  noscript: 32,
  blocking: 64,
  loading: 128,
  stale: 256,
  skip_monitor: 512,
  skip_slowlog: 1024,
  fast: 2048,
  no_auth: 4096,
  may_replicate: 8192,
  no_mandatory_keys: 16384,
  protected: 32768,
  no_async_loading: 65536,
  no_multi: 131072,
  movablekeys: 262144,
  allow_busy: 524288,
  touches_arbitrary_keys: 1048576,
};

/** Of a brief command's calls the first two and then one after so many are timed. */
const TIMING_STRIDE = 64;

/**
 * A command of one model: its spec, compiled, and its counters.
 *
 * Not every call is timed. Calls between two timed ones are taken to have lasted as long as the shorter of these,
 * so that a single slow call does not count for many; those since the last timed one, as long as the shorter of the last two. `settle`
 * accounts such calls, so that what is read afterwards counts every call and never falls again.
 */
export class Command {
  readonly spec: CommandSpec;
  /** `get`, `client|kill`. */
  readonly fullName: string;
  readonly parent: Command | undefined;
  readonly subcommands: readonly Command[];
  readonly arity: number;
  readonly flags: number;
  readonly handler: Handler | undefined;
  /** Its name is letters, at most eight: their words say it all. */
  readonly hasWordName: boolean;
  /** Its work does not grow with the data: only a sample of its calls is timed. */
  readonly isBrief: boolean;
  calls = 0;
  rejectedCalls = 0;
  failedCalls = 0;
  /** Microseconds of all settled calls. */
  microseconds = 0;
  /** Calls since the last timed one. */
  untimed = 0;
  /** The next call that is timed comes after so many that are not: none until it is known what is typical. */
  timingStride = 0;
  /** Those of them that are accounted. */
  #settled = 0;
  /** What an untimed call is taken to last, in microseconds; -1: no two calls were timed yet. */
  typicalMicroseconds = -1;
  #lastMicroseconds = -1;
  /** Durations of all settled calls; absent until one was recorded. */
  histogram: LatencyHistogram | undefined = undefined;

  constructor(spec: CommandSpec, parent: Command | undefined) {
    this.spec = spec;
    this.parent = parent;
    this.fullName = parent === undefined ? spec.name : `${parent.fullName}|${spec.name}`;
    this.arity = spec.arity;
    let flags = 0;
    for (const flag of spec.flags) flags |= FLAG[flag];
    this.flags = flags;
    this.handler = spec.handler;
    this.hasWordName = /^[a-z]{1,8}$/.test(spec.name);
    this.isBrief = spec.flags.includes('fast') || spec.complexity === 'O(1)';
    this.subcommands = (spec.subcommands ?? []).map((s) => new Command(s, this));
  }

  has(flags: number): boolean {
    return (this.flags & flags) !== 0;
  }

  /** Whether `count` arguments are too few or too many. */
  refusesCount(count: number): boolean {
    return this.arity > 0 ? count !== this.arity : count < -this.arity;
  }

  /** Accounts a call that took `microseconds`; `isTracking` (`latency-tracking`): in the histogram too. */
  timed(microseconds: number, isTracking: boolean): void {
    const last = this.#lastMicroseconds;
    if (last >= 0) {
      this.typicalMicroseconds = Math.min(last, microseconds);
      if (this.isBrief) this.timingStride = TIMING_STRIDE;
    }
    this.#lastMicroseconds = microseconds;
    this.settle(isTracking);
    this.untimed = 0;
    this.#settled = 0;
    this.#account(microseconds, 1, isTracking);
  }

  /** Accounts the calls that were not timed. */
  settle(isTracking: boolean): void {
    const calls = this.untimed - this.#settled;
    if (calls === 0) return;
    this.#settled = this.untimed;
    // CONFIG RESETSTAT may have forgotten what is typical while it was itself the call.
    this.#account(Math.max(0, this.typicalMicroseconds), calls, isTracking);
  }

  #account(microseconds: number, calls: number, isTracking: boolean): void {
    this.microseconds += microseconds * calls;
    if (isTracking) (this.histogram ??= new LatencyHistogram()).record(microseconds, calls);
  }

  resetCounters(): void {
    this.calls = 0;
    this.rejectedCalls = 0;
    this.failedCalls = 0;
    this.microseconds = 0;
    this.untimed = 0;
    this.timingStride = 0;
    this.#settled = 0;
    this.typicalMicroseconds = -1;
    this.#lastMicroseconds = -1;
    this.histogram = undefined;
    for (const sub of this.subcommands) sub.resetCounters();
  }
}

export class CommandTable {
  readonly all: readonly Command[];
  readonly #slots: (Command | undefined)[];
  /** Two words a slot. */
  readonly #words: Int32Array;
  readonly #mask: number;
  readonly #byName: Map<string, Command> = new Map();

  constructor(specs: readonly CommandSpec[]) {
    this.all = specs.map((spec) => new Command(spec, undefined));
    let capacity = 64;
    while (capacity < this.all.length * 4) capacity *= 2;
    this.#mask = capacity - 1;
    this.#slots = new Array<Command | undefined>(capacity).fill(undefined);
    this.#words = new Int32Array(capacity * 2);
    for (const command of this.all) {
      this.#byName.set(command.fullName, command);
      for (const sub of command.subcommands) this.#byName.set(sub.fullName, sub);
      const name = Region.of(command.spec.name.padEnd(WORD_BYTES, '\0'));
      const length = command.spec.name.length;
      const low = lowWord(name.view, 0, length);
      const high = highWord(name.view, 0, length);
      let i = spread(low, high) & this.#mask;
      while (this.#slots[i] !== undefined) i = (i + 1) & this.#mask;
      this.#slots[i] = command;
      this.#words[i * 2] = low;
      this.#words[i * 2 + 1] = high;
    }
  }

  /** The command of this full name (`get`, `client|kill`; lower case), or undefined. */
  byName(fullName: string): Command | undefined {
    return this.#byName.get(fullName);
  }

  /** The top-level command that argument 0 names, or undefined. */
  lookup(request: Request): Command | undefined {
    const { view, bytes } = request.region;
    const start = request.start[0]!;
    const end = request.end[0]!;
    if (start + WORD_BYTES > bytes.length) return this.#lookupText(request.text(0));
    const low = lowWord(view, start, end - start);
    const high = highWord(view, start, end - start);
    const words = this.#words;
    let i = spread(low, high) & this.#mask;
    for (;;) {
      const command = this.#slots[i];
      if (command === undefined) return undefined;
      if (words[i * 2] === low && words[i * 2 + 1] === high) {
        if (command.hasWordName) {
          if (command.spec.name.length === end - start) return command;
        } else if (matches(bytes, start, end, command.spec.name)) return command;
      }
      i = (i + 1) & this.#mask;
    }
  }

  /** As `lookup`, where there are not eight bytes to read. */
  #lookupText(name: string): Command | undefined {
    const command = this.#byName.get(name.toLowerCase());
    return command?.parent === undefined ? command : undefined;
  }

  /** The subcommand of `container` that argument 1 names, or undefined. */
  lookupSubcommand(container: Command, request: Request): Command | undefined {
    const bytes = request.region.bytes;
    const start = request.start[1]!;
    const end = request.end[1]!;
    for (const sub of container.subcommands) {
      if (matches(bytes, start, end, sub.spec.name)) return sub;
    }
    return undefined;
  }

  resetCounters(): void {
    for (const command of this.all) command.resetCounters();
  }

  /** Accounts all calls that were not timed, before counters are read or `latency-tracking` changes. */
  settle(isTracking: boolean): void {
    for (const command of this.all) {
      command.settle(isTracking);
      for (const sub of command.subcommands) sub.settle(isTracking);
    }
  }
}

/** Bytes of a name in the table. */
const WORD_BYTES = 8;
/** Makes small letters of four capitals, leaves small letters as they are; what it makes of other bytes is no letter. */
const SMALL = 0x20202020;

/** The first four of a name's bytes, in small letters; there must be four bytes to read. */
function lowWord(view: DataView, at: number, length: number): number {
  const word = view.getInt32(at, true) | SMALL;
  return length >= 4 ? word : word & ((1 << (length * 8)) - 1);
}

/** The next four. */
function highWord(view: DataView, at: number, length: number): number {
  if (length <= 4) return 0;
  const word = view.getInt32(at + 4, true) | SMALL;
  return length >= WORD_BYTES ? word : word & ((1 << ((length - 4) * 8)) - 1);
}

function spread(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** Whether `[start, end)` is `name` (lower case) in any case. */
function matches(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    let c = bytes[start + i]!;
    if (c >= 65 && c <= 90) c += 32;
    if (c !== name.charCodeAt(i)) return false;
  }
  return true;
}
