/**
 * `flush_all`, at once or after a delay: what is there when the time comes goes, also what was stored after the command, as in memcached. There is one
 * delayed flush at most; a later command replaces it. A delay does not outlive the process.
 */
import type { RedisModel } from '../redis/model.ts';
import { AT_ONCE, NEVER } from './expiry-time.ts';
import type { Items } from './items.ts';

export class Flush {
  /** When it is due, in ms since the epoch; Infinity: none is. */
  dueMs: number = Infinity;
  readonly #items: Items;
  readonly #model: RedisModel;
  #cancel: (() => void) | undefined = undefined;

  constructor(items: Items) {
    this.#items = items;
    this.#model = items.model;
  }

  /** `time` as expiry-time.ts has it: never and at once both mean now. */
  at(time: number): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.dueMs = Infinity;
    if (time === NEVER || time === AT_ONCE) {
      this.#items.flush();
      return;
    }
    this.dueMs = time;
    this.#cancel = this.#model.host.after(time - this.#model.engine.now, () => this.runIfDue());
  }

  /** To be called before any request: a timer may be late, what is answered may not. */
  runIfDue(): void {
    if (this.#model.engine.now < this.dueMs) return;
    this.#cancel?.();
    this.#cancel = undefined;
    this.dueMs = Infinity;
    this.#items.flush();
    this.#model.effects.endEntry();
  }
}
