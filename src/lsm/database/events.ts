/**
 * What a database does by itself, told on diagnostics channels: `kvasir:lsm:open`, `:close`, `:flush`, `:compaction`, `:drop`, `:stall`, `:upgrade`, `:poisoned`, `:failure`.
 * A message is a plain object with the database's `directory`. A channel that nobody subscribes to costs nothing.
 */
import { channel, type Channel } from 'node:diagnostics_channel';

export type EventName =
  | 'open'
  | 'close'
  | 'flush'
  | 'compaction'
  | 'drop'
  | 'stall'
  | 'upgrade'
  | 'poisoned'
  | 'failure';

export class Events {
  readonly #directory: string;
  readonly #channels = new Map<EventName, Channel>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  publish(name: EventName, message: Readonly<Record<string, unknown>>): void {
    let found = this.#channels.get(name);
    if (found === undefined) {
      found = channel(`kvasir:lsm:${name}`);
      this.#channels.set(name, found);
    }
    if (found.hasSubscribers) found.publish({ directory: this.#directory, ...message });
  }
}
