/**
 * WATCH: a transaction fails when a key that its client watches was changed. Watches are kept by key, so that an absent key can be
 * watched too, and a change costs one look-up however many clients watch something else.
 *
 * Time alone changes nothing until the key is deleted: a key that was expired already when it was watched may go (`wasExpired`)
 * without failing the transaction; one that expires later fails it, deleted or not (`hasExpiredWatch`, asked by EXEC).
 */
import type { Database } from './database.ts';
import type { Session } from './session.ts';

export interface Watch {
  readonly db: Database;
  readonly key: string;
  readonly session: Session;
  /** The key was there, expired, when it was watched, and is there still. */
  wasExpired: boolean;
}

/** Lets `session` watch `key` (one byte a character); nothing if it does so already. */
export function watchKey(session: Session, db: Database, key: string): void {
  const id = `${db.id}:${key}`;
  if (session.watched.has(id)) return;
  const watch: Watch = { db, key, session, wasExpired: isExpired(db, key) };
  session.watched.set(id, watch);
  let watches = db.watchers.get(key);
  if (watches === undefined) db.watchers.set(key, (watches = new Set()));
  watches.add(watch);
}

/** Ends all watches of `session`; whether its transaction fails is not touched. */
export function unwatchAll(session: Session): void {
  if (session.watched.size === 0) return;
  for (const watch of session.watched.values()) {
    const watches = watch.db.watchers.get(watch.key)!;
    watches.delete(watch);
    if (watches.size === 0) watch.db.watchers.delete(watch.key);
  }
  session.watched.clear();
}

/** `key` changed: transactions that watch it fail. */
export function touchWatched(db: Database, key: string): void {
  const watches = db.watchers.get(key);
  if (watches === undefined) return;
  for (const watch of watches) {
    if (watch.wasExpired && db.find(key) === 0) {
      watch.wasExpired = false; // the expired key is gone at last, which is no change
      continue;
    }
    watch.session.isTransactionDirty = true;
    unwatchAll(watch.session);
  }
}

/**
 * All keys of `db` are about to go, and those of `successor` (SWAPDB) to come in their place: transactions that watch a key which
 * this changes fail. A key that is neither here nor there does not change.
 */
export function touchAllWatched(db: Database, successor?: Database): void {
  for (const [key, watches] of db.watchers) {
    const isHere = db.find(key) !== 0;
    const isThere = successor !== undefined && successor.find(key) !== 0;
    if (!isHere && !isThere) continue;
    const isExpiredThere = isThere && isExpired(successor, key);
    for (const watch of watches) {
      if (watch.wasExpired) {
        if (!isThere) {
          watch.wasExpired = false;
          continue;
        }
        if (isExpiredThere) continue;
      } else if (!isHere && isExpiredThere) {
        watch.wasExpired = true;
        continue;
      }
      watch.session.isTransactionDirty = true;
    }
  }
}

/** Whether a key expired since `session` watched it. */
export function hasExpiredWatch(session: Session): boolean {
  for (const watch of session.watched.values()) {
    if (!watch.wasExpired && isExpired(watch.db, watch.key)) return true;
  }
  return false;
}

function isExpired(db: Database, key: string): boolean {
  const ref = db.find(key);
  return ref !== 0 && db.keys.engine.isExpired(ref);
}
