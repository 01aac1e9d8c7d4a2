/** When collections change their encoding. Facts from redis.conf of Redis 7.2. */
import { number, type Directive, INT_MAX, INT_MIN, LONG_MAX } from './directive.ts';

export const ENCODINGS_DIRECTIVES: readonly Directive[] = [
  {
    name: 'list-max-listpack-size',
    kind: number('integer', -2, INT_MIN, INT_MAX),
    alias: 'list-max-ziplist-size',
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'list-compress-depth',
    kind: number('integer', 0, 0, INT_MAX),
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'stream-node-max-entries',
    kind: number('integer', 100, 0, LONG_MAX),
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'hash-max-listpack-entries',
    kind: number('integer', 512, 0, LONG_MAX),
    alias: 'hash-max-ziplist-entries',
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'set-max-intset-entries',
    kind: number('integer', 512, 0, LONG_MAX),
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'set-max-listpack-entries',
    kind: number('integer', 128, 0, LONG_MAX),
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'set-max-listpack-value',
    kind: number('integer', 64, 0, LONG_MAX),
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'zset-max-listpack-entries',
    kind: number('integer', 128, 0, LONG_MAX),
    alias: 'zset-max-ziplist-entries',
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'hash-max-listpack-value',
    kind: number('memory', 64, 0, LONG_MAX),
    alias: 'hash-max-ziplist-value',
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'stream-node-max-bytes',
    kind: number('memory', 4096, 0, LONG_MAX),
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'zset-max-listpack-value',
    kind: number('memory', 64, 0, LONG_MAX),
    alias: 'zset-max-ziplist-value',
    accepted: 'belongs to a type that comes later',
  },
  {
    name: 'hll-sparse-max-bytes',
    kind: number('memory', 3000, 0, LONG_MAX),
    accepted: 'belongs to a type that comes later',
  },
];
