import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FileWindow } from './file-window.ts';

test('gives the bytes of a file at any rising offset, whatever the lengths', () => {
  const steps = fc.array(fc.tuple(fc.nat(40), fc.nat(90)), { maxLength: 30 });
  fc.assert(
    fc.property(fc.nat(600), steps, fc.boolean(), (size, moves, isStingy) => {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7) & 255);
      let reads = 0;
      const source = {
        read(target: Uint8Array, at: number, length: number, position: number): number {
          reads++;
          const part = bytes.subarray(position, position + length);
          target.set(part, at);
          return part.length;
        },
      };
      const window = new FileWindow(source, size, isStingy ? 16 : 64);
      let offset = 0;
      for (const [advance, length] of moves) {
        offset = Math.min(size, offset + advance);
        const held = window.fill(offset, length);
        expect(held).toBeGreaterThanOrEqual(Math.min(length, size - offset));
        const got = window.region.bytes.subarray(window.at, window.at + held);
        expect(Buffer.compare(got, bytes.subarray(offset, offset + held))).toBe(0);
      }
      expect(reads).toBeLessThanOrEqual(moves.length);
    }),
  );
});

test('goes back where it must, and gives large memory back', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
  const source = {
    read(target: Uint8Array, at: number, length: number, position: number): number {
      const part = bytes.subarray(position, position + length);
      target.set(part, at);
      return part.length;
    },
  };
  const window = new FileWindow(source, 1000, 32);
  window.fill(0, 500);
  expect(window.region.bytes.length).toBeGreaterThanOrEqual(500);
  window.fill(700, 10);
  expect(window.region.bytes.length).toBe(32);
  window.fill(3, 10);
  expect(window.region.bytes[window.at]).toBe(3);
  expect(window.fill(1000, 5)).toBe(0);
});
