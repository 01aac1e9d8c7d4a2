/** The memcached side, which is off unless one of the first four is given. */
import { choice, type Directive, flag, INT_MAX, type Kind, number, text } from './directive.ts';

const PORT = number('integer', 0, 0, 65535);

/** Is read when the server starts. */
function fixed(name: string, kind: Kind, own: string): Directive {
  return { name, kind, isFixed: true, own };
}

export const MEMCACHED_DIRECTIVES: readonly Directive[] = [
  fixed('memcached-port', PORT, "TCP port for memcached's clients; 0: none"),
  fixed('memcached-unixsocket', text(''), "path of a Unix socket for memcached's clients"),
  fixed(
    'memcached-tls-port',
    PORT,
    'port for those that use TLS, which `tls-*` settings describe; 0: none',
  ),
  fixed('memcached-udp-port', PORT, 'UDP port; 0: none'),
  fixed('memcached-bind', text(''), 'addresses of these ports; empty: those of `bind`'),
  fixed(
    'memcached-unixsocketperm',
    number('octal', 0o700, 0, 0o777),
    "the Unix socket's permissions",
  ),
  fixed(
    'memcached-backlog',
    number('integer', 1024, 0, INT_MAX),
    'connections that wait to be accepted',
  ),
  fixed(
    'memcached-database',
    number('integer', 0, 0, INT_MAX),
    'the database whose strings are the items',
  ),
  fixed('memcached-cas', flag('yes'), 'items have a CAS, 8 bytes each; without, `gets` answers 0'),
  fixed('memcached-prefix-delimiter', text(':'), "what ends a key's prefix for `stats detail`"),
  fixed('memcached-detail', flag('no'), '`stats detail` counts from the start'),
  {
    name: 'memcached-protocol',
    kind: choice('auto', ['auto', 'ascii', 'binary']),
    own: "what clients may speak; auto: each client's first byte says",
  },
  {
    name: 'memcached-maxclients',
    kind: number('integer', 1024, 1, INT_MAX),
    own: "as `maxclients`, for memcached's clients",
  },
  {
    name: 'memcached-idle-timeout',
    kind: number('integer', 0, 0, INT_MAX),
    own: "as `timeout`, for memcached's clients",
  },
  {
    name: 'memcached-item-size-max',
    kind: number('memory', 1048576, 1024, 1073741824),
    own: 'the largest item, counted as memcached counts it: with key and 59 bytes more',
  },
  {
    name: 'memcached-auth-file',
    kind: text(''),
    isVolatile: true,
    own: 'a file of lines `user:password`; setting it again reads it anew',
  },
  { name: 'memcached-flush-all', kind: flag('yes'), own: 'clients may flush_all' },
  { name: 'memcached-dump', kind: flag('yes'), own: 'clients may dump keys' },
  { name: 'memcached-watch', kind: flag('yes'), own: 'clients may watch' },
  { name: 'memcached-shutdown', kind: flag('no'), own: 'clients may shut the server down' },
];
