/**
 * A model with its dispatcher and engine and nothing around them: no sockets, no files, no clock but the test's.
 *
 *   const h = new Harness();
 *   expect(h.run('SET', 'a', '1', 'EX', '10')).toBe('OK');
 *   expect(h.effects()).toEqual([['SELECT', '0'], ['SET', 'a', '1', 'PXAT', '1700000010000']]);
 *   h.advance(10_000);
 *   expect(h.run('GET', 'a')).toBe(null);
 *
 *   expect(h.replayed().dump()).toEqual(h.dump()); // the effects so far lead a fresh model to the same keyspace
 */
import { RespParser, COMPLETE } from '../../../bytes/resp-parser.ts';
import type { Region } from '../../../bytes/region.ts';
import { latin1, Request } from '../../../bytes/resp-request.ts';
import type { RespWriter } from '../../../bytes/resp-writer.ts';
import { toBigInt } from '../../../bytes/unsigned64.ts';
import { type Keyspace, MemoryEngine, type Ref } from '../../../memory/index.ts';
import { applySettings } from '../apply-settings.ts';
import type { CommandSpec } from '../command.ts';
import { COMMANDS } from '../commands/index.ts';
import { Dispatcher } from '../dispatch.ts';
import { Effects } from '../effects.ts';
import type { Output } from '../host.ts';
import { ItemReplay } from '../item-line.ts';
import { RedisModel } from '../model.ts';
import { EVENT } from '../notify.ts';
import { Session } from '../session.ts';
import { Settings } from '../settings/settings.ts';
import { STRING_MARKS } from '../types.ts';
import { decodeReplies, type Reply } from './decode-reply.ts';
import {
  CollectedEffects,
  CollectedOutput,
  FakeIo,
  fakeHost,
  newHostState,
  type FakeHostState,
} from './fakes.ts';

export type Argument = string | number | bigint | Uint8Array;

export interface HarnessOptions {
  commands?: readonly CommandSpec[];
  /** Time at the start, in ms since the epoch. */
  nowMs?: number;
  settings?: Readonly<Record<string, string>>;
  /** log2 of the engine's segments; small ones make moves and chunk boundaries frequent. */
  segmentBits?: number;
  /** The strings of database 0 carry a CAS, as where memcached's clients see it. */
  carriesCas?: boolean;
  /** Where replies go, if not to `output`: then nothing here that runs a command or looks at a reply may be called. */
  wire?: { readonly output: Output; readonly writer: RespWriter };
}

/** What a key holds; compared by `toEqual`. */
export interface Held {
  type: number;
  value: string;
  expiry: number;
  /** CAS, client flags and marks of a record that carries a CAS. */
  item?: string;
}

const START_MS = 1_700_000_000_000;

export class Harness {
  readonly state: FakeHostState;
  readonly engine: MemoryEngine;
  readonly model: RedisModel;
  readonly dispatcher: Dispatcher;
  readonly output: CollectedOutput = new CollectedOutput();
  readonly sink: CollectedEffects = new CollectedEffects();
  /** The session that `run` speaks for. */
  readonly session: Session;
  /** Messages published so far: [channel, message]. */
  readonly published: [string, string][] = [];
  readonly settings: Settings = new Settings();
  readonly #options: HarnessOptions;
  #effectsTaken = 0;

  constructor(options: HarnessOptions = {}) {
    const { wire = { output: this.output, writer: this.output.writer }, ...rest } = options;
    this.#options = rest;
    this.state = newHostState(options.nowMs ?? START_MS);
    const random = seededRandom(12345);
    this.engine = new MemoryEngine({
      hashKey: Uint8Array.from({ length: 16 }, (_, i) => i),
      random,
      segmentBits: options.segmentBits ?? 20,
    });
    this.engine.now = this.state.nowMs;
    const effects = new Effects(this.sink, this.engine.cas);
    effects.isEnabled = true;
    for (const [name, value] of Object.entries(options.settings ?? {})) {
      const error = this.settings.initialise(name, [value]);
      if (error !== undefined) throw new Error(`${name} ${value}: ${error}`);
    }
    this.model = new RedisModel({
      settings: this.settings,
      commands: options.commands ?? COMMANDS,
      engine: this.engine,
      host: fakeHost(wire.output, this.state, random),
      reply: wire.writer,
      effects,
    });
    const publish = this.model.pubsub.publish.bind(this.model.pubsub);
    this.model.pubsub.publish = (channel: string, message: string): number => {
      this.published.push([channel, message]);
      return publish(channel, message);
    };
    applySettings(this.model);
    this.model.databases[0]!.keys.carriesCas = options.carriesCas === true;
    this.dispatcher = new Dispatcher(this.model);
    this.session = this.connect();
  }

