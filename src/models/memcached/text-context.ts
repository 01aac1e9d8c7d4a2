/**
 * What a handler of the text protocol works with: one request of one client. There is one context a model, used again for each request, so that
 * a request allocates nothing.
 */
import { writeInteger } from '../../bytes/integer.ts';
import { copyBytes, type Region } from '../../bytes/region.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import { writeDecimal64 } from '../../bytes/unsigned64.ts';
import type { MemoryEngine, Ref } from '../../memory/index.ts';
import type { MemcachedClient } from './client.ts';
import type { Items } from './items.ts';
import { memoryOfValue, writeLongValue } from './long-values.ts';
import { MetaFlags } from './meta-flags.ts';
import { MetaLine } from './meta-reply.ts';
import type { MemcachedModel } from './model.ts';
import { MAX_KEY_BYTES, type MemcachedOptions } from './options.ts';
import type { Statistics } from './statistics.ts';
import { BLOCK, type TextRequest } from './text-request.ts';

export const BAD_FORMAT = 'CLIENT_ERROR bad command line format';
export const BAD_BLOCK = 'CLIENT_ERROR bad data chunk';
export const TOO_LARGE = 'SERVER_ERROR object too large for cache';
export const OUT_OF_MEMORY = 'SERVER_ERROR out of memory storing object';

/** The longest number, and the blanks and line's end around a value's head. */
const HEAD_BYTES = 64;

export class TextContext {
  readonly model: MemcachedModel;
  readonly items: Items;
  readonly engine: MemoryEngine;
  readonly options: MemcachedOptions;
  readonly statistics: Statistics;
  readonly writer: RespWriter;
  /** Set for each request by the dispatcher. */
  request!: TextRequest;
  client!: MemcachedClient;
  /** Of a meta command: its flags, and the line that answers it. */
  readonly flags: MetaFlags = new MetaFlags();
  readonly line: MetaLine;
  /** `noreply`: what `say` would say is not said. */
  isQuiet = false;
  /** Writes are held back: the request is to run again later. */
  isPostponed = false;
  /** The connection closes once what was written has left. */
  isClosing = false;

  constructor(model: MemcachedModel) {
    this.model = model;
    this.items = model.items;
    this.engine = model.redis.engine;
    this.options = model.options;
    this.statistics = model.items.statistics;
    this.writer = model.redis.reply;
    this.line = new MetaLine(this);
  }

  get now(): number {
    return this.engine.now;
  }

  /** A line, unless the request asked for none. One byte a character. */
  say(text: string): void {
    if (!this.isQuiet) this.fail(text);
  }

  /** A line that is said in any case: what is wrong with a meta command. */
  fail(text: string): void {
    const { writer } = this;
    writer.rawText(text);
    writer.crlf();
  }

  /** Whether nothing may be changed now: said, or waited for. */
  refuses(): boolean {
    const { redis } = this.model;
    const refusal = redis.host.persistence.refusal;
    if (refusal !== undefined) {
      this.fail(`SERVER_ERROR ${refusal}`);
      return true;
    }
    this.isPostponed = redis.pauses.mode !== 'off';
    return this.isPostponed;
  }

  /** Whether the request's last word asks for no reply, which from now on is given none. */
  readQuiet(): boolean {
    const { request } = this;
    if (request.is(request.count - 1, 'noreply')) this.isQuiet = true;
    return this.isQuiet;
  }

  /** Whether word `i` is short enough to be a key. */
  isKey(i: number): boolean {
    return this.request.length(i) <= MAX_KEY_BYTES;
  }

  /** Looks for the item under word `i`. */
  find(i: number): Ref {
    const { request } = this;
    return this.items.find(request.region, request.start[i]!, request.end[i]!);
  }

  /** What keeps the request's data block from being stored, as an error; undefined: nothing. */
  blockError(keyBytes: number, clientFlags: number): string | undefined {
    const { request, options } = this;
    if (
      request.block === BLOCK.tooLong ||
      !options.isItemSizeOk(keyBytes, request.blockBytes, clientFlags)
    ) {
      this.statistics.tooLarge++;
      return TOO_LARGE;
    }
    return request.block === BLOCK.whole ? undefined : BAD_BLOCK;
  }

  /** `VALUE key flags bytes [cas]`, the value, and the lines' ends; returns how many bytes of memory that took. */
  value(ref: Ref, region: Region, keyStart: number, keyEnd: number, withCas: boolean): number {
    const { engine, items, writer } = this;
    const keyBytes = keyEnd - keyStart;
    writer.reserve(keyBytes + HEAD_BYTES);
    const target = writer.region;
    const { bytes, view } = target;
    let at = writer.at;
    view.setInt32(at, 0x554c4156, true); // 'VALU'
    view.setInt16(at + 4, 0x2045, true); // 'E '
    at += 6;
    copyBytes(target, at, region, keyStart, keyBytes);
    at += keyBytes;
    bytes[at++] = 32;
    const flags = engine.clientFlags(ref);
    if (flags === 0) bytes[at++] = 48;
    else at = writeInteger(bytes, at, flags >>> 0);
    bytes[at++] = 32;
    const length = engine.valueLength(ref);
    at = writeInteger(bytes, at, length);
    if (withCas) {
      bytes[at++] = 32;
      at = writeDecimal64(bytes, at, items.casHigh(ref), items.casLow(ref));
    }
    bytes[at++] = 13;
    bytes[at++] = 10;
    writer.at = at;
    this.bytesOf(ref, length);
    return memoryOfValue(this.client, length);
  }

  /** The item's value and a line's end. */
  bytesOf(ref: Ref, length: number): void {
    const { engine, writer } = this;
    if (!engine.isValueInline(ref)) {
      writeLongValue(this.model.redis, this.client, ref, length);
    } else if (writer.limit - writer.at >= length + 2) {
      copyBytes(writer.region, writer.at, engine.segment(ref), engine.valueStart(ref), length);
      writer.at += length;
    } else {
      writer.raw(engine.segment(ref), engine.valueStart(ref), length);
    }
    writer.crlf();
  }
}
