/** Listening, clients and who may come in. Facts from redis.conf of Redis 7.2. */
import {
  choice,
  flag,
  number,
  text,
  words,
  type Directive,
  INT_MAX,
  LONG_MAX,
  UINT_MAX,
} from './directive.ts';

export const CLIENTS_DIRECTIVES: readonly Directive[] = [
  { name: 'protected-mode', kind: flag('yes') },
  {
    name: 'aclfile',
    kind: text(''),
    isFixed: true,
    refused:
      'access control lists are not implemented: without them every client may do everything',
  },
  { name: 'unixsocket', kind: text(''), isFixed: true },
  { name: 'bind-source-addr', kind: text(''), refused: 'outgoing connections do not exist yet' },
  { name: 'requirepass', kind: text(''), isSecret: true },
  {
    name: 'acl-pubsub-default',
    kind: choice('resetchannels', ['allchannels', 'resetchannels']),
    accepted: 'belongs to a feature that comes later',
  },
  {
    name: 'enable-protected-configs',
    kind: choice('no', ['no', 'yes', 'local']),
    isFixed: true,
    accepted: 'belongs to a feature that comes later',
  },
  { name: 'enable-debug-command', kind: choice('no', ['no', 'yes', 'local']), isFixed: true },
  {
    name: 'enable-module-command',
    kind: choice('no', ['no', 'yes', 'local']),
    isFixed: true,
    refused: 'modules are not implemented',
  },
  { name: 'port', kind: number('integer', 6379, 0, 65535) },
  { name: 'tcp-keepalive', kind: number('integer', 300, 0, INT_MAX) },
  { name: 'timeout', kind: number('integer', 0, 0, INT_MAX) },
  { name: 'tcp-backlog', kind: number('integer', 511, 0, INT_MAX), isFixed: true },
  { name: 'maxclients', kind: number('integer', 10000, 1, UINT_MAX) },
  { name: 'unixsocketperm', kind: number('octal', 0, 0, 0o777), isFixed: true },
  {
    name: 'socket-mark-id',
    kind: number('integer', 0, 0, UINT_MAX),
    isFixed: true,
    refused: 'socket marks cannot be set from Node.js: filtering by them would not work',
  },
  {
    name: 'client-default-resp',
    kind: number('integer', 2, 2, 3),
    isFixed: true,
    isHidden: true,
    accepted: 'belongs to a feature that comes later',
  },
  {
    name: 'acllog-max-len',
    kind: number('integer', 128, 0, LONG_MAX),
    accepted: 'belongs to a feature that comes later',
  },
  { name: 'proto-max-bulk-len', kind: number('memory', 536870912, 1048576, LONG_MAX) },
  {
    name: 'tracking-table-max-keys',
    kind: number('integer', 1000000, 0, LONG_MAX),
    accepted: 'belongs to a feature that comes later',
  },
  { name: 'client-query-buffer-limit', kind: number('memory', 1073741824, 1048576, LONG_MAX) },
  {
    name: 'client-output-buffer-limit',
    kind: words(
      'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
      'outputLimits',
    ),
  },
  { name: 'bind', kind: words('127.0.0.1', 'addresses') },
];