  /** A further client. */
  connect(): Session {
    const id = this.model.nextSessionId++;
    const session = new Session(id, new FakeIo(id), this.state.nowMs, true);
    this.model.connect(session);
    return session;
  }

  /** Runs one command; its decoded reply (what else was written for the session stays for `replies`). */
  run(...args: Argument[]): Reply {
    return this.runAs(this.session, ...args);
  }

  runAs(session: Session, ...args: Argument[]): Reply {
    const replies = decodeReplies(this.rawAs(session, ...args));
    if (replies.length !== 1) throw new Error(`${replies.length} replies to one command`);
    return replies[0]!;
  }

  /** Runs one command; its reply as text of one byte a character. */
  raw(...args: Argument[]): string {
    return Buffer.from(this.rawAs(this.session, ...args)).toString('latin1');
  }

  rawAs(session: Session, ...args: Argument[]): Uint8Array {
    this.output.take(session);
    this.start(session, ...args);
    return this.output.take(session);
  }

  /** Runs one command of which any number of replies may come; all that its session got. */
  allAs(session: Session, ...args: Argument[]): Reply[] {
    return decodeReplies(this.rawAs(session, ...args));
  }

  /** Runs one command; returns the dispatcher's answer (PARKED ...), replies stay for `replies`. */
  start(session: Session, ...args: Argument[]): number {
    return this.execute(session, new Request().fill(args.map(bytesOf)));
  }

  /** Runs a request that is at hand; returns the dispatcher's answer. */
  execute(session: Session, request: Request): number {
    this.output.begin(session);
    const outcome = this.dispatcher.execute(session, request);
    this.output.end();
    return outcome;
  }

  /** What was written for `session` and not looked at yet. */
  replies(session: Session = this.session): Reply[] {
    return decodeReplies(this.output.take(session));
  }

  /** Moves the clock on, runs timers that come due; keys expire when they are looked up (or by `model.expireDue`). */
  advance(ms: number): void {
    this.setTime(this.state.nowMs + ms);
  }

