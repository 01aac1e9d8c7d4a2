/**
 * Who may use the memcached side: the users of a file (`-Y`: a line `user:password` each), and, where the server has a password, its user `default`. Nobody
 * has to say anything while there is neither.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

const MAX_USERS = 10_000;
const DEFAULT_USER = 'default';

/** A file of users that can't be used. */
export class CredentialsError extends Error {
  readonly code = 'BAD_CREDENTIALS';
}

export class Credentials {
  /** The server's password (`requirepass`); '' is none. */
  serverPassword = '';
  #users: Map<string, Uint8Array> = new Map();

  get isRequired(): boolean {
    return this.#users.size > 0 || this.serverPassword !== '';
  }

  /** Takes the lines of a file in place of those before. Throws CredentialsError with what is wrong in which line. */
  load(text: string): void {
    const users = new Map<string, Uint8Array>();
    for (const [i, line] of text.split('\n').entries()) {
      const entry = line.replace(/\r$/, '');
      if (entry === '') continue;
      const colon = entry.indexOf(':');
      if (colon <= 0 || colon === entry.length - 1) {
        throw new CredentialsError(`line ${i + 1} is not user:password`);
      }
      if (users.size >= MAX_USERS) throw new CredentialsError(`more than ${MAX_USERS} users`);
      users.set(entry.slice(0, colon), digestOf(entry.slice(colon + 1)));
    }
    if (users.size === 0) throw new CredentialsError('it names nobody');
    this.#users = users;
  }

  /** Nobody has a password of his own. */
  clear(): void {
    this.#users = new Map();
  }

  /** Whether this is somebody's password; text of one byte a character. The time it takes tells nothing about the password. */
  check(user: string, password: string): boolean {
    const given = digestOf(password);
    const expected = this.#users.get(user);
    const isUser = expected !== undefined && timingSafeEqual(given, expected);
    const server = digestOf(Buffer.from(this.serverPassword, 'utf8').toString('latin1'));
    const isServer =
      timingSafeEqual(given, server) && this.serverPassword !== '' && user === DEFAULT_USER;
    return isUser || isServer;
  }
}

function digestOf(text: string): Uint8Array {
  return createHash('sha256').update(Buffer.from(text, 'latin1')).digest();
}
