import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import { LsmError } from '../errors.ts';
import { readCurrent, setCurrent, setCurrentSync } from './current.ts';
import { manifestFileName } from './file-names.ts';
import {
  KVASIR_COMPARATOR,
  LEVELDB_COMPARATOR,
  ManifestState,
  readManifest,
} from './manifest-state.ts';
import { ManifestReader } from './manifest-reader.ts';
import { ManifestWriter } from './manifest-writer.ts';
import { adding, DIRECTORY, file, firstEdit, machine } from './testing/manifest-scenes.ts';
import { VersionEdit } from './version-edit.ts';

function written(count: number): SimulatedFileSystem {
  const files = machine();
  const writer = new ManifestWriter(files, DIRECTORY, 2);
  writer.append(firstEdit());
  for (let i = 0; i < count; i++) writer.append(adding(10 + i));
  writer.sync();
  writer.close();
  return files;
}

const bytesOf = (files: SimulatedFileSystem): Uint8Array =>
  files.dump().get(`${DIRECTORY}/${manifestFileName(2)}`)!;
const withBytes = (bytes: Uint8Array): SimulatedFileSystem => {
  const files = machine();
  files.put(`${DIRECTORY}/${manifestFileName(2)}`, bytes);
  return files;
};
const numbers = (state: ManifestState): number[] => [...state.files.keys()];

describe('a manifest', () => {
  test('gives the version that its edits come to', () => {
    const files = written(3);
    const writer = new ManifestWriter(files, DIRECTORY, 5);
    writer.append(readManifest(files, DIRECTORY, 2).toEdit());
    const edit = new VersionEdit();
    edit.deletedFiles.push({ level: 0, number: 11 }, { level: 0, number: 12 });
    edit.deletedFiles.push({ level: 3, number: 10 }, { level: 0, number: 99 });
    edit.newFiles.push(file(12, 1));
    edit.compactPointers.push({ level: 0, key: file(12).largest });
    writer.append(edit);
    const state = readManifest(files, DIRECTORY, 5);
    expect(state).toMatchObject({
      comparator: LEVELDB_COMPARATOR,
      formatLevel: 1,
      logNumber: 12,
      previousLogNumber: 0,
      nextFileNumber: 13,
      lastSequence: 120,
      tail: undefined,
      sizeBytes: writer.sizeBytes,
    });
    expect([...state.files.values()]).toEqual([file(10), file(12, 1)]);
    expect(state.compactPointers.get(0)).toEqual(file(12).largest);
    const again = new ManifestState(state.path);
    again.apply(state.toEdit(), 0);
    expect(again.files).toEqual(state.files);
  });

  test('the next version can be read as it is written', () => {
    const files = machine();
    const writer = new ManifestWriter(files, DIRECTORY, 2);
    writer.append(firstEdit());
    const reader = new ManifestReader(files, DIRECTORY, 2);
    expect(reader.next()).toEqual(firstEdit());
    expect(reader.next()).toBeUndefined();
    writer.append(adding(10));
    writer.append(adding(11));
    reader.follow();
    expect(reader.next()?.newFiles).toEqual([file(10)]);
    expect(reader.next()?.newFiles).toEqual([file(11)]);
    expect(reader.next()).toBeUndefined();
    expect(reader.tail).toBeUndefined();
    reader.close();
  });

  test('without what every database has is corrupt, of another format or order is refused by name', () => {
    const manifest = (change: (edit: VersionEdit) => void): SimulatedFileSystem => {
      const files = machine();
      const edit = firstEdit();
      change(edit);
      new ManifestWriter(files, DIRECTORY, 2).append(edit);
      return files;
    };
    const read = (change: (edit: VersionEdit) => void): ManifestState =>
      readManifest(manifest(change), DIRECTORY, 2);
    expect(() => read((edit) => (edit.nextFileNumber = undefined))).toThrow('no next file number');
    expect(() => read((edit) => (edit.logNumber = undefined))).toThrow('no log number');
    expect(() => read((edit) => (edit.lastSequence = undefined))).toThrow('no last sequence');
    expect(() => read((edit) => edit.newFiles.push(file(5), file(5, 1)))).toThrow(
      'file 5 is added though it is there',
    );
    expect(() => read((edit) => (edit.formatLevel = 3))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', expected: '1 to 2', found: 3 }),
    );
    const chrome = read((edit) => (edit.comparator = 'idb_cmp1'));
    expect(() => chrome.checkComparator()).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', found: 'idb_cmp1' }),
    );
    const level2 = read((edit) => {
      edit.comparator = KVASIR_COMPARATOR;
      edit.formatLevel = 2;
    });
    expect(() => level2.checkComparator()).not.toThrow();
    expect(level2.toEdit().formatLevel).toBe(2);
  });

  test('of nothing is corrupt', () => {
    expect(() => readManifest(withBytes(new Uint8Array(0)), DIRECTORY, 2)).toThrow(LsmError);
    expect(() => readManifest(machine(), DIRECTORY, 2)).toThrow('No such file');
  });
});

