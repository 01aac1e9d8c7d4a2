/**
 * Who listens to which channel and pattern, and the delivery of messages.
 *
 * Names are strings of one byte a character. A message is written once for each protocol version among its receivers; the others
 * share the bytes (`Output.repeat`). What a command publishes to its own client waits until the command has replied
 * (`deliverPostponed`): a push may not stand inside a reply, nor between the replies of a transaction.
 */
import { matchGlob } from '../../bytes/glob.ts';
import type { Region } from '../../bytes/region.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import type { Host } from './host.ts';
import type { Session } from './session.ts';

/** Memory of a subscription beside its name: entries in two tables, estimated. */
const SUBSCRIPTION_OVERHEAD_BYTES = 128;

/** One kind of subscription: where it is kept and what its messages are called. */
export interface SubscriptionKind {
  readonly listeners: Map<string, Listeners>;
  readonly names: (session: Session) => Set<string>;
  /** What the client is told its number of subscriptions is. */
  readonly count: (session: Session) => number;
  readonly subscribe: string;
  readonly unsubscribe: string;
}

/** The sessions that listen to one channel or pattern. */
export interface Listeners {
  readonly name: string;
  /** The name's bytes. */
  readonly bytes: Uint8Array;
  readonly sessions: Set<Session>;
}

/** A message for the client whose command is running. */
interface Postponed {
  readonly word: string;
  readonly pattern: string | undefined;
  readonly channel: string;
  readonly message: string | Uint8Array;
  /** The client's protocol when it was published: a HELLO later in the transaction does not change what went before. */
  readonly resp: 2 | 3;
}

export class PubSub {
  readonly channels: SubscriptionKind = {
    listeners: new Map(),
    names: (session) => session.channels,
    count: (session) => session.subscriptionCount,
    subscribe: 'subscribe',
    unsubscribe: 'unsubscribe',
  };
  readonly patterns: SubscriptionKind = {
    listeners: new Map(),
    names: (session) => session.patterns,
    count: (session) => session.subscriptionCount,
    subscribe: 'psubscribe',
    unsubscribe: 'punsubscribe',
  };
  readonly shardChannels: SubscriptionKind = {
    listeners: new Map(),
    names: (session) => session.shardChannels,
    count: (session) => session.shardChannels.size,
    subscribe: 'ssubscribe',
    unsubscribe: 'sunsubscribe',
  };
  readonly #host: Host;
  readonly #reply: RespWriter;
  readonly #postponed: Postponed[] = [];
  /** The message that is being delivered: a text, or bytes of a region. */
  #text = '';
  #region: Region | undefined = undefined;
  #start = 0;
  #end = 0;

  constructor(host: Host, reply: RespWriter) {
    this.#host = host;
    this.#reply = reply;
  }

  // ---- subscriptions

  /** Subscribes `session` to `name`, and tells it so. */
  subscribe(kind: SubscriptionKind, session: Session, name: string): void {
    const names = kind.names(session);
    if (!names.has(name)) {
      names.add(name);
      let listeners = kind.listeners.get(name);
      if (listeners === undefined) {
        listeners = { name, bytes: Buffer.from(name, 'latin1'), sessions: new Set() };
        kind.listeners.set(name, listeners);
      }
      listeners.sessions.add(session);
      session.subscriptionBytes += SUBSCRIPTION_OVERHEAD_BYTES + name.length;
    }
    this.#tell(session, kind.subscribe, name, kind.count(session));
  }

  /** Ends the subscription of `session` to `name`, if there is one, and tells it so. */
  unsubscribe(kind: SubscriptionKind, session: Session, name: string): void {
    this.#remove(kind, session, name);
    this.#tell(session, kind.unsubscribe, name, kind.count(session));
  }

  /** Ends all subscriptions of one kind, and tells `session` of each; or that there was none. */
  unsubscribeAll(kind: SubscriptionKind, session: Session): void {
    const names = kind.names(session);
    if (names.size === 0) this.#tell(session, kind.unsubscribe, undefined, kind.count(session));
    for (const name of names) this.unsubscribe(kind, session, name);
  }

  /** Drops all subscriptions of a client without a word: it is gone, or begins anew (RESET). */
  forget(session: Session): void {
    for (const kind of [this.channels, this.patterns, this.shardChannels]) {
      for (const name of kind.names(session)) this.#remove(kind, session, name);
    }
  }

