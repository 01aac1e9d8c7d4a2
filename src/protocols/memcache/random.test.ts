/** Random sessions of memcached and Redis clients: a tiny reference model says what is answered, and the log leads a fresh model to the same items. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemcacheHarness } from './testing/harness.ts';

interface Item {
  value: string;
  flags: number;
  /** Changes whenever the item does. */
  version: number;
}

const key = fc.constantFrom('a', 'b', 'c', 'key:with:colons', 'k'.repeat(250));
const value = fc.oneof(
  fc.constantFrom('', '0', '1', '99', '18446744073709551615', 'x'),
  fc.string({ maxLength: 30, unit: fc.constantFrom('a', '\r', '\n', '\0', '\xff', ' ', '7') }),
  fc.integer({ min: 100, max: 3000 }).map((length) => 'v'.repeat(length)),
);
const flags = fc.constantFrom(0, 0, 1, 65535, 0xffffffff);

type Modelled =
  | { kind: 'store'; verb: string; key: string; value: string; flags: number }
  | { kind: 'cas'; key: string; value: string; isRight: boolean }
  | { kind: 'count'; verb: 'incr' | 'decr'; key: string; delta: bigint }
  | { kind: 'delete' | 'get'; key: string };

type Step =
  | Modelled
  | { kind: 'redis'; words: string[]; key: string }
  | { kind: 'meta'; line: string; block: string | undefined };

const modelled: fc.Arbitrary<Modelled> = fc.oneof(
  fc.record({
    kind: fc.constant('store' as const),
    verb: fc.constantFrom('set', 'set', 'add', 'replace', 'append', 'prepend'),
    key,
    value,
    flags,
  }),
  fc.record({ kind: fc.constant('cas' as const), key, value, isRight: fc.boolean() }),
  fc.record({
    kind: fc.constant('count' as const),
    verb: fc.constantFrom('incr' as const, 'decr' as const),
    key,
    delta: fc.oneof(fc.bigInt(0n, 20n), fc.bigInt(0n, 2n ** 64n - 1n)),
  }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'get' as const), key }),
);

const redis: fc.Arbitrary<Step> = fc
  .tuple(
    key,
    fc.constantFrom(
      ['SET', '5'],
      ['SET', 'x', 'PX', '700'],
      ['APPEND', 'y'],
      ['INCR'],
      ['SETRANGE', '3', 'zz'],
      ['DEL'],
      ['EXPIRE', '1'],
      ['PERSIST'],
      ['RENAME', 'other'],
      ['COPY', 'copy', 'REPLACE'],
      ['MOVE', '1'],
      ['GETDEL'],
    ),
  )
  .map(
    ([key, [name, ...rest]]) =>
      ({ kind: 'redis', key, words: [name ?? '', key, ...rest] }) as const,
  );

const expiry = fc.constantFrom('0', '1', '2', '-1', '100');
const metaStep = (words: (string | number)[], block?: string): Step => ({
  kind: 'meta',
  line: words.join(' '),
  block,
});

const meta: fc.Arbitrary<Step> = fc.oneof(
  fc
    .tuple(
      key,
      value,
      fc.subarray(['F7', 'T1', 'I', 'c', 'C3', 'N1', 'E500', 'q', 'k']),
      fc.constantFrom([], ['ME'], ['MA'], ['MP'], ['MR'], ['MS']),
    )
    .map(([key, block, some, mode]) =>
      metaStep(['ms', key, block.length, ...some, ...mode], block),
    ),
  fc
    .tuple(key, fc.subarray(['v', 't', 'f', 'c', 's', 'k', 'N2', 'R50', 'T100', 'u']))
    .map(([key, some]) => metaStep(['mg', key, ...some])),
  fc
    .tuple(key, fc.subarray(['I', 'T1', 'x', 'C4', 'E900', 'q']))
    .map(([key, some]) => metaStep(['md', key, ...some])),
  fc
    .tuple(key, fc.subarray(['N1', 'J40', 'MD', 'D3', 'T9', 'v', 'E70']))
    .map(([key, some]) => metaStep(['ma', key, ...some])),
  fc.tuple(key, expiry).map(([key, time]) => metaStep(['touch', key, time])),
  fc.tuple(key, expiry).map(([key, time]) => metaStep(['gat', time, key])),
);

const MAX = 2n ** 64n;
const NUMBER = /^\d{1,20}$/;

/** What memcached answers, and what it does to `items`. */
class Reference {
  readonly items: Map<string, Item> = new Map();
  #version = 0;

