/** Memory, expiry and eviction. Facts from redis.conf of Redis 7.2. */
import { choice, flag, number, words, type Directive, INT_MAX, LONG_MAX } from './directive.ts';

export const MEMORY_DIRECTIVES: readonly Directive[] = [
  {
    name: 'activerehashing',
    kind: flag('yes'),
    accepted: 'the index is always resized incrementally',
  },
  {
    name: 'lazyfree-lazy-eviction',
    kind: flag('no'),
    accepted: 'large values are freed bit by bit in any case',
  },
  { name: 'lazyfree-lazy-expire', kind: flag('no') },
  {
    name: 'lazyfree-lazy-server-del',
    kind: flag('no'),
    accepted: 'large values are freed bit by bit in any case',
  },
  { name: 'lazyfree-lazy-user-del', kind: flag('no') },
  { name: 'lazyfree-lazy-user-flush', kind: flag('no') },
  { name: 'jemalloc-bg-thread', kind: flag('yes'), accepted: 'there is no jemalloc' },
  { name: 'activedefrag', kind: flag('no') },
  {
    name: 'disable-thp',
    kind: flag('yes'),
    isFixed: true,
    accepted: 'no fork, so huge pages do no harm',
  },
  {
    name: 'maxmemory-policy',
    kind: choice('noeviction', [
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ]),
  },
  {
    name: 'oom-score-adj',
    kind: choice('no', ['no', 'yes', 'relative', 'absolute']),
    accepted: 'the process leaves its score to whoever starts it',
  },
  {
    name: 'active-defrag-cycle-min',
    kind: number('integer', 1, 1, 99),
    accepted: 'defragmentation works in slices of a fixed size',
  },
  {
    name: 'active-defrag-cycle-max',
    kind: number('integer', 25, 1, 99),
    accepted: 'defragmentation works in slices of a fixed size',
  },
  {
    name: 'active-defrag-threshold-lower',
    kind: number('integer', 10, 0, 1000),
  },
  {
    name: 'active-defrag-threshold-upper',
    kind: number('integer', 100, 0, 1000),
    accepted: 'defragmentation works in slices of a fixed size',
  },
  { name: 'lfu-log-factor', kind: number('integer', 10, 0, INT_MAX) },
  { name: 'lfu-decay-time', kind: number('integer', 1, 0, INT_MAX) },
  {
    name: 'maxmemory-samples',
    kind: number('integer', 5, 1, INT_MAX),
  },
  {
    name: 'maxmemory-eviction-tenacity',
    kind: number('integer', 10, 0, 100),
  },
  {
    name: 'active-expire-effort',
    kind: number('integer', 1, 1, 10),
    accepted: 'keys expire when they are due',
  },
  {
    name: 'active-defrag-max-scan-fields',
    kind: number('integer', 1000, 1, LONG_MAX),
    accepted: 'collections are defragmented as other records are',
  },
  {
    name: 'maxmemory',
    kind: number('memory', 0, 0, LONG_MAX),
  },
  {
    name: 'active-defrag-ignore-bytes',
    kind: number('memory', 104857600, 1, LONG_MAX),
  },
  {
    name: 'maxmemory-scope',
    kind: choice('all', ['all', 'data']),
    own: 'what `maxmemory` bounds: all that `used_memory` counts, or records and indexes only, as memcached does',
  },
  { name: 'maxmemory-clients', kind: number('memoryOrPercent', 0, -100, LONG_MAX) },
  {
    name: 'oom-score-adj-values',
    kind: words('0 200 800', 'oomScores'),
    accepted: 'the process leaves its score to whoever starts it',
  },
];