  #remove(kind: SubscriptionKind, session: Session, name: string): void {
    if (!kind.names(session).delete(name)) return;
    const { sessions } = kind.listeners.get(name)!;
    sessions.delete(session);
    if (sessions.size === 0) kind.listeners.delete(name);
    session.subscriptionBytes -= SUBSCRIPTION_OVERHEAD_BYTES + name.length;
  }

  /** The push that answers a change of subscriptions. It leaves whatever CLIENT REPLY says. */
  #tell(session: Session, word: string, name: string | undefined, count: number): void {
    const reply = this.#reply;
    this.#host.output.begin(session);
    reply.push(3);
    reply.bulkText(word);
    if (name === undefined) reply.nil();
    else reply.bulkText(name);
    reply.integer(count);
    this.#host.output.end();
  }

  // ---- messages

  /** Delivers `message` (one byte a character, as `channel`) to subscribers and matching patterns; returns how many got it. */
  publish(channel: string, message: string): number {
    if (this.channels.listeners.size === 0 && this.patterns.listeners.size === 0) return 0;
    this.#text = message;
    this.#region = undefined;
    return this.#publish(channel);
  }

  /** As `publish`, with bytes `[start, end)` of `region` as the message. */
  publishBytes(channel: string, region: Region, start: number, end: number): number {
    if (this.channels.listeners.size === 0 && this.patterns.listeners.size === 0) return 0;
    this.#useBytes(region, start, end);
    return this.#publish(channel);
  }

  /** Delivers a message to the subscribers of a shard channel, of which patterns know nothing. */
  publishShard(channel: string, region: Region, start: number, end: number): number {
    const listeners = this.shardChannels.listeners.get(channel);
    if (listeners === undefined) return 0;
    this.#useBytes(region, start, end);
    return this.#deliver(listeners, 'smessage', undefined, channel);
  }

  get hasPostponed(): boolean {
    return this.#postponed.length > 0;
  }

  /** Delivers what the command of `session`, which has replied, published to its own client. */
  deliverPostponed(session: Session): void {
    const output = this.#host.output;
    for (const postponed of this.#postponed) {
      const { message } = postponed;
      output.begin(session);
      this.#reply.resp = postponed.resp;
      this.#writeHead(postponed.word, postponed.pattern, postponed.channel);
      if (typeof message === 'string') this.#reply.bulkText(message);
      else this.#reply.bulkBytes(message);
      output.end();
    }
    this.#postponed.length = 0;
  }

  #useBytes(region: Region, start: number, end: number): void {
    this.#text = '';
    this.#region = region;
    this.#start = start;
    this.#end = end;
  }

  #publish(channel: string): number {
    const listeners = this.channels.listeners.get(channel);
    let receivers = 0;
    if (listeners !== undefined)
      receivers += this.#deliver(listeners, 'message', undefined, channel);
    const patterns = this.patterns.listeners;
    if (patterns.size === 0) return receivers;
    const name = Buffer.from(channel, 'latin1');
    for (const pattern of patterns.values()) {
      if (!matchGlob(pattern.bytes, name)) continue;
      receivers += this.#deliver(pattern, 'pmessage', pattern.name, channel);
    }
    return receivers;
  }

  /** Sends the current message to all sessions of `listeners`; returns how many. */
  #deliver(
    listeners: Listeners,
    word: string,
    pattern: string | undefined,
    channel: string,
  ): number {
    const { sessions } = listeners;
    let isMixed = false;
    let resp = 0;
    for (const session of sessions) {
      if (session.isExecuting) {
        this.#postpone(session, word, pattern, channel);
      } else if (resp === 0) {
        resp = session.resp;
        this.#write(session, word, pattern, channel);
      } else if (session.resp === resp) {
        this.#host.output.repeat(session);
      } else {
        isMixed = true;
      }
    }
    if (isMixed) this.#deliverOther(sessions, resp, word, pattern, channel);
    return sessions.size;
  }

  /** Sends the current message to those whose protocol version is not `resp`. */
  #deliverOther(
    sessions: Set<Session>,
    resp: number,
    word: string,
    pattern: string | undefined,
    channel: string,
  ): void {
    let isWritten = false;
    for (const session of sessions) {
      if (session.isExecuting || session.resp === resp) continue;
      if (isWritten) this.#host.output.repeat(session);
      else this.#write(session, word, pattern, channel);
      isWritten = true;
    }
  }

  #write(session: Session, word: string, pattern: string | undefined, channel: string): void {
    const output = this.#host.output;
    output.begin(session);
    this.#writeHead(word, pattern, channel);
    const region = this.#region;
    if (region === undefined) this.#reply.bulkText(this.#text);
    else this.#reply.bulk(region, this.#start, this.#end - this.#start);
    output.end();
  }

  #writeHead(word: string, pattern: string | undefined, channel: string): void {
    const reply = this.#reply;
    reply.push(pattern === undefined ? 3 : 4);
    reply.bulkText(word);
    if (pattern !== undefined) reply.bulkText(pattern);
    reply.bulkText(channel);
  }

  #postpone(session: Session, word: string, pattern: string | undefined, channel: string): void {
    const region = this.#region;
    const message = region === undefined ? this.#text : region.bytes.slice(this.#start, this.#end);
    this.#postponed.push({ word, pattern, channel, message, resp: session.resp });
  }
}
