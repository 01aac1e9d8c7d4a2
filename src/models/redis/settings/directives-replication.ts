/** Replication and the cluster. Facts from redis.conf of Redis 7.2. */
import {
  choice,
  flag,
  number,
  text,
  words,
  type Directive,
  INT_MAX,
  LONG_MAX,
} from './directive.ts';

export const REPLICATION_DIRECTIVES: readonly Directive[] = [
  {
    name: 'repl-disable-tcp-nodelay',
    kind: flag('no'),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'repl-diskless-sync',
    kind: flag('yes'),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-require-full-coverage',
    kind: flag('yes'),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-replica-no-failover',
    kind: flag('no'),
    alias: 'cluster-slave-no-failover',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-lazy-flush',
    kind: flag('no'),
    alias: 'slave-lazy-flush',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-serve-stale-data',
    kind: flag('yes'),
    alias: 'slave-serve-stale-data',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-read-only',
    kind: flag('yes'),
    alias: 'slave-read-only',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-ignore-maxmemory',
    kind: flag('yes'),
    alias: 'slave-ignore-maxmemory',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-enabled',
    kind: flag('no'),
    isFixed: true,
    refused: 'the cluster is not implemented',
  },
  {
    name: 'cluster-allow-reads-when-down',
    kind: flag('no'),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-allow-pubsubshard-when-down',
    kind: flag('yes'),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-allow-replica-migration',
    kind: flag('yes'),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-announced',
    kind: flag('yes'),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-ignore-disk-write-errors',
    kind: flag('no'),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-announce-ip',
    kind: text(''),
    alias: 'slave-announce-ip',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  { name: 'masteruser', kind: text(''), isSecret: true, refused: 'replication is not implemented' },
  {
    name: 'cluster-announce-ip',
    kind: text(''),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-config-file',
    kind: text('nodes.conf'),
    isFixed: true,
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-announce-hostname',
    kind: text(''),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-announce-human-nodename',
    kind: text(''),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  { name: 'masterauth', kind: text(''), isSecret: true, refused: 'replication is not implemented' },
  {
    name: 'repl-diskless-load',
    kind: choice('disabled', ['disabled', 'on-empty-db', 'swapdb']),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-preferred-endpoint-type',
    kind: choice('ip', ['ip', 'hostname', 'unknown-endpoint']),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-replica-validity-factor',
    kind: number('integer', 10, 0, INT_MAX),
    alias: 'cluster-slave-validity-factor',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-migration-barrier',
    kind: number('integer', 1, 0, INT_MAX),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-priority',
    kind: number('integer', 100, 0, INT_MAX),
    alias: 'slave-priority',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'repl-diskless-sync-delay',
    kind: number('integer', 5, 0, INT_MAX),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replica-announce-port',
    kind: number('integer', 0, 0, 65535),
    alias: 'slave-announce-port',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-port',
    kind: number('integer', 0, 0, 65535),
    isFixed: true,
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-announce-bus-port',
    kind: number('integer', 0, 0, 65535),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-announce-port',
    kind: number('integer', 0, 0, 65535),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-announce-tls-port',
    kind: number('integer', 0, 0, 65535),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'repl-timeout',
    kind: number('integer', 60, 1, INT_MAX),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'repl-ping-replica-period',
    kind: number('integer', 10, 1, INT_MAX),
    alias: 'repl-ping-slave-period',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'min-replicas-to-write',
    kind: number('integer', 0, 0, INT_MAX),
    alias: 'min-slaves-to-write',
    refused: 'replication is not implemented: writes would be acknowledged without replicas',
  },
  {
    name: 'min-replicas-max-lag',
    kind: number('integer', 10, 0, INT_MAX),
    alias: 'min-slaves-max-lag',
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'repl-diskless-sync-max-replicas',
    kind: number('integer', 0, 0, INT_MAX),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-node-timeout',
    kind: number('integer', 15000, 0, LONG_MAX),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-ping-interval',
    kind: number('integer', 0, 0, LONG_MAX),
    isHidden: true,
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'repl-backlog-size',
    kind: number('memory', 1048576, 1, LONG_MAX),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'cluster-link-sendbuf-limit',
    kind: number('memory', 0, 0, LONG_MAX),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'repl-backlog-ttl',
    kind: number('integer', 3600, 0, LONG_MAX),
    accepted: 'replication and cluster come later; without them it has no effect',
  },
  {
    name: 'replicaof',
    kind: words('', 'replicaof'),
    alias: 'slaveof',
    isFixed: true,
    refused: 'replication is not implemented',
  },
];