  setTime(nowMs: number): void {
    this.state.nowMs = nowMs;
    this.engine.now = nowMs;
    for (const timer of [...this.state.timers].sort((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs > nowMs || !this.state.timers.delete(timer)) continue;
      timer.fn();
    }
  }

  /** The log is durable up to `position`. */
  makeDurable(position: number): void {
    const { state } = this;
    state.durable = position;
    for (const check of state.durableChecks) if (check(position)) state.durableChecks.delete(check);
  }

  /** Applies one command of a log; what refuses it, if anything. */
  replay(...args: Argument[]): string | undefined {
    this.output.begin(this.session);
    const refusal = this.dispatcher.replay(this.session, new Request().fill(args.map(bytesOf)));
    this.output.end();
    this.output.take(this.session);
    return refusal;
  }

  /** The effects emitted since the last call, as commands of one byte a character. */
  effects(): string[][] {
    const commands = [...parseCommands(this.sink, this.#effectsTaken)];
    this.#effectsTaken = this.sink.at;
    for (const command of commands) if (command[0] === 'select') command[0] = 'SELECT';
    return commands;
  }

  /** As `effects`, without the SELECTs. */
  effectsOnly(): string[][] {
    return this.effects().filter((command) => command[0] !== 'SELECT');
  }

  /** The effects since the last call of this or of `effects`: as commands, and what stands in front of them as lines. */
  logLines(): string[][] {
    const lines: string[][] = [];
    const note = (region: Region, start: number, end: number): void => {
      lines.push(latin1(region, start, end).trimEnd().split(' '));
    };
    for (const command of parseCommands(this.sink, this.#effectsTaken, note)) lines.push(command);
    this.#effectsTaken = this.sink.at;
    return lines;
  }

  /** Turns on all keyspace events, of which `events` tells. */
  watchEvents(): void {
    this.model.eventClasses =
      Object.values(EVENT).reduce((bits, bit) => bits | bit, 0) & ~EVENT.keyspace;
  }

  /** Keyspace events since the last call, as `event key`. */
  events(): string[] {
    return this.published
      .splice(0)
      .map(([channel, message]) => `${channel.split(':')[1]} ${message}`);
  }

  /** All keys of all databases with what they hold, expired ones too, in order of their names: `db:key`. */
  dump(): Record<string, Held> {
    const held: [string, Held][] = [];
    const engine = this.engine;
    for (const db of this.model.databases) {
      db.keys.forEach((ref) => {
        const value = Buffer.from(engine.copyValue(ref)).toString('latin1');
        const item = itemText(db.keys, ref);
        held.push([
          `${db.id}:${this.model.keyText(ref)}`,
          {
            type: engine.type(ref),
            value,
            expiry: engine.expiry(ref),
            ...(item === undefined ? {} : { item }),
          },
        ]);
      });
    }
    return Object.fromEntries(held.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /**
   * A fresh model after all effects emitted since this harness was made; fails where one is refused or is answered with an error.
   * SELECT, MULTI and EXEC are understood here, so that a group of commands can be tested without the groups of those.
   */
  replayed(): Harness {
    const other = new Harness(this.#options);
    other.model.isReplaying = true;
    other.model.effects.isEnabled = false;
    const errorsBefore = other.output.writer.errorCount;
    const items = new ItemReplay(other.model);
    const onLine = items.line.bind(items);
    for (const command of parseCommands(this.sink, 0, onLine)) {
      if (command[0] === 'select') other.session.database = Number(command[1]);
      if (command[0] === 'select' || command[0] === 'MULTI' || command[0] === 'EXEC') continue;
      const request = new Request().fill(command.map(bytesOf));
      other.output.begin(other.session);
      const refusal = other.dispatcher.replay(other.session, request);
      items.applied(other.session, request);
      other.output.end();
      const writer = other.output.writer;
      if (refusal !== undefined) throw new Error(`replay of ${command.join(' ')}: ${refusal}`);
      if (writer.errorCount !== errorsBefore) {
        throw new Error(`replay of ${command.join(' ')}: ${writer.lastError}`);
      }
    }
    other.output.take(other.session);
    other.setTime(this.state.nowMs);
    return other;
  }

  /** Changes a setting, as CONFIG SET does. */
  set(name: string, value: string): void {
    const error = this.settings.set([[name, value]], true);
    if (error !== undefined) throw new Error(error);
  }
}

function bytesOf(argument: Argument): Uint8Array {
  return argument instanceof Uint8Array ? argument : Buffer.from(String(argument), 'latin1');
}

/** CAS, client flags and marks of a record that carries a CAS, for people; undefined of one that does not. */
export function itemText(keys: Keyspace, ref: Ref): string | undefined {
  const { engine } = keys;
  if (!engine.hasCas(ref)) return undefined;
  const cas = toBigInt(keys.casHigh(ref), keys.casLow(ref));
  const marks = engine.encoding(ref) & STRING_MARKS.all;
  return `cas ${cas} flags ${engine.clientFlags(ref) >>> 0} marks ${marks}`;
}

/** The commands in `sink`; lines in front of them go to `onLine`. */
function* parseCommands(
  sink: CollectedEffects,
  from: number,
  onLine: (region: Region, start: number, end: number) => void = () => {},
): Generator<string[]> {
  const parser = new RespParser();
  const request = new Request();
  while (from < sink.at) {
    if (sink.region.bytes[from] === 35) {
      const end = sink.region.bytes.indexOf(10, from) + 1;
      onLine(sink.region, from, end);
      from = end;
      continue;
    }
    if (parser.parse(sink.region, from, sink.at, request, true) !== COMPLETE) {
      throw new Error(`effects are not RESP at ${from}: ${parser.error}`);
    }
    from = parser.next;
    yield Array.from({ length: request.count }, (_, i) => request.text(i));
  }
}

/** A small generator of uniform numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
