/** What is kept on disk. Facts from redis.conf of Redis 7.2. */
import {
  choice,
  flag,
  number,
  text,
  words,
  type Directive,
  INT_MAX,
  INT_MIN,
  LONG_MAX,
} from './directive.ts';

export const PERSISTENCE_DIRECTIVES: readonly Directive[] = [
  {
    name: 'rdbchecksum',
    kind: flag('yes'),
    isFixed: true,
    accepted: 'there is no RDB saving by fork',
  },
  { name: 'rdbcompression', kind: flag('yes') },
  { name: 'rdb-del-sync-files', kind: flag('no'), accepted: 'there is no RDB saving by fork' },
  {
    name: 'stop-writes-on-bgsave-error',
    kind: flag('yes'),
    accepted: 'there is no RDB saving by fork',
  },
  {
    name: 'aof-rewrite-incremental-fsync',
    kind: flag('yes'),
    accepted: 'bases are always synced bit by bit',
  },
  {
    name: 'no-appendfsync-on-rewrite',
    kind: flag('no'),
  },
  {
    name: 'rdb-save-incremental-fsync',
    kind: flag('yes'),
    accepted: 'there is no RDB saving by fork',
  },
  { name: 'aof-load-truncated', kind: flag('yes') },
  { name: 'aof-use-rdb-preamble', kind: flag('yes') },
  { name: 'aof-timestamp-enabled', kind: flag('no') },
  { name: 'appendonly', kind: flag('yes') },
  {
    name: 'aof-disable-auto-gc',
    kind: flag('no'),
    isHidden: true,
    accepted: 'there is no RDB saving by fork',
  },
  {
    name: 'dbfilename',
    kind: text('dump.rdb'),
    isProtected: true,
    accepted: 'there is no RDB saving by fork',
  },
  { name: 'appendfilename', kind: text('appendonly.aof'), isFixed: true },
  { name: 'appenddirname', kind: text('appendonlydir'), isFixed: true },
  {
    name: 'aof_rewrite_cpulist',
    kind: text(''),
    isFixed: true,
    accepted: 'there is no RDB saving by fork',
  },
  { name: 'appendfsync', kind: choice('everysec', ['everysec', 'always', 'no']) },
  {
    name: 'sanitize-dump-payload',
    kind: choice('no', ['no', 'yes', 'clients']),
    accepted: 'there is no RDB saving by fork',
  },
  { name: 'auto-aof-rewrite-percentage', kind: number('integer', 100, 0, INT_MAX) },
  {
    name: 'rdb-key-save-delay',
    kind: number('integer', 0, INT_MIN, INT_MAX),
    isHidden: true,
    accepted: 'there is no RDB saving by fork',
  },
  {
    name: 'key-load-delay',
    kind: number('integer', 0, INT_MIN, INT_MAX),
    isHidden: true,
    accepted: 'there is no RDB saving by fork',
  },
  { name: 'auto-aof-rewrite-min-size', kind: number('memory', 67108864, 0, LONG_MAX) },
  {
    name: 'loading-process-events-interval-bytes',
    kind: number('integer', 2097152, 1024, INT_MAX),
    isHidden: true,
    accepted: 'there is no RDB saving by fork',
  },
  { name: 'dir', kind: text('./kvasir-data'), isFixed: true, isProtected: true },
  {
    name: 'save',
    kind: words('3600 1 300 100 60 10000', 'save'),
    accepted: 'there is no RDB saving by fork',
  },
];
