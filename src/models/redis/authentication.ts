/**
 * Who a client is. There is one user, `default`, whose password is the setting `requirepass`; empty: none is needed. Nothing is cached, so
 * that CONFIG SET requirepass is in force at once for whoever authenticates next.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context } from './context.ts';
import type { Settings } from './settings/settings.ts';

export const DEFAULT_USER = 'default';

const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';

/** Whether a client that connects now has to authenticate. */
export function isPasswordRequired(settings: Settings): boolean {
  return settings.get('requirepass') !== '';
}

/** SHA-256 of a password (one byte a character), as ACL LIST shows it: 64 hexadecimal digits. */
export function passwordDigest(password: string): string {
  return createHash('sha256').update(Buffer.from(password, 'latin1')).digest('hex');
}

/**
 * Authenticates the session with the user and password in these arguments (`user` absent: `default`). Replies the error and returns false
 * where they are wrong; the time that takes tells nothing about the password.
 */
export function authenticate(c: Context, user: number | undefined, password: number): boolean {
  const expected = c.model.settings.get('requirepass');
  const isRight = isSamePassword(c.request.copy(password), expected) || expected === '';
  const isKnown = user === undefined || c.request.text(user) === DEFAULT_USER;
  if (!isRight || !isKnown) {
    c.model.stats.aclDeniedAuth++;
    c.reply.error(WRONG_PASSWORD);
    return false;
  }
  c.session.isAuthenticated = true;
  c.session.user = DEFAULT_USER;
  return true;
}

/** A password that came over the wire has one byte a character; one from a file or a command line is text, which clients send as UTF-8. */
function isSamePassword(given: Uint8Array, expected: string): boolean {
  const digest = createHash('sha256').update(given).digest();
  const bytes = createHash('sha256').update(Buffer.from(expected, 'latin1')).digest();
  const text = createHash('sha256').update(Buffer.from(expected, 'utf8')).digest();
  const isBytes = timingSafeEqual(digest, bytes);
  return timingSafeEqual(digest, text) || isBytes;
}
