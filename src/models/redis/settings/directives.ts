/** All settings, by topic. */
import type { Directive } from './directive.ts';
import { CLIENTS_DIRECTIVES } from './directives-clients.ts';
import { ENCODINGS_DIRECTIVES } from './directives-encodings.ts';
import { MEMCACHED_DIRECTIVES } from './directives-memcached.ts';
import { MEMORY_DIRECTIVES } from './directives-memory.ts';
import { PERSISTENCE_DIRECTIVES } from './directives-persistence.ts';
import { REPLICATION_DIRECTIVES } from './directives-replication.ts';
import { SERVER_DIRECTIVES } from './directives-server.ts';
import { TLS_DIRECTIVES } from './directives-tls.ts';

export const DIRECTIVES: readonly Directive[] = [
  ...CLIENTS_DIRECTIVES,
  ...TLS_DIRECTIVES,
  ...MEMCACHED_DIRECTIVES,
  ...PERSISTENCE_DIRECTIVES,
  ...MEMORY_DIRECTIVES,
  ...SERVER_DIRECTIVES,
  ...REPLICATION_DIRECTIVES,
  ...ENCODINGS_DIRECTIVES,
];

/**
 * Directives of redis.conf that are no settings but do something each time they occur; what they would do is not implemented, and going on
 * without it would weaken what the operator relies on.
 */
export const REFUSED_STATEMENTS: Readonly<Record<string, string>> = {
  'rename-command':
    'commands cannot be renamed or disabled yet: the command would stay available under its own name',
  user: 'access control lists are not implemented: the user would not be restricted',
  loadmodule: 'modules are not implemented',
};
