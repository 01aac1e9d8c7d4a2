/** TLS. Facts from redis.conf of Redis 7.2. */
import { choice, flag, number, text, type Directive, INT_MAX } from './directive.ts';

const NO_CONNECTIONS = 'connections to other servers do not exist yet';

export const TLS_DIRECTIVES: readonly Directive[] = [
  { name: 'tls-port', kind: number('integer', 0, 0, 65535) },
  {
    name: 'tls-session-cache-size',
    kind: number('integer', 20480, 0, INT_MAX),
    accepted: 'sessions are kept by clients, in tickets',
  },
  { name: 'tls-session-cache-timeout', kind: number('integer', 300, 0, INT_MAX) },
  { name: 'tls-cluster', kind: flag('no'), refused: 'the cluster is not implemented' },
  { name: 'tls-replication', kind: flag('no'), refused: 'replication is not implemented' },
  { name: 'tls-auth-clients', kind: choice('yes', ['no', 'yes', 'optional']) },
  { name: 'tls-prefer-server-ciphers', kind: flag('no') },
  { name: 'tls-session-caching', kind: flag('yes') },
  { name: 'tls-cert-file', kind: text(''), isVolatile: true },
  { name: 'tls-key-file', kind: text(''), isVolatile: true },
  { name: 'tls-key-file-pass', kind: text(''), isSecret: true },
  { name: 'tls-client-cert-file', kind: text(''), accepted: NO_CONNECTIONS },
  { name: 'tls-client-key-file', kind: text(''), accepted: NO_CONNECTIONS },
  {
    name: 'tls-client-key-file-pass',
    kind: text(''),
    isSecret: true,
    accepted: NO_CONNECTIONS,
  },
  { name: 'tls-dh-params-file', kind: text(''), isVolatile: true },
  { name: 'tls-ca-cert-file', kind: text(''), isVolatile: true },
  { name: 'tls-ca-cert-dir', kind: text(''), isVolatile: true },
  { name: 'tls-protocols', kind: text('') },
  { name: 'tls-ciphers', kind: text('') },
  { name: 'tls-ciphersuites', kind: text('') },
];
