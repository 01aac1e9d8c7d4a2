/**
 * A memcached, and the Redis it shares its data with, with nothing around them: no sockets, no files, no clock but the test's.
 *
 *   const h = new MemcacheHarness();
 *   expect(h.text('set a 5 0 1\r\nx\r\n')).toBe('STORED\r\n');
 *   expect(h.redis('GET', 'a')).toBe('x');
 *   expect(h.replayed()).toEqual(h.data.dump()); // the log so far leads a fresh model to the same items
 */
import { RespParser } from '../../../bytes/resp-parser.ts';
import type { Request } from '../../../bytes/resp-request.ts';
import type { LookAhead, MemoryEngine } from '../../../memory/index.ts';
import { BinaryDispatcher } from '../../../models/memcached/binary-dispatch.ts';
import { BinaryRequest } from '../../../models/memcached/binary-request.ts';
import { MemcachedClient } from '../../../models/memcached/client.ts';
import type { MemcachedHost } from '../../../models/memcached/host.ts';
import { MemcachedModel } from '../../../models/memcached/model.ts';
import { MemcachedOptions } from '../../../models/memcached/options.ts';
import { TextDispatcher } from '../../../models/memcached/text-dispatch.ts';
import type { TextRequest } from '../../../models/memcached/text-request.ts';
import type { Dispatcher } from '../../../models/redis/dispatch.ts';
import type { RedisModel } from '../../../models/redis/model.ts';
import { Session } from '../../../models/redis/session.ts';
import { decodeReplies, type Reply } from '../../../models/redis/testing/decode-reply.ts';
import {
  type Argument,
  Harness,
  type HarnessOptions,
  type Held,
} from '../../../models/redis/testing/harness.ts';
import type { Connection } from '../../connection.ts';
import { pipelineRequests, RespConnection, type RespShare } from '../../resp/connection.ts';
import { FakeShare, FakeTransport } from '../../testing.ts';
import { BinaryParser } from '../binary-parser.ts';
import { MemcacheConnection, type MemcacheShare, pipelinedRequests } from '../connection.ts';
import { TextParser } from '../text-parser.ts';

export interface MemcacheHarnessOptions extends HarnessOptions {
  memcached?: Partial<MemcachedOptions>;
  database?: number;
  /** `user:password` lines: clients have to authenticate. */
  users?: string;
}

/** One memcached client: what it gets is in `transport.sent`. */
export interface FakeClient {
  readonly connection: MemcacheConnection;
  readonly transport: FakeTransport;
}

export class MemcacheHarness extends FakeShare implements MemcacheShare, RespShare {
  readonly data: Harness;
  readonly engine: MemoryEngine;
  readonly parser: RespParser = new RespParser();
  readonly requests: readonly Request[] = pipelineRequests();
  readonly ahead: LookAhead;
  readonly dispatcher: Dispatcher;
  readonly model: MemcachedModel;
  readonly options: MemcachedOptions = new MemcachedOptions();
  readonly clients: Set<MemcachedClient> = new Set();
  readonly textParser: TextParser;
  readonly textRequests: readonly TextRequest[] = pipelinedRequests();
  readonly textDispatcher: TextDispatcher;
  readonly binaryParser: BinaryParser = new BinaryParser();
  readonly binaryRequest: BinaryRequest = new BinaryRequest();
  readonly binaryDispatcher: BinaryDispatcher;
  /** The client that `text` and `binary` speak for. */
  readonly client: FakeClient;
  /** What a client asked the host for: `shutdown`, `certificates`. */
  readonly asked: string[] = [];
  readonly #respConnection: RespConnection;
  readonly #respTransport: FakeTransport = new FakeTransport();

