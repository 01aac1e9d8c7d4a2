import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Region } from '../../bytes/region.ts';
import { LsmError } from '../errors.ts';
import { internalKey } from '../internal-key.ts';
import { decodeVersionEdit, encodeVersionEdit } from './version-edit-codec.ts';
import { VersionEdit, type FileFacts } from './version-edit.ts';

const PATH = '/db/MANIFEST-000002';
const decode = (bytes: Uint8Array): VersionEdit =>
  decodeVersionEdit(Region.of(bytes), 0, bytes.length, PATH, 40);

const number = fc.oneof(fc.nat(1000), fc.maxSafeNat());
const level = fc.nat(6);
const key = fc
  .tuple(fc.uint8Array({ maxLength: 40 }), fc.maxSafeNat(), fc.nat(1))
  .map(([user, sequence, type]) => internalKey(user, sequence, type));
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const facts: fc.Arbitrary<FileFacts> = fc.record(
  {
    minSequence: number,
    maxSequence: number,
    youngestSeconds: number,
    entries: number,
    deletions: number,
    rangeDeletions: number,
    writtenSeconds: number,
    hiddenVersions: number,
  },
  { requiredKeys: [] },
);
const newFile = fc
  .record({ level, number, sizeBytes: number, smallest: key, largest: key, facts: maybe(facts) })
  .map(({ facts, ...file }) => (facts === undefined ? file : { ...file, facts }));

const edit: fc.Arbitrary<VersionEdit> = fc
  .record({
    comparator: maybe(fc.string()),
    formatLevel: maybe(fc.nat(3)),
    logNumber: maybe(number),
    previousLogNumber: maybe(number),
    nextFileNumber: maybe(number),
    lastSequence: maybe(number),
    compactPointers: fc.array(fc.record({ level, key }), { maxLength: 5 }),
    deletedFiles: fc.array(fc.record({ level, number }), { maxLength: 5 }),
    newFiles: fc.array(newFile, { maxLength: 5 }),
  })
  .map((fields) => Object.assign(new VersionEdit(), fields));

describe('a version edit', () => {
  test('is LevelDB’s bytes', () => {
    const edit = new VersionEdit();
    edit.comparator = 'cmp';
    edit.logNumber = 3;
    edit.previousLogNumber = 0;
    edit.nextFileNumber = 300;
    edit.lastSequence = 2 ** 40;
    edit.compactPointers.push({ level: 2, key: internalKey(Buffer.from('p'), 1, 1) });
    edit.deletedFiles.push({ level: 1, number: 5 });
    const smallest = internalKey(Buffer.from('a'), 1, 1);
    const largest = internalKey(Buffer.from('z'), 2, 0);
    edit.newFiles.push({ level: 0, number: 7, sizeBytes: 200, smallest, largest });
    const region = encodeVersionEdit(edit);
    expect(Buffer.from(region.bytes).toString('hex')).toBe(
      [
        '0103636d70',
        '0203',
        '0900',
        '03ac02',
        '04808080808020',
        '050209700101000000000000',
        '060105',
        '070007c801',
        '09610101000000000000',
        '097a0002000000000000',
      ].join(''),
    );
    expect(decode(region.bytes)).toEqual(edit);
  });

  test('comes back as it was', () => {
    fc.assert(
      fc.property(edit, (edit) => {
        expect(decode(encodeVersionEdit(edit).bytes)).toEqual(edit);
      }),
    );
  });

  test('an unknown tag is refused by name', () => {
    expect(() => decode(Uint8Array.of(8, 1))).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: `${PATH}, offset 40: a field of the unknown tag 8`,
      }),
    );
    // RocksDB's new files.
    expect(() => decode(Uint8Array.of(103, 0))).toThrow('unknown tag 103');
  });

  test('numbers beyond 2^53 - 1 are refused by name, what is cut off is corrupt', () => {
    const large = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    expect(() => decode(Uint8Array.from([4, ...large]))).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        problem: 'the last sequence is above 2^53 - 1',
      }),
    );
    expect(() => decode(Uint8Array.from([4, 255, 255]))).toThrow(
      expect.objectContaining({
        code: 'CORRUPTION',
        problem: 'the last sequence goes beyond its edit',
      }),
    );
    expect(() => decode(Uint8Array.from([6, 7, 1]))).toThrow('level 7 of 7');
    expect(() => decode(Uint8Array.from([5, 1, 3, 1, 2, 3]))).toThrow('no internal key');
    expect(() => decode(Uint8Array.from([1, 200, 1, 97]))).toThrow('goes beyond its edit');
    expect(() => decode(Uint8Array.from([65, 1, 0]))).toThrow('facts of no new file 1');
    expect(() => decode(Uint8Array.from([65, 1, 100]))).toThrow('100 facts');
  });

  test('of any bytes is an edit or an LsmError', () => {
    const tags = fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 9, 64, 65);
    const bytes = fc
      .array(fc.tuple(tags, fc.uint8Array({ maxLength: 30 })), { maxLength: 6 })
      .map((list) => Uint8Array.from(list.flatMap(([tag, rest]) => [tag, ...rest])));
    fc.assert(
      fc.property(bytes, (bytes) => {
        try {
          expect(decode(bytes)).toBeInstanceOf(VersionEdit);
        } catch (error) {
          expect(error).toBeInstanceOf(LsmError);
          expect(error).toMatchObject({ path: PATH, offset: 40 });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
