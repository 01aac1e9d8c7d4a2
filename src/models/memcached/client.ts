/** What the memcached side knows of one client; its address, connection and number are the session's, which Redis's CLIENT LIST shows. */
import type { Session } from '../redis/session.ts';

export class MemcachedClient {
  readonly session: Session;
  /** What the client speaks, once it has said something. */
  isBinary = false;
  isAuthenticated: boolean;
  /** Watching: what is written for it is events, and it is asked nothing more. */
  watched = 0;
  /** How many requests of what was sent at once came before this one. */
  requestsBefore = 0;
  /** Requests come in datagrams: there is nothing to write to later. */
  isDatagram = false;
  /** Why its connection closes, for those who watch. */
  closeReason: 'normal' | 'error' | 'idle_timeout' = 'normal';
  /** An exchange of SASL messages is under way. */
  isAuthenticating = false;

  constructor(session: Session, isAuthenticated: boolean) {
    this.session = session;
    this.isAuthenticated = isAuthenticated;
  }
}
