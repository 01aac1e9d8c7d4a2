import fc from 'fast-check';
import { expect, test } from 'vitest';
import { internalKey } from '../internal-key.ts';
import { bytesText, internalKeyText, parseBytes, printableText } from './bytes-text.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

test('text where it can be printed, else hexadecimal digits', () => {
  expect(bytesText(bytes('user:1'))).toBe('"user:1"');
  expect(bytesText(bytes('say "é"'))).toBe('"say \\"é\\""');
  expect(bytesText(bytes(''))).toBe('""');
  expect(bytesText(Uint8Array.of(0, 255))).toBe('0x00ff');
  expect(bytesText(bytes('two\nlines'))).toBe('0x74776f0a6c696e6573');
  expect(bytesText(bytes('\u202e'))).toBe('0xe280ae');
});

test('what is long is cut, between characters', () => {
  expect(bytesText(bytes('x'.repeat(100)), 4)).toBe('"xxxx"... (100 bytes)');
  expect(bytesText(bytes('ééé'), 3)).toBe('"é"... (6 bytes)');
  expect(bytesText(Uint8Array.of(255, 254, 253), 2)).toBe('0xfffe... (3 bytes)');
});

test('keys that are typed', () => {
  expect(parseBytes('0x00fF')).toEqual(Uint8Array.of(0, 255));
  expect(parseBytes('0xfg')).toEqual(bytes('0xfg'));
  expect(parseBytes('é')).toEqual(bytes('é'));
});

test('internal keys tell their version', () => {
  expect(internalKeyText(internalKey(bytes('k'), 17, 1))).toBe('"k" @ 17 value');
  expect(internalKeyText(internalKey(bytes('k'), 2 ** 40, 0))).toBe('"k" @ 1099511627776 deletion');
  expect(internalKeyText(internalKey(bytes('k'), 3, 9))).toBe('"k" @ 3 type 9');
  expect(internalKeyText(bytes('short'))).toBe('"short"');
});

test('whatever is shown whole can be typed again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (key) => {
      const shown = bytesText(key);
      const text = printableText(key);
      if (text !== undefined) expect(JSON.parse(shown)).toBe(text);
      else expect(parseBytes(shown)).toEqual(key);
    }),
  );
});
