import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBase64, encodeBase64, encodedLength } from './base64.ts';

function encode(bytes: Uint8Array): string {
  const target = new Uint8Array(encodedLength(bytes.length) + 1);
  const end = encodeBase64(bytes, 0, bytes.length, target, 1);
  return Buffer.from(target.subarray(1, end)).toString();
}

function decode(text: string): Uint8Array | undefined {
  const source = Buffer.from(`x${text}x`, 'latin1');
  const target = new Uint8Array(text.length + 1);
  const length = decodeBase64(source, 1, source.length - 1, target, 1);
  return length < 0 ? undefined : target.slice(1, 1 + length);
}

test('there and back, as Node.js does it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      const text = encode(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64'));
      if (bytes.length > 0) expect(decode(text)).toEqual(bytes);
    }),
  );
});

test('what is no base64 is refused', () => {
  for (const text of [
    '',
    'a',
    'ab',
    'abc',
    'ab=c',
    '=abc',
    'a===',
    '====',
    'ab-_',
    'ab c',
    'abcd=',
    'YQ==YQ==',
  ]) {
    expect(decode(text), text).toBe(undefined);
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (text) => {
      const isRight = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
      expect(decode(text) !== undefined).toBe(isRight && text !== '');
    }),
  );
});
