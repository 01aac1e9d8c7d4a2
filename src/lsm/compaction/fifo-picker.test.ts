import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VersionEdit } from '../manifest/version-edit.ts';
import { applyEdit } from '../version/version-builder.ts';
import type { Version } from '../version/version.ts';
import type { PickContext } from './compaction.ts';
import { FifoPicker, type FifoOptions } from './fifo-picker.ts';
import { LevelledPicker } from './levelled-picker.ts';
import { carriedOut, checkAges, inputsOf, type PaperTable, table, tree } from './testing.ts';

const LEVELLED = new LevelledPicker({
  level0Files: 4,
  level1Bytes: 10_000,
  fileBytes: 1000,
  maxFileBytes: 4000,
});

function picker(options: Partial<FifoOptions> = {}): FifoPicker {
  const all = {
    maxBytes: Infinity,
    maxAgeSeconds: Infinity,
    level0Files: 2,
    maxLevel0Files: 10,
    ...options,
  };
  return new FifoPicker(all, LEVELLED);
}

const at = (nowSeconds: number): PickContext => ({ compactPointer: () => undefined, nowSeconds });

/** A table whose number is also its age. */
const aged = (number: number, from: string, to: string, sizeBytes = 100): PaperTable => ({
  number,
  from,
  to,
  sizeBytes,
  facts: { minSequence: number, maxSequence: number, youngestSeconds: number, deletions: 0 },
});

describe('FIFO compaction', () => {
  test('drops tables whose entries have all reached the age', () => {
    const version = tree({
      0: [aged(30, 'a', 'z'), aged(20, 'a', 'z'), aged(10, 'a', 'z'), aged(5, 'a', 'z')],
    });
    const picked = picker({ maxAgeSeconds: 100 }).pick(version, at(115));
    expect(picked).toMatchObject({ reason: 'too old', kind: 'drop' });
    expect(inputsOf(picked)).toEqual({ 0: [5, 10] });
    expect(picker({ maxAgeSeconds: 100 }).pick(version, at(105))?.kind).not.toBe('drop');
  });

  test('drops the oldest where there is too much', () => {
    const version = tree({
      0: [aged(9, 'a', 'z'), aged(8, 'a', 'z')],
      1: [aged(5, 'a', 'b', 1000), aged(4, 'c', 'd', 1000), aged(6, 'e', 'f', 1000)],
    });
    const picked = picker({ maxBytes: 2000 }).pick(version, at(0));
    expect(picked).toMatchObject({ reason: 'too much', kind: 'drop' });
    expect(inputsOf(picked)).toEqual({ 1: [4, 5] });
    expect(picker({ maxBytes: 3200 }).pick(version, at(0))).toBeUndefined();
  });

  test('a table that lies over another is dropped after it', () => {
    // A tree that was levelled before: the upper table is the older one.
    const version = tree({ 1: [aged(1, 'a', 'm')], 2: [aged(7, 'c', 'd'), aged(3, 'x', 'z')] });
    const old = picker({ maxAgeSeconds: 10 }).pick(version, at(15));
    expect(inputsOf(old)).toEqual({ 2: [3] });
    const excess = picker({ maxBytes: 250 }).pick(version, at(0));
    expect(inputsOf(excess)).toEqual({ 2: [3] });
    const more = picker({ maxBytes: 100 }).pick(version, at(0));
    expect(inputsOf(more)).toEqual({ 2: [3, 7] });
  });

  test('moves the oldest tables out of level 0 where they overlap nothing older', () => {
    const version = tree({
      0: [aged(6, 'g', 'h'), aged(5, 'e', 'f'), aged(4, 'c', 'd'), aged(3, 'a', 'b')],
      1: [aged(2, 'x', 'z')],
    });
    const picked = picker().pick(version, at(0));
    expect(picked).toMatchObject({ kind: 'move', outputLevel: 1 });
    expect(inputsOf(picked)).toEqual({ 0: [3, 4] });
  });

  test('merges where level 0 is full', () => {
    const level0 = Array.from({ length: 10 }, (_, i) => aged(20 - i, 'a', 'z'));
    const below = { 1: [aged(1, 'c', 'd')] };
    expect(picker().pick(tree({ 0: level0.slice(1), ...below }), at(0))).toBeUndefined();
    const picked = picker().pick(tree({ 0: level0, ...below }), at(0));
    expect(picked).toMatchObject({ kind: 'merge', outputLevel: 1 });
  });

  test('keeps to its limits, and newer entries stay above older ones', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const flush = fc.record({ from: fc.nat(25), length: fc.nat(6), sizeBytes: fc.nat(900) });
    const property = fc.property(
      fc.array(flush, { maxLength: 50 }),
      fc.integer({ min: 1000, max: 8000 }),
      fc.integer({ min: 5, max: 50 }),
      (flushes, maxBytes, maxAgeSeconds) => {
        const fifo = picker({ maxBytes, maxAgeSeconds });
        let version: Version = tree({});
        let number = 0;
        for (const { from, length, sizeBytes } of flushes) {
          number++;
          const file = table(aged(number, letters[from]!, letters[Math.min(25, from + length)]!));
          const edit = new VersionEdit();
          edit.newFiles.push({ ...file.toNewFile(0), sizeBytes });
          version = applyEdit(version, edit, 'MANIFEST');
          for (let step = 0; ; step++) {
            expect(step).toBeLessThan(20);
            const picked = fifo.pick(version, at(number));
            if (picked === undefined) break;
            version = carriedOut(version, picked, ++number);
            checkAges(version);
          }
          expect(version.sizeBytes).toBeLessThanOrEqual(maxBytes);
          expect(version.levels[0]!.length).toBeLessThan(10);
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
