/**
 * SLOWLOG: the last commands that took longer than `slowlog-log-slower-than` microseconds. Entries hold copies, cut as Redis cuts them:
 * at most 32 arguments of at most 128 bytes each, so that the log's memory is bounded by its length.
 */
import { latin1, type Request } from '../../bytes/resp-request.ts';
import { isSecret, REDACTED } from './redaction.ts';
import type { Session } from './session.ts';

export interface SlowLogEntry {
  readonly id: number;
  /** Seconds since the epoch. */
  readonly timeSeconds: number;
  readonly microseconds: number;
  /** One byte a character. */
  readonly args: readonly string[];
  readonly address: string;
  readonly clientName: string;
}

const MAX_ARGUMENTS = 32;
const MAX_ARGUMENT_BYTES = 128;

export class SlowLog {
  /** Microseconds; negative: off; 0: every command. */
  thresholdUs = 10000;
  #maxLength = 128;
  /** Oldest first; those before `#first` are dropped. */
  #entries: (SlowLogEntry | undefined)[] = [];
  #first = 0;
  #nextId = 0;

  get maxLength(): number {
    return this.#maxLength;
  }

  set maxLength(value: number) {
    this.#maxLength = value;
    this.#trim();
  }

  get length(): number {
    return this.#entries.length - this.#first;
  }

  /** Keeps `request` if it took long enough. */
  offer(request: Request, session: Session, microseconds: number, nowMs: number): void {
    if (this.thresholdUs < 0 || microseconds < this.thresholdUs) return;
    this.#entries.push({
      id: this.#nextId++,
      timeSeconds: Math.floor(nowMs / 1000),
      microseconds: Math.floor(microseconds),
      args: copyArguments(request),
      address: session.io.address,
      clientName: session.name,
    });
    this.#trim();
  }

  /** The `count` newest entries, newest first. */
  newest(count: number): SlowLogEntry[] {
    const from = Math.max(this.#first, this.#entries.length - count);
    return (this.#entries.slice(from) as SlowLogEntry[]).reverse();
  }

  /** Drops all entries; ids go on. */
  reset(): void {
    this.#entries = [];
    this.#first = 0;
  }

  #trim(): void {
    while (this.length > this.#maxLength) this.#entries[this.#first++] = undefined;
    if (this.#first * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

function beginning(request: Request, i: number): string {
  const large = request.large?.[i];
  if (large === undefined) {
    const start = request.start[i]!;
    return latin1(request.region, start, Math.min(request.end[i]!, start + MAX_ARGUMENT_BYTES));
  }
  let text = '';
  large.each(0, Math.min(large.length, MAX_ARGUMENT_BYTES), (region, start, end) => {
    text += latin1(region, start, end);
  });
  return text;
}

function copyArguments(request: Request): string[] {
  const kept = Math.min(request.count, MAX_ARGUMENTS);
  const args: string[] = [];
  for (let i = 0; i < kept; i++) {
    if (i === kept - 1 && request.count > kept) {
      args.push(`... (${request.count - kept + 1} more arguments)`);
    } else if (isSecret(request, i)) {
      args.push(REDACTED);
    } else {
      const more = request.length(i) - MAX_ARGUMENT_BYTES;
      const text = beginning(request, i);
      args.push(more > 0 ? `${text}... (${more} more bytes)` : text);
    }
  }
  return args;
}
