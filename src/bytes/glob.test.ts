import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchGlob, matchGlobIn } from './glob.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const matches = (pattern: string, text: string, ignoreCase = false): boolean =>
  matchGlob(bytes(pattern), bytes(text), ignoreCase);

/** Redis's rules, written down as a recursion over strings: slow, and nothing like the loop under test. */
function model(pattern: string, text: string): boolean {
  return text === '' ? pattern === '' : rest(pattern, text);
}

function rest(pattern: string, text: string): boolean {
  if (text === '') return /^\**$/.test(pattern);
  if (pattern === '') return false;
  const c = pattern[0]!;
  if (c === '*') {
    const behind = pattern.replace(/^\*+/, '');
    if (behind === '') return true;
    for (let i = 0; i < text.length; i++) if (rest(behind, text.slice(i))) return true;
    return false;
  }
  if (c === '?') return rest(pattern.slice(1), text.slice(1));
  if (c === '[') {
    let at = 1;
    const isNegated = pattern[at] === '^';
    if (isNegated) at++;
    let isIn = false;
    const code = (s: string): number => (s.charCodeAt(0) << 24) >> 24;
    for (; at < pattern.length && pattern[at] !== ']'; at++) {
      if (pattern[at] === '\\' && at + 1 < pattern.length) {
        if (pattern[++at] === text[0]) isIn = true;
      } else if (at + 2 < pattern.length && pattern[at + 1] === '-') {
        const ends = [code(pattern[at]!), code(pattern[at + 2]!)].sort((a, b) => a - b);
        if (code(text) >= ends[0]! && code(text) <= ends[1]!) isIn = true;
        at += 2;
      } else if (pattern[at] === text[0]) {
        isIn = true;
      }
    }
    return isIn !== isNegated && rest(pattern.slice(at + 1), text.slice(1));
  }
  const literal = c === '\\' && pattern.length > 1 ? 1 : 0;
  return pattern[literal] === text[0] && rest(pattern.slice(literal + 1), text.slice(1));
}

describe('matchGlob', () => {
  test.each([
    ['*', 'anything', true],
    ['*', '', false],
    ['', '', true],
    ['', 'a', false],
    ['h?llo', 'hello', true],
    ['h?llo', 'hllo', false],
    ['h*llo', 'heeeello', true],
    ['h*llo', 'hllo', true],
    ['*a*b*c*', 'xxaxxbxxcxx', true],
    ['*a*b*c*', 'xxcxxbxxaxx', false],
    ['a**', 'a', true],
    ['a*', 'ba', false],
    ['[ab]c', 'ac', true],
    ['[^ab]c', 'ac', false],
    ['[^ab]c', 'cc', true],
    ['[a-c]', 'b', true],
    ['[c-a]', 'b', true],
    ['[a-c]', 'd', false],
    ['[\\]]', ']', true],
    ['[]', ']', false],
    ['[^]', 'x', true],
    ['[abc', 'b', true],
    ['[a-]', '^', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
    ['[\x7f-\x80]', 'a', true],
    ['\xff?', '\xff\x00', true],
  ])('%j against %j', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  test('case counts unless told otherwise', () => {
    expect(matches('HeLLo[A-C]', 'hElloB')).toBe(false);
    expect(matches('HeLLo[A-C]', 'hEllob', true)).toBe(true);
    expect(matches('[x]', 'X', true)).toBe(true);
  });

  test('a range inside larger memory', () => {
    expect(matchGlobIn(bytes('xxa*xx'), 2, 4, bytes('..abc..'), 2, 5)).toBe(true);
  });

  test('follows the rules for any pattern and text', () => {
    const symbol = fc.constantFrom(...'aab*?[]^-\\', '\x80');
    const text = fc.array(fc.constantFrom(...'aab]-\\', '\x80', '\x00'), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(symbol, { maxLength: 9 }), text, (p, t) => {
        expect(matches(p.join(''), t.join(''))).toBe(model(p.join(''), t.join('')));
      }),
      { numRuns: 5000 },
    );
  });

  test('a pattern of many stars is not exponential', () => {
    const before = performance.now();
    expect(matches(`${'a*'.repeat(60)}b`, 'a'.repeat(2000))).toBe(false);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