  put(key: string, value: string, flags: number): string {
    this.items.set(key, { value, flags, version: ++this.#version });
    return 'STORED\r\n';
  }

  store(verb: string, key: string, value: string, flags: number): string {
    const item = this.items.get(key);
    if (verb === 'add' ? item !== undefined : verb !== 'set' && item === undefined) {
      return 'NOT_STORED\r\n';
    }
    if (verb === 'append') return this.put(key, item!.value + value, item!.flags);
    if (verb === 'prepend') return this.put(key, value + item!.value, item!.flags);
    return this.put(key, value, flags);
  }

  count(verb: string, key: string, delta: bigint): string {
    const item = this.items.get(key);
    if (item === undefined) return 'NOT_FOUND\r\n';
    const digits = item.value.replace(/^[ \t-\r]*\+?/, '').replace(/[ \t-\r][^]*$/, '');
    if (!NUMBER.test(digits) || BigInt(digits) >= MAX) {
      return 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n';
    }
    const number = BigInt(digits);
    const result = verb === 'incr' ? (number + delta) % MAX : number < delta ? 0n : number - delta;
    this.put(key, String(result), item.flags);
    return `${result}\r\n`;
  }

  get(key: string): string {
    const item = this.items.get(key);
    if (item === undefined) return 'END\r\n';
    return `VALUE ${key} ${item.flags} ${item.value.length}\r\n${item.value}\r\nEND\r\n`;
  }
}

/** The CAS that `gets` says. */
function casOf(h: MemcacheHarness, key: string): string | undefined {
  return /^VALUE \S+ \d+ \d+ (\d+)\r\n/.exec(h.text(`gets ${key}\r\n`))?.[1];
}

function runModelled(h: MemcacheHarness, reference: Reference, step: Modelled): void {
  if (step.kind === 'store') {
    const { verb, key, value, flags } = step;
    const answer = h.text(`${verb} ${key} ${flags} 0 ${value.length}\r\n${value}\r\n`);
    expect(answer).toBe(reference.store(verb, key, value, flags));
  } else if (step.kind === 'cas') {
    const { key, value, isRight } = step;
    const cas = casOf(h, key) ?? '1';
    const given = isRight ? cas : String(BigInt(cas) + 1n);
    const answer = h.text(`cas ${key} 0 0 ${value.length} ${given}\r\n${value}\r\n`);
    if (!reference.items.has(key)) expect(answer).toBe('NOT_FOUND\r\n');
    else if (!isRight) expect(answer).toBe('EXISTS\r\n');
    else expect(answer).toBe(reference.put(key, value, 0));
  } else if (step.kind === 'count') {
    const { verb, key, delta } = step;
    expect(h.text(`${verb} ${key} ${delta}\r\n`)).toBe(reference.count(verb, key, delta));
  } else if (step.kind === 'delete') {
    const isThere = reference.items.delete(step.key);
    expect(h.text(`delete ${step.key}\r\n`)).toBe(isThere ? 'DELETED\r\n' : 'NOT_FOUND\r\n');
  } else {
    expect(h.text(`get ${step.key}\r\n`)).toBe(reference.get(step.key));
  }
}

test('memcached commands do what they say, a CAS stands for one value, the log tells it all', () => {
  fc.assert(
    fc.property(fc.array(modelled, { maxLength: 40 }), (steps) => {
      const h = new MemcacheHarness({ segmentBits: 18 });
      const reference = new Reference();
      const seen = new Map<string, number>();
      for (const step of steps) {
        runModelled(h, reference, step);
        for (const [key, item] of reference.items) {
          const cas = casOf(h, key)!;
          expect(seen.get(cas) ?? item.version).toBe(item.version);
          seen.set(cas, item.version);
        }
      }
      expect(h.replayed()).toEqual(h.data.dump());
    }),
    { numRuns: 150 },
  );
});

/** Runs a step whatever is answered; what is stored expires. */
function runUnasked(h: MemcacheHarness, step: Step): void {
  if (step.kind === 'redis') {
    h.redis(...step.words);
  } else if (step.kind === 'meta') {
    h.text(`${step.line}\r\n${step.block === undefined ? '' : `${step.block}\r\n`}`);
  } else if (step.kind === 'store') {
    h.text(`${step.verb} ${step.key} ${step.flags} 1 ${step.value.length}\r\n${step.value}\r\n`);
  } else if (step.kind === 'count') {
    h.text(`${step.verb} ${step.key} ${step.delta}\r\n`);
  } else if (step.kind === 'cas') {
    const cas = casOf(h, step.key) ?? 1;
    h.text(`cas ${step.key} 1 0 ${step.value.length} ${cas}\r\n${step.value}\r\n`);
  } else {
    h.text(`${step.kind} ${step.key}\r\n`);
  }
}

test('sessions of all commands of both sides can be replayed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(modelled, redis, meta, fc.integer({ min: 1, max: 1500 })), {
        maxLength: 40,
      }),
      (steps) => {
        const h = new MemcacheHarness({ segmentBits: 18 });
        for (const step of steps) {
          if (typeof step === 'number') h.advance(step);
          else runUnasked(h, step);
        }
        expect(h.replayed()).toEqual(h.data.dump());
      },
    ),
    { numRuns: 200 },
  );
});
