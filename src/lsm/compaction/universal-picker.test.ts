import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Version } from '../version/version.ts';
import type { PickContext } from './compaction.ts';
import { carriedOut, checkAges, inputsOf, type PaperTable, table, tree } from './testing.ts';
import { UniversalPicker, type UniversalOptions } from './universal-picker.ts';
import { applyEdit } from '../version/version-builder.ts';
import { VersionEdit } from '../manifest/version-edit.ts';

const OPTIONS: UniversalOptions = {
  runs: 4,
  sizeRatio: 0,
  maxSpaceAmplification: 200,
  fileBytes: 1000,
  maxFileBytes: 4000,
};
const CONTEXT: PickContext = { compactPointer: () => undefined, nowSeconds: 0 };

const wide = (number: number, sizeBytes: number): PaperTable => ({
  number,
  from: 'a',
  to: 'z',
  sizeBytes,
});

function pick(version: Version, options: Partial<UniversalOptions> = {}) {
  return new UniversalPicker({ ...OPTIONS, ...options }).pick(version, CONTEXT);
}

describe('universal compaction', () => {
  test('waits for enough runs', () => {
    expect(pick(tree({ 0: [wide(3, 10), wide(2, 10)], 6: [wide(1, 10)] }))).toBeUndefined();
  });

  test('merges everything to the bottom where much may be overwritten', () => {
    const version = tree({ 0: [wide(4, 90), wide(3, 90), wide(2, 90)], 6: [wide(1, 100)] });
    const picked = pick(version);
    expect(picked).toMatchObject({ reason: 'space amplification', kind: 'merge', outputLevel: 6 });
    expect(inputsOf(picked)).toEqual({ 0: [4, 3, 2], 6: [1] });
  });

  test('merges runs that are alike, right above the next older one', () => {
    const version = tree({ 0: [wide(4, 10), wide(3, 10), wide(2, 20)], 6: [wide(1, 1000)] });
    const picked = pick(version);
    expect(picked).toMatchObject({ reason: 'runs', kind: 'merge', outputLevel: 5 });
    expect(inputsOf(picked)).toEqual({ 0: [4, 3, 2] });
  });

  test('never leaves older files of level 0 above newer ones', () => {
    // The two newest are alike; the older ones have to come along.
    const version = tree({ 0: [wide(4, 10), wide(3, 10), wide(2, 500)], 6: [wide(1, 1000)] });
    expect(inputsOf(pick(version))).toEqual({ 0: [4, 3, 2] });
  });

  test('takes level 1 along where there is no level between', () => {
    const version = tree({
      0: [wide(9, 10), wide(8, 10)],
      1: [wide(3, 400)],
      2: [wide(2, 3000)],
      3: [wide(1, 20_000)],
    });
    const picked = pick(version);
    expect(picked).toMatchObject({ outputLevel: 1 });
    expect(inputsOf(picked)).toEqual({ 0: [9, 8], 1: [3] });
  });

  test('merges the newest where no two are alike', () => {
    const version = tree({
      0: [wide(9, 10)],
      3: [wide(3, 200)],
      4: [wide(2, 5000)],
      5: [wide(1, 90_000)],
    });
    const picked = pick(version);
    expect(picked).toMatchObject({ reason: 'runs', outputLevel: 3 });
    expect(inputsOf(picked)).toEqual({ 0: [9], 3: [3] });
  });

  test('moves tables that overlap nothing', () => {
    const facts = { deletions: 0 };
    const part = (number: number, from: string, to: string): PaperTable => ({
      number,
      from,
      to,
      facts,
      sizeBytes: 1000,
    });
    const version = tree({
      0: [part(4, 'g', 'h'), part(3, 'e', 'f'), part(2, 'c', 'd'), part(1, 'a', 'b')],
    });
    expect(pick(version)).toMatchObject({ kind: 'move', outputLevel: 6 });
  });

  test('rests while files are being worked on', () => {
    const version = tree({ 0: [wide(4, 10), wide(3, 10), wide(2, 10), wide(1, 10)] });
    version.levels[0]![3]!.isCompacting = true;
    expect(pick(version)).toBeUndefined();
  });

  test('a range goes to one level at once, with all that lies over or under it', () => {
    const part = (number: number, from: string, to: string): PaperTable => ({ number, from, to });
    const version = tree({
      0: [part(9, 'a', 'c')],
      3: [part(5, 'b', 'f'), part(6, 'm', 'n')],
      6: [part(1, 'a', 'd'), part(2, 'e', 'h'), part(3, 'p', 'q')],
    });
    const picker = new UniversalPicker(OPTIONS);
    const key = { region: table(part(0, 'a', 'b')).keys, start: 0, end: 1 };
    const picked = picker.pickRange(version, key, key);
    expect(picked).toMatchObject({ reason: 'manual', outputLevel: 6 });
    expect(picked === 'busy' ? {} : inputsOf(picked)).toEqual({ 0: [9], 3: [5], 6: [1, 2] });
  });

  test('whatever is written, runs stay few and newer entries stay above older ones', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const flush = fc.record({
      from: fc.nat(25),
      length: fc.nat(10),
      sizeBytes: fc.integer({ min: 1, max: 4000 }),
    });
    const property = fc.property(
      fc.array(flush, { maxLength: 60 }),
      fc.integer({ min: 2, max: 10 }),
      (flushes, runs) => {
        const picker = new UniversalPicker({ ...OPTIONS, runs });
        let version = tree({});
        let number = 0;
        for (const { from, length, sizeBytes } of flushes) {
          number++;
          const facts = { minSequence: number, maxSequence: number, deletions: 0 };
          const to = letters[Math.min(25, from + length)]!;
          const edit = new VersionEdit();
          edit.newFiles.push(
            table({ number, from: letters[from]!, to, sizeBytes, facts }).toNewFile(0),
          );
          version = applyEdit(version, edit, 'MANIFEST');
          for (let step = 0; ; step++) {
            expect(step).toBeLessThan(20);
            const picked = picker.pick(version, CONTEXT);
            if (picked === undefined) break;
            expect(picked.outputLevel).toBeGreaterThan(0);
            version = carriedOut(version, picked, ++number);
            checkAges(version);
          }
          const count = version.levels[0]!.length + version.usedLevels.length;
          expect(count).toBeLessThan(runs);
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
