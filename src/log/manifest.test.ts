import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatManifest,
  nextBaseSequence,
  nextIncrementalSequence,
  parseManifest,
  type Manifest,
} from './manifest.ts';

const parse = (text: string): Manifest => parseManifest(Buffer.from(text), 'm');
const format = (manifest: Manifest): string => Buffer.from(formatManifest(manifest)).toString();

/** As redis-server 7.0.15 writes it. */
const SAMPLE = `file appendonly.aof.2.base.rdb seq 2 type b
file appendonly.aof.1.incr.aof seq 1 type h
file appendonly.aof.2.incr.aof seq 2 type i
file appendonly.aof.3.incr.aof seq 3 type i
`;

describe('the manifest', () => {
  test('is read and written as Redis does', () => {
    const manifest = parse(SAMPLE);
    expect(manifest).toEqual({
      base: { name: 'appendonly.aof.2.base.rdb', sequence: 2 },
      history: [{ name: 'appendonly.aof.1.incr.aof', sequence: 1 }],
      incremental: [
        { name: 'appendonly.aof.2.incr.aof', sequence: 2 },
        { name: 'appendonly.aof.3.incr.aof', sequence: 3 },
      ],
    });
    expect(format(manifest)).toBe(SAMPLE);
    expect(nextBaseSequence(manifest)).toBe(3);
    expect(nextIncrementalSequence(manifest)).toBe(4);
  });

  test('comments, unknown keys, odd order and quoted names', () => {
    const manifest = parse(
      '# a comment\nseq 7 TYPE i File "a b\\x41.aof" startoffset 12 endoffset 99\r\n',
    );
    expect(manifest.incremental).toEqual([{ name: 'a bA.aof', sequence: 7 }]);
  });

  test('any name comes back', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter((s) => !['/', '\\', '\0'].some((c) => s.includes(c)));
    fc.assert(
      fc.property(name, fc.integer({ min: 1 }), (s, sequence) => {
        const manifest: Manifest = { base: { name: s, sequence }, history: [], incremental: [] };
        expect(parse(format(manifest))).toEqual(manifest);
      }),
    );
  });

  test.each([
    ['', 'empty'],
    ['file a seq 1 type b', 'too long'],
    ['\n', 'pairs'],
    ['file a seq 1\n', 'pairs'],
    ['file a seq 1 type b more\n', 'pairs'],
    ['file a seq 0 type b\n', 'lacks'],
    ['file a seq x type b\n', 'lacks'],
    ['name a seq 1 type b\n', 'lacks'],
    ['file ../a seq 1 type b\n', 'path'],
    ['file a seq 1 type x\n', 'unknown'],
    ['file a seq 1 type b\nfile b seq 2 type b\n', 'two base files'],
    ['file a seq 2 type i\nfile b seq 2 type i\n', 'do not grow'],
    [`file ${'a'.repeat(2000)} seq 2 type i\n`, 'too long'],
    ['file "a seq 1 type b\n', 'pairs'],
  ])('refuses %j', (text, problem) => {
    expect(() => parse(text)).toThrow(problem);
  });
});
