import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVENT, formatEventClasses, parseEventClasses } from './notify.ts';

describe('notify-keyspace-events', () => {
  test.each([
    ['', ''],
    ['gKE', 'gKE'],
    ['EKg', 'gKE'],
    ['$lshzxeKE', '$lshzxeKE'],
    ['KA', 'AK'],
    ['EA', 'AE'],
    ['g$lshzxetdK', 'AK'],
    ['Em', 'Em'],
    ['En', 'nE'],
  ])('%j is printed as %j', (given, printed) => {
    expect(formatEventClasses(parseEventClasses(given))).toBe(printed);
  });

  test('A holds neither misses nor new keys', () => {
    expect(parseEventClasses('A') & (EVENT.keyMiss | EVENT.newKey)).toBe(0);
  });

  test('an unknown letter is refused', () => {
    expect(parseEventClasses('gx!')).toBe(-1);
  });

  test('what is printed means the same', () => {
    fc.assert(
      fc.property(fc.subarray([...'g$lshzxetdmnKE']), (letters) => {
        const bits = parseEventClasses(letters.join(''));
        expect(parseEventClasses(formatEventClasses(bits))).toBe(bits);
      }),
    );
  });
});
