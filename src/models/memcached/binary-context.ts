/** What a handler of the binary protocol works with; one a model, used again for each request. */
import { latin1 } from '../../bytes/resp-request.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import type { MemoryEngine, Ref } from '../../memory/index.ts';
import { STATUS, writeError } from './binary-reply.ts';
import type { BinaryRequest } from './binary-request.ts';
import type { MemcachedClient } from './client.ts';
import { expiryOf } from './expiry-time.ts';
import type { Items } from './items.ts';
import type { MemcachedModel } from './model.ts';
import type { MemcachedOptions } from './options.ts';
import { writeLongValue } from './long-values.ts';
import type { Statistics } from './statistics.ts';

export class BinaryContext {
  readonly model: MemcachedModel;
  readonly items: Items;
  readonly engine: MemoryEngine;
  readonly options: MemcachedOptions;
  readonly statistics: Statistics;
  readonly writer: RespWriter;
  request!: BinaryRequest;
  client!: MemcachedClient;
  isQuiet = false;
  isClosing = false;

  constructor(model: MemcachedModel) {
    this.model = model;
    this.items = model.items;
    this.engine = model.redis.engine;
    this.options = model.options;
    this.statistics = model.items.statistics;
    this.writer = model.redis.reply;
  }

  error(status: number, text?: string): void {
    writeError(this.writer, this.request, status, text);
  }

  /** What does not fit the protocol: answered, and the connection closes. */
  protocolError(): void {
    this.error(STATUS.invalid);
    this.isClosing = true;
  }

  find(): Ref {
    const { region, keyStart, keyEnd } = this.request;
    return this.items.find(region, keyStart, keyEnd);
  }

  /** The expiration in the extras at `offset`, in ms since the epoch. */
  expiry(offset: number): number {
    return expiryOf(this.request.extra32(offset), this.engine.now);
  }

  /** The request's key as a string of one byte a character. Allocates. */
  keyText(): string {
    return latin1(this.request.region, this.request.keyStart, this.request.keyEnd);
  }

  /** An item's value. */
  value(ref: Ref): void {
    const { engine, writer } = this;
    const length = engine.valueLength(ref);
    if (engine.isValueInline(ref)) writer.raw(engine.segment(ref), engine.valueStart(ref), length);
    else writeLongValue(this.model.redis, this.client, ref, length);
  }
}
