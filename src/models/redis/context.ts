/**
 * What a handler works with: one request of one session, and the calls that every handler needs. There is one Context a model, reused
 * for every request, so that a command allocates nothing.
 *
 * The way of a writing handler: parse options and reply to bad ones; look the key up; check its type; change the keyspace; emit effects
 * (`verbatim` or explicit ones); `changed` (watchers, dirty count) and `notify`; reply.
 */
import { parseInteger } from '../../bytes/integer.ts';
import { Region } from '../../bytes/region.ts';
import type { Request } from '../../bytes/resp-request.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import { LookAhead, type MemoryEngine, type Ref } from '../../memory/index.ts';
import { hasInlineValue, typeOf, valueAreaBytes, valueAreaStart } from '../../memory/record.ts';
import type { Command } from './command-table.ts';
import type { Database } from './database.ts';
import type { Effects } from './effects.ts';
import { LEND_BYTES } from './host.ts';
import { EVENT } from './notify.ts';
import type { RedisModel } from './model.ts';
import type { Session } from './session.ts';
import { TYPE } from './types.ts';

export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
export const NOT_INTEGER = 'ERR value is not an integer or out of range';
export const SYNTAX_ERROR = 'ERR syntax error';
export const NO_SUCH_KEY = 'ERR no such key';

export class Context {
  readonly model: RedisModel;
  readonly engine: MemoryEngine;
  readonly reply: RespWriter;
  readonly effects: Effects;
  /** Set for each request by the dispatcher. */
  request!: Request;
  session!: Session;
  command!: Command;
  db!: Database;
  /** Keys of requests that were parsed before their turn. */
  readonly ahead: LookAhead;
  /** The hash of the key that was looked up last; insert, replace and remove take it. */
  keyHash = 0;
  /** A few bytes for the text a handler builds; nothing in it outlives the call that filled it. */
  readonly scratch: Region = Region.allocate(64);
  /** EXEC is running: no command may park the session. */
  isInTransaction = false;
  /** Runs a queued request of the session, with all that belongs to a call; EXEC's means. Set by the dispatcher. */
  run: (command: Command, request: Request) => void = () => {};

  constructor(model: RedisModel, reply: RespWriter, effects: Effects) {
    this.model = model;
    this.engine = model.engine;
    this.reply = reply;
    this.effects = effects;
    this.ahead = new LookAhead(model.databases[0]!.keys);
  }

  /** Time of this tick in ms since the epoch. */
  get now(): number {
    return this.engine.now;
  }

  /** Argument `i` as an integer; replies `error` and returns NaN where it is none. */
  integer(i: number, error: string = NOT_INTEGER): number {
    const request = this.request;
    const value = parseInteger(request.region.bytes, request.start[i]!, request.end[i]!);
    if (value !== value) this.reply.error(error);
    return value;
  }

  /** Looks the key in argument `i` up for reading: counts hit or miss, marks the access. NONE (0) when absent or expired. */
  lookupRead(i: number): Ref {
    const ref = this.peek(i);
    if (ref === 0) {
      this.#missed(i);
      return 0;
    }
    this.model.stats.keyspaceHits++;
    if (!this.session.isNoTouch) this.engine.touch(ref);
    return ref;
  }

  /** As `lookupRead`, but the key's access clock stays (EXISTS, TYPE, TTL ...). */
  inspect(i: number): Ref {
    const ref = this.peek(i);
    if (ref === 0) this.#missed(i);
    else this.model.stats.keyspaceHits++;
    return ref;
  }

  #missed(i: number): void {
    this.model.stats.keyspaceMisses++;
    this.notify(EVENT.keyMiss, 'keymiss', i);
  }

  /** Looks the key in argument `i` up for writing: marks the access, counts nothing. */
  lookupWrite(i: number): Ref {
    const ref = this.peek(i);
    if (ref !== 0 && !this.session.isNoTouch) this.engine.touch(ref);
    return ref;
  }

  /** Looks the key in argument `i` up without a trace (DEL ...); an expired one is deleted, with its effect. */
  peek(i: number): Ref {
    const request = this.request;
    const keys = this.db.keys;
    const start = request.start[i]!;
    const end = request.end[i]!;
    const hash = this.ahead.hash(request.region, start, end);
    this.keyHash = hash;
    const ref = keys.find(hash, request.region, start, end);
    if (ref === 0 || !this.engine.isVolatile(ref)) return ref;
    return this.model.expireIfDue(this.db, ref) ? 0 : ref;
  }

  /** Whether `ref` is a string; replies WRONGTYPE where not. NONE passes. */
  isString(ref: Ref): boolean {
    if (ref === 0 || this.engine.type(ref) === TYPE.string) return true;
    this.reply.error(WRONG_TYPE);
    return false;
  }

  /** Logs the request as it came. */
  verbatim(): void {
    this.effects.verbatim(this.db.id, this.request);
  }

  /** The key in argument `i` of the current database was changed: one more change since the last save, watchers touched. */
  changed(i: number): void {
    this.model.stats.dirty++;
    this.touchWatchers(i);
  }

  /** The key in argument `i` of `db` was changed: watchers alone. */
  touchWatchers(i: number, db: Database = this.db): void {
    if (db.watchers.size > 0) this.model.touchWatchers(db, this.request.text(i));
  }

  /** A keyspace event about the key in argument `i` of `db`. */
  notify(eventClass: number, event: string, i: number, db: Database = this.db): void {
    const model = this.model;
    if ((model.eventClasses & eventClass) === 0) return;
    model.publishKeyEvent(eventClass, event, this.request.text(i), db.id);
  }

  /** Replies with the whole value of a string; WRONGTYPE where `ref` is none. Nothing that may fail should come after it. */
  replyString(ref: Ref): void {
    const segment = this.engine.segment(ref);
    const at = this.engine.arena.offset(ref);
    const head = segment.view.getInt32(at, true);
    if (typeOf(head) !== TYPE.string) this.reply.error(WRONG_TYPE);
    else if (hasInlineValue(head))
      this.reply.bulk(segment, valueAreaStart(head, at), valueAreaBytes(segment.view, at));
    else this.replyRange(ref, 0, this.engine.valueLength(ref));
  }

  /** Replies with the bytes `[from, to)` of a string, however large. Long ones are lent: see `replyString`. */
  replyRange(ref: Ref, from: number, to: number): void {
    if (to - from < LEND_BYTES) {
      this.replyCopy(ref, from, to);
      return;
    }
    this.reply.bulkHeader(to - from);
    this.model.host.output.lend(this.engine, ref, from, to);
    this.reply.crlf();
  }

  /** The same, copied at once. */
  replyCopy(ref: Ref, from: number, to: number): void {
    this.reply.bulkHeader(to - from);
    this.engine.eachValueSpan(ref, from, to, this.#replySpan);
    this.reply.crlf();
  }

  readonly #replySpan = (region: Region, start: number, end: number): void => {
    this.reply.raw(region, start, end - start);
  };
}