describe('a damaged manifest', () => {
  const whole = bytesOf(written(4));
  const ends = [0, 1, 2, 3, 4].map((count) => bytesOf(written(count)).length);

  test('cut off within an edit is read up to it', () => {
    for (let cut = ends[0]!; cut < whole.length; cut++) {
      const state = readManifest(withBytes(whole.slice(0, cut)), DIRECTORY, 2);
      const count = ends.filter((end) => end <= cut).length - 1;
      expect(numbers(state)).toEqual([10, 11, 12, 13].slice(0, count));
      expect(state.tail === undefined).toBe(ends.includes(cut));
      expect(state.sizeBytes).toBe(ends[count]);
    }
  });

  test('with any byte changed is refused, or lacks its last edit and says so', () => {
    for (let at = 0; at < whole.length; at++) {
      for (const mask of [1, 0x40, 0xff]) {
        const bytes = whole.slice();
        bytes[at]! ^= mask;
        const read = (): ManifestState => readManifest(withBytes(bytes), DIRECTORY, 2);
        if (at < ends[3]!) {
          expect(read, `byte ${at}`).toThrow(expect.objectContaining({ code: 'CORRUPTION' }));
        } else {
          expect(numbers(read())).toEqual([10, 11, 12]);
          expect(read().tail).toMatchObject({ code: 'CORRUPTION', offset: ends[3] });
        }
      }
    }
  });

  test('of any bytes is an error with a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        expect(() => readManifest(withBytes(bytes), DIRECTORY, 2)).toThrow(LsmError);
      }),
    );
  });
});

describe('writing a manifest', () => {
  test('a full disk leaves it as it was, and the edit can be tried again', () => {
    const files = machine();
    const writer = new ManifestWriter(files, DIRECTORY, 2);
    writer.append(firstEdit());
    for (let room = 0; room < 30; room += 3) {
      files.capacityBytes = files.usedBytes + room;
      expect(() => writer.append(adding(10))).toThrow('No space left on device');
      expect(writer.failure).toBeUndefined();
      expect(numbers(readManifest(files, DIRECTORY, 2))).toEqual([]);
    }
    files.capacityBytes = Infinity;
    writer.append(adding(10));
    expect(numbers(readManifest(files, DIRECTORY, 2))).toEqual([10]);
  });

  test('after a sync or a cut that failed it takes no more', async () => {
    const files = machine();
    const writer = new ManifestWriter(files, DIRECTORY, 2);
    writer.append(firstEdit());
    files.fault = (operation) => (operation === 'fdatasync' ? 'EIO' : undefined);
    expect(() => writer.sync()).toThrow('Input/output error');
    files.fault = undefined;
    expect(() => writer.append(firstEdit())).toThrow('Input/output error');
    expect(() => writer.sync()).toThrow('Input/output error');
    await expect(writer.syncAsync()).rejects.toThrow('Input/output error');
    const other = new ManifestWriter(files, DIRECTORY, 3);
    files.fault = (operation) => (operation === 'write' ? 'ENOSPC' : 'EIO');
    expect(() => other.append(firstEdit())).toThrow('No space left on device');
    expect(other.failure?.code).toBe('EIO');
  });
});

describe('CURRENT', () => {
  test('names the manifest that counts', async () => {
    const files = machine();
    expect(readCurrent(files, DIRECTORY)).toBeUndefined();
    setCurrentSync(files, DIRECTORY, 2);
    expect(readCurrent(files, DIRECTORY)).toBe(2);
    let isDone = false;
    void setCurrent(files, DIRECTORY, 1_234_567).then(() => (isDone = true));
    await files.loop.runUntil(() => isDone);
    expect(readCurrent(files, DIRECTORY)).toBe(1_234_567);
    expect(files.readDirectory(DIRECTORY)).toEqual(['CURRENT']);
    files.put(`${DIRECTORY}/CURRENT`, new Uint8Array(100));
    expect(() => readCurrent(files, DIRECTORY)).toThrow(
      expect.objectContaining({ code: 'CORRUPTION', path: '/db/CURRENT' }),
    );
  });

  test('a failed step leaves the old one, and nothing else', () => {
    for (const operation of ['open', 'write', 'fsync', 'rename'] as const) {
      const files = machine();
      setCurrentSync(files, DIRECTORY, 2);
      files.fault = (kind) => (kind === operation ? 'EIO' : undefined);
      expect(() => setCurrentSync(files, DIRECTORY, 3)).toThrow('Input/output error');
      files.fault = undefined;
      expect(readCurrent(files, DIRECTORY)).toBe(2);
      expect(files.readDirectory(DIRECTORY)).toEqual(['CURRENT']);
    }
  });
});
