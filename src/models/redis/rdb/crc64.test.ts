import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Crc64 } from './crc64.ts';

const hexOf = (crc: Crc64): string => {
  const bytes = new Uint8Array(8);
  crc.write(bytes, 0);
  return Buffer.from(bytes).reverse().toString('hex');
};

/** Bit by bit, from the definition. */
function slow(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let i = 0; i < 8; i++) crc = (crc >> 1n) ^ (crc & 1n ? 0x95ac9329ac4bc9b5n : 0n);
  }
  return crc;
}

test('the check value', () => {
  const crc = new Crc64();
  crc.update(Buffer.from('123456789'), 0, 9);
  expect(hexOf(crc)).toBe('e9c6d914c4b8d9ca');
});

test('agrees with the definition, however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
      const crc = new Crc64();
      const at = Math.min(cut, bytes.length);
      crc.update(bytes, 0, at);
      crc.update(bytes, at, bytes.length);
      expect(hexOf(crc)).toBe(slow(bytes).toString(16).padStart(16, '0'));
    }),
  );
});

test('matches its own bytes and zeros, nothing else', () => {
  const crc = new Crc64();
  crc.update(Buffer.from('kvasir'), 0, 6);
  const bytes = new Uint8Array(10);
  expect(crc.matches(bytes, 1)).toBe(true);
  crc.write(bytes, 1);
  expect(crc.matches(bytes, 1)).toBe(true);
  bytes[8]! ^= 1;
  expect(crc.matches(bytes, 1)).toBe(false);
});
