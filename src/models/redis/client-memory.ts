/** Memory that one client holds, as CLIENT LIST (tot-mem), INFO memory and `maxmemory-clients` count it. */
import type { Session } from './session.ts';

/**
 * A client that does nothing: its session, connection and socket objects. The heap grew by 3.3 KB for each of 2 000 connections (Node.js
 * 20), rounded up; the kernel's socket buffers are not in it.
 */
const IDLE_CLIENT_BYTES = 4096;
/** A watched key: its entries in two tables. */
const WATCH_BYTES = 64;

/** In bytes: the fixed part, input and output that wait, queued commands, subscriptions and watches. */
export function clientBytes(session: Session): number {
  return (
    IDLE_CLIENT_BYTES +
    session.io.memoryBytes() +
    session.queuedBytes +
    session.subscriptionBytes +
    session.watched.size * WATCH_BYTES +
    session.name.length
  );
}
