import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from './region.ts';
import { COMPLETE, FAILED, INCOMPLETE, RespParser, SKIPPED } from './resp-parser.ts';
import { Request } from './resp-request.ts';

/** All requests of `bytes` in one piece, and how it ended. */
function parseAll(
  bytes: Uint8Array | string,
  isAuthenticated = true,
): { requests: string[][]; end: string } {
  const region = Region.of(bytes);
  const parser = new RespParser();
  const request = new Request(2);
  const requests: string[][] = [];
  let at = 0;
  for (;;) {
    const outcome = parser.parse(region, at, region.bytes.length, request, isAuthenticated);
    if (outcome === INCOMPLETE) {
      expect(parser.needBytes).toBeGreaterThan(region.bytes.length - at);
      return { requests, end: 'incomplete' };
    }
    if (outcome === FAILED) return { requests, end: parser.error };
    expect(parser.next).toBeGreaterThan(at);
    at = parser.next;
    if (outcome === COMPLETE) requests.push(words(request));
    else expect(outcome).toBe(SKIPPED);
  }
}

function words(request: Request): string[] {
  return Array.from({ length: request.count }, (_, i) => request.text(i));
}

function encode(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((a) => `$${a.length}\r\n${a}\r\n`).join('')}`;
}

describe('requests', () => {
  test('multibulk and inline ones, mixed', () => {
    expect(
      parseAll("*2\r\n$3\r\nGET\r\n$1\r\na\r\nSET \"a b\" 'c\\'d' \\x\r\n\r\n*0\r\n*-1\r\nPING\n"),
    ).toEqual({
      requests: [['GET', 'a'], ['SET', 'a b', "c'd", '\\x'], ['PING']],
      end: 'incomplete',
    });
  });

  test('empty arguments, and arguments that look like protocol', () => {
    const args = ['', '\r\n', '$3\r\nfoo\r\n', '*1\r\n', '\0'];
    expect(parseAll(encode(args)).requests).toEqual([args]);
  });

  const refused: readonly [string, string][] = [
    ['*x\r\n', 'invalid multibulk length'],
    ['*3000000000\r\n', 'invalid multibulk length'],
    ['*1\r\n+a\r\n', "expected '$', got '+'"],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$x\r\n', 'invalid bulk length'],
    ['*1\r\n$536870913\r\n', 'invalid bulk length'],
    ['*1\r\n$01\r\na\r\n', 'invalid bulk length'],
    ['SET "a\r\n', 'unbalanced quotes in request'],
    ['SET "a"b\r\n', 'unbalanced quotes in request'],
    ['a'.repeat(70_000), 'too big inline request'],
    [`*${'1'.repeat(70_000)}`, 'too big mbulk count string'],
    [`*1\r\n$${'1'.repeat(70_000)}`, 'too big bulk count string'],
  ];

  test("what is no request is refused, in Redis's words", () => {
    for (const [bytes, error] of refused) {
      expect(parseAll(bytes)).toEqual({ requests: [], end: error });
    }
  });

  test('before authentication little is taken', () => {
    expect(parseAll('*11\r\n', false).end).toBe('unauthenticated multibulk length');
    expect(parseAll('*10\r\n', false).end).toBe('incomplete');
    expect(parseAll('*2\r\n$4\r\nAUTH\r\n$16385\r\n', false).end).toBe(
      'unauthenticated bulk length',
    );
    expect(parseAll('*2\r\n$4\r\nAUTH\r\n$16384\r\n', false).end).toBe('incomplete');
  });
});

describe('in pieces', () => {
  const argument = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 30 }),
    fc.integer({ min: 0, max: 20_000 }).map((n) => 'v'.repeat(n)),
  );

  test('a request whose end is missing says how much it needs, and is taken up where it was left', () => {
    fc.assert(
      fc.property(
        fc.array(argument, { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 30 }),
        (args, cuts) => {
          const whole = Region.of(encode(args));
          const size = whole.bytes.length;
          const parser = new RespParser();
          const request = new Request(1);
          let have = 0;
          let outcome = INCOMPLETE;
          for (let i = 0; outcome !== COMPLETE; i++) {
            have = Math.min(size, have + cuts[i % cuts.length]!);
            const saved = { ...parser.progress };
            outcome =
              saved.expected === 0
                ? parser.parse(whole, 0, have, request, true)
                : parser.resume(whole, 0, have, request, true, saved);
            if (outcome === INCOMPLETE) {
              expect(have).toBeLessThan(size);
              expect(parser.needBytes).toBeGreaterThan(have);
              expect(parser.needBytes).toBeLessThanOrEqual(size);
            }
          }
          expect(words(request)).toEqual(args);
          expect(parser.next).toBe(size);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('any prefix of valid requests is incomplete, never an error', () => {
    fc.assert(
      fc.property(fc.array(argument, { minLength: 1, maxLength: 5 }), fc.nat(), (args, cut) => {
        const text = encode(args);
        expect(parseAll(text.slice(0, cut % text.length))).toEqual({
          requests: [],
          end: 'incomplete',
        });
      }),
      { numRuns: 300 },
    );
  });
});

test('arbitrary bytes never throw, never hang, and every request lies inside them', () => {
  const soup = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .array(
        fc.constantFrom(
          '*',
          '$',
          '1',
          '2',
          '-',
          '\r',
          '\n',
          '\r\n',
          'a',
          '"',
          "'",
          '\\',
          ' ',
          '\0',
        ),
        { maxLength: 60 },
      )
      .map((parts) => Buffer.from(parts.join(''))),
  );
  fc.assert(
    fc.property(soup, fc.boolean(), (bytes, isAuthenticated) => {
      const { requests } = parseAll(bytes, isAuthenticated);
      for (const args of requests) {
        expect(args.length).toBeGreaterThan(0);
        expect(args.join('').length).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: 3000 },
  );
});
