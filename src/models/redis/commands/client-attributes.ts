/** What a client may call itself, and the classes clients fall into. */
import type { Session } from '../session.ts';

export const BAD_CLIENT_NAME =
  'ERR Client names cannot contain spaces, newlines or special characters.';

/** Whether `text` may stand in a line of CLIENT LIST: printable ASCII without blanks; empty is allowed. */
export function isClientAttribute(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

export type ClientType = 'normal' | 'replica' | 'pubsub' | 'master';

const TYPES: Readonly<Record<string, ClientType>> = {
  normal: 'normal',
  slave: 'replica',
  replica: 'replica',
  pubsub: 'pubsub',
  master: 'master',
};

/** The class that `word` names, in any case. */
export function parseClientType(word: string): ClientType | undefined {
  const name = word.toLowerCase();
  return Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
}

/** The class of a client; a monitor is a normal one. */
export function clientType(session: Session): ClientType {
  return session.isSubscriber ? 'pubsub' : 'normal';
}
