/**
 * Random commands of this group and those of strings: what they log leads a fresh model to the same keyspace, at any moment, whatever
 * expired meanwhile; and what is logged is deterministic (no relative time, nothing that changed nothing).
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Argument, Harness } from '../testing/harness.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd');
const database = fc.constantFrom('0', '1', '2');
const seconds = fc.constantFrom('-1', '0', '1', '3', '100');
const condition = fc.subarray(['NX', 'XX', 'GT', 'LT'], { maxLength: 2 });
const atMs = fc.integer({ min: 1_699_999_999_000, max: 1_700_000_009_000 }).map(String);

const command: fc.Arbitrary<readonly Argument[]> = fc.oneof(
  fc.tuple(fc.constant('SET'), key, fc.string({ maxLength: 5 })),
  fc.tuple(
    fc.constant('SET'),
    key,
    fc.constant('1'),
    fc.constant('PX'),
    fc.integer({ min: 1, max: 3000 }).map(String),
  ),
  fc.tuple(fc.constantFrom('DEL', 'UNLINK', 'EXISTS', 'TOUCH'), key, key),
  fc.tuple(fc.constantFrom('RENAME', 'RENAMENX', 'COPY'), key, key),
  fc.tuple(fc.constant('COPY'), key, key, fc.constant('DB'), database, fc.constant('REPLACE')),
  fc.tuple(fc.constant('MOVE'), key, database),
  fc.tuple(fc.constant('SWAPDB'), database, database),
  fc
    .tuple(fc.constantFrom('EXPIRE', 'PEXPIRE'), key, seconds, condition)
    .map(([n, k, s, c]) => [n, k, s, ...c]),
  fc.tuple(fc.constant('PEXPIREAT'), key, atMs),
  fc.tuple(fc.constantFrom('PERSIST', 'TTL', 'GET', 'INCR'), key),
  fc.tuple(fc.constant('SELECT'), database),
  fc.constantFrom(
    ['FLUSHDB'],
    ['FLUSHDB', 'ASYNC'],
    ['FLUSHALL'],
    ['RANDOMKEY'],
    ['KEYS', '*'],
    ['SCAN', '0'],
  ),
  fc.constantFrom(['MULTI'], ['EXEC'], ['DISCARD']),
);

const step = fc.oneof(
  { weight: 8, arbitrary: command.map((args) => ({ args, advance: 0 })) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 2500 }).map((advance) => ({ args: [], advance })),
  },
);

test('the effects of any commands lead to the same keyspace', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 60 }),
      fc.boolean(),
      fc.boolean(),
      (steps, isActive, carriesCas) => {
        const h = new Harness({ carriesCas });
        for (const { args, advance } of steps) {
          if (advance > 0) {
            h.advance(advance);
            if (isActive) while (h.model.expireDue());
          } else {
            h.run(...args);
          }
        }
        expect(h.replayed().dump()).toEqual(h.dump());
      },
    ),
    { numRuns: 400 },
  );
});

test('a command that changed nothing logs nothing', () => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 1, maxLength: 30 }), (commands) => {
      const h = new Harness();
      for (const args of commands) {
        if (args[0] === 'MULTI') continue;
        const before = h.dump();
        h.effects();
        h.run(...args);
        const isForced = args[0] === 'FLUSHDB' || args[0] === 'FLUSHALL' || args[0] === 'SWAPDB';
        const hasEffects = h.effects().length > 0;
        const isChanged = JSON.stringify(h.dump()) !== JSON.stringify(before);
        if (isChanged) expect(hasEffects).toBe(true);
        // Setting what was there already is logged, as in Redis.
        if (hasEffects && !isForced)
          expect(args[0]).toMatch(/SET|EXPIRE|COPY|RENAME|MOVE|DEL|UNLINK|PERSIST|INCR/);
      }
    }),
    { numRuns: 200 },
  );
});