  constructor(options: MemcacheHarnessOptions = {}) {
    super();
    const { memcached = {}, database = 0, users, ...rest } = options;
    Object.assign(this.options, memcached);
    this.data = new Harness({
      ...rest,
      carriesCas: this.options.hasCas,
      wire: { output: this.outbox, writer: this.outbox.writer },
    });
    this.engine = this.data.engine;
    const redis = this.data.model;
    const host = this.#host(redis);
    this.model = new MemcachedModel({ redis, database, options: this.options, host });
    if (users !== undefined) this.model.credentials.load(users);
    this.textParser = new TextParser(this.model.commands);
    this.textParser.maxBlockBytes = this.options.itemSizeMax;
    this.binaryParser.maxValueBytes = this.options.itemSizeMax;
    this.textDispatcher = new TextDispatcher(this.model);
    this.binaryDispatcher = new BinaryDispatcher(this.model);
    this.client = this.connect();
    this.dispatcher = this.data.dispatcher;
    this.ahead = this.dispatcher.context.ahead;
    this.#respConnection = new RespConnection(this.#respTransport, this);
    this.#respConnection.session = this.#session(this.#respConnection);
    redis.connect(this.#respConnection.session);
  }

  get protocol(): MemcachedOptions['protocol'] {
    return this.options.protocol;
  }

  /** A further memcached client. */
  connect(): FakeClient {
    const transport = new FakeTransport();
    const connection = new MemcacheConnection(transport, this);
    connection.session = this.#session(connection);
    const isAuthenticated = !this.model.credentials.isRequired;
    connection.client = new MemcachedClient(connection.session, isAuthenticated);
    this.clients.add(connection.client);
    this.model.connect(connection.client);
    return { connection, transport };
  }

  /** Sends text, of one byte a character; what the client is answered. */
  text(bytes: string, client: FakeClient = this.client): string {
    this.deliver(client.connection, bytes);
    return this.answer(client);
  }

  /** What the client got since it was last asked. */
  answer(client: FakeClient = this.client): string {
    this.settle();
    const { sent } = client.transport;
    client.transport.sent = '';
    return sent;
  }

  /** Runs one command as a Redis client. */
  redis(...args: Argument[]): Reply {
    const replies = decodeReplies(Buffer.from(this.redisRaw(...args), 'latin1'));
    if (replies.length !== 1) throw new Error(`${replies.length} replies to one command`);
    return replies[0]!;
  }

  /** As `redis`; the reply as it stands in RESP. */
  redisRaw(...args: Argument[]): string {
    const pieces = [Buffer.from(`*${args.length}\r\n`)];
    for (const argument of args) {
      const bytes =
        argument instanceof Uint8Array ? argument : Buffer.from(String(argument), 'latin1');
      pieces.push(Buffer.from(`$${bytes.length}\r\n`), Buffer.from(bytes), Buffer.from('\r\n'));
    }
    this.deliver(this.#respConnection, Buffer.concat(pieces));
    this.settle();
    const { sent } = this.#respTransport;
    this.#respTransport.sent = '';
    return sent;
  }

  /** Moves the clock on; what expires meanwhile is deleted. */
  advance(ms: number): void {
    this.data.advance(ms);
    while (this.data.model.expireDue());
    this.settle();
  }

  /** What a model holds that has replayed the log so far. */
  replayed(): Record<string, Held> {
    return this.data.replayed().dump();
  }

  override closed(connection: Connection): void {
    super.closed(connection);
    if (!(connection instanceof MemcacheConnection)) return;
    this.clients.delete(connection.client);
    this.model.disconnect(connection.client);
  }

  #session(connection: Connection): Session {
    const { model, state } = this.data;
    return new Session(model.nextSessionId++, connection, state.nowMs, true);
  }

  #host(redis: RedisModel): MemcachedHost {
    const { settings } = redis;
    return {
      clients: () => this.clients,
      listeners: () => ['tcp:127.0.0.1:11211'],
      bytesRead: 0,
      bytesWritten: 0,
      readBufferBytes: () => 0,
      memoryLimit: () => settings.number('maxmemory'),
      setMemoryLimit: (bytes) => settings.set([['maxmemory', String(bytes)]], true),
      shutDown: () => void this.asked.push('shutdown'),
      refreshCertificates: () => void this.asked.push('certificates'),
    };
  }
}
