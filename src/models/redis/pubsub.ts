/** Who listens to which channel and pattern, and the delivery of messages. */
import type { Host } from './host.ts';
import type { Session } from './session.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';

export class PubSub {
  readonly channels: Map<string, Set<Session>> = new Map();
  readonly patterns: Map<string, Set<Session>> = new Map();
  readonly shardChannels: Map<string, Set<Session>> = new Map();
  readonly #host: Host;
  readonly #reply: RespWriter;

  constructor(host: Host, reply: RespWriter) {
    this.#host = host;
    this.#reply = reply;
  }

  /** Delivers `message` (one byte a character, as `channel`) to subscribers and matching patterns; returns how many got it. */
  publish(channel: string, message: string): number {
    let receivers = 0;
    for (const session of this.channels.get(channel) ?? []) {
      this.#host.output.begin(session);
      this.#reply.push(3);
      this.#reply.bulkText('message');
      this.#reply.bulkText(channel);
      this.#reply.bulkText(message);
      this.#host.output.end();
      receivers++;
    }
    return receivers;
  }

  /** Drops all subscriptions of a client that is gone. */
  forget(session: Session): void {
    for (const channel of session.channels) this.channels.get(channel)?.delete(session);
  }
}
