import { expect, test } from 'vitest';
import { Credentials, CredentialsError } from './credentials.ts';

test('the users of a file', () => {
  const credentials = new Credentials();
  expect(credentials.isRequired).toBe(false);
  expect(credentials.check('default', '')).toBe(false);
  credentials.load('ann:se:cret\r\n\nbob:x\n');
  expect(credentials.isRequired).toBe(true);
  expect(credentials.check('ann', 'se:cret')).toBe(true);
  expect(credentials.check('bob', 'x')).toBe(true);
  expect(credentials.check('ann', 'x')).toBe(false);
  expect(credentials.check('eve', 'x')).toBe(false);
  credentials.load('eve:x');
  expect(credentials.check('eve', 'x')).toBe(true);
  expect(credentials.check('bob', 'x')).toBe(false);
});

test.each([
  ['', 'it names nobody'],
  ['ann:x\nbob', 'line 2 is not user:password'],
  [':x', 'line 1 is not user:password'],
  ['ann:', 'line 1 is not user:password'],
  ['a:b\n'.repeat(10_001), 'more than 10000 users'],
])('a file that is none is refused: %j', (text, reason) => {
  const credentials = new Credentials();
  const lines = text.length > 100 ? text.replace(/a:/g, () => `u${n++}:`) : text;
  expect(() => credentials.load(lines)).toThrow(new CredentialsError(reason));
  expect(credentials.isRequired).toBe(false);
});

let n = 0;
