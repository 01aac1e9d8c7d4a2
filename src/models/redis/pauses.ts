/**
 * Clients that wait: CLIENT PAUSE and the parking of sessions. A session that is parked reads no further input; parking ends by being
 * served, by its deadline, by CLIENT UNBLOCK or by the client's going away.
 */
import type { Host } from './host.ts';
import type { Parked, Session } from './session.ts';

export class Pauses {
  /** What is held back: nothing, writes, or everything. */
  mode: 'off' | 'write' | 'all' = 'off';
  /** What CLIENT PAUSE holds back, until when (ms since the epoch). */
  #asked: 'off' | 'write' | 'all' = 'off';
  untilMs = 0;
  readonly #host: Host;
  readonly #parked: Map<Session, { cancel: () => void; isSilent: boolean }> = new Map();
  readonly #postponed: Set<Session> = new Set();
  #cancelEnd: (() => void) | undefined = undefined;
  /** The log holds as much as it may. */
  #isLogFull = false;
  #isInTransaction = false;
  /** The pause began inside the transaction that is running: it holds from its end. */
  #isDeferred = false;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Whether data must not change by itself (expiry). */
  get isWritePaused(): boolean {
    return this.mode !== 'off' && !this.#isDeferred;
  }

  /** EXEC runs: what it runs is not subject to a pause that it begins. */
  enterTransaction(): void {
    this.#isInTransaction = true;
  }

  leaveTransaction(): void {
    this.#isInTransaction = false;
    this.#isDeferred = false;
  }

  /** Clients that wait: parked by a blocking command or held back by CLIENT PAUSE (INFO blocked_clients). */
  get blockedCount(): number {
    return this.#parked.size + this.#postponed.size;
  }

  /** Clients whose waiting has a deadline. */
  get deadlineCount(): number {
    let count = 0;
    for (const session of this.#parked.keys()) if (session.parked!.deadlineMs !== Infinity) count++;
    return count;
  }

  /** Whether CLIENT PAUSE holds `session`'s next request back. */
  isPostponed(session: Session): boolean {
    return this.#postponed.has(session);
  }

  /** Holds commands back until `untilMs`; an earlier pause is only ever made longer and stricter. `nowMs` is the tick's time. */
  pause(mode: 'write' | 'all', untilMs: number, nowMs: number): void {
    if (this.#asked === 'off' && untilMs <= nowMs) return;
    if (this.#asked === 'off' && this.#isInTransaction) this.#isDeferred = true;
    if (this.#asked === 'off' || mode === 'all') this.#asked = mode;
    this.#settle();
    if (untilMs > this.untilMs) this.untilMs = untilMs;
    this.#cancelEnd?.();
    this.#cancelEnd = this.#host.after(Math.max(0, this.untilMs - nowMs), () => this.unpause());
  }

  unpause(): void {
    this.#cancelEnd?.();
    this.#cancelEnd = undefined;
    this.#asked = 'off';
    this.untilMs = 0;
    this.#settle();
  }

  /** Writes wait while the log can't hand on what it has: for a time, and nobody is refused. */
  holdForLog(isFull: boolean): void {
    if (isFull === this.#isLogFull) return;
    this.#isLogFull = isFull;
    this.#settle();
  }

  #settle(): void {
    const before = this.mode;
    this.mode = this.#asked === 'off' && this.#isLogFull ? 'write' : this.#asked;
    if (before === 'off' || before === this.mode || this.mode === 'all') return;
    // Less is held back: whoever still must wait is postponed again.
    const sessions = [...this.#postponed];
    this.#postponed.clear();
    for (const session of sessions) session.io.resume();
  }

  /** Keeps `session`'s next request (not run yet) until the pause is over. */
  postpone(session: Session): void {
    this.#postponed.add(session);
  }

  /** Parks `session`, whose request was accepted: it is answered later. */
  park(session: Session, parked: Parked, nowMs: number): void {
    session.parked = parked;
    const isTimed = parked.deadlineMs !== Infinity;
    const cancel = isTimed
      ? this.#host.after(Math.max(0, parked.deadlineMs - nowMs), () => this.#expire(session))
      : (): void => {};
    // CLIENT REPLY OFF and SKIP hold for the answer, however late it comes.
    const isSilent = session.replyMode === 'off' || session.replyMode === 'skip';
    this.#parked.set(session, { cancel, isSilent });
  }

  /** Ends the parking of a session that was served: `write` writes its reply. */
  serve(session: Session, write: () => void): void {
    const waiting = this.#parked.get(session);
    if (waiting === undefined) return;
    this.#unpark(session);
    if (!waiting.isSilent) {
      this.#host.output.begin(session);
      write();
      this.#host.output.end();
    }
    session.io.resume();
  }

  /** CLIENT UNBLOCK: false where the session waits for nothing that can be unblocked. */
  unblock(session: Session, withError: boolean): boolean {
    const parked = session.parked;
    if (parked?.unblock === undefined) return false;
    this.serve(session, () => parked.unblock!(withError));
    return true;
  }

  forget(session: Session): void {
    this.#postponed.delete(session);
    this.#unpark(session);
  }

  #expire(session: Session): void {
    const parked = session.parked;
    if (parked !== undefined) this.serve(session, () => parked.expire());
  }

  #unpark(session: Session): void {
    this.#parked.get(session)?.cancel();
    this.#parked.delete(session);
    session.parked = undefined;
  }
}
