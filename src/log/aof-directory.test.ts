import { beforeEach, describe, expect, test } from 'vitest';
import { SeededRandomness } from '../os/randomness.ts';
import { SimulatedCrash, SimulatedFileSystem } from '../os/simulated-file-system.ts';
import { SimulatedLoop } from '../os/simulated-loop.ts';
import { AofDirectory } from './aof-directory.ts';
import { HEADER_BYTES } from './batch.ts';

const AT = '/d/appendonlydir/';
const MANIFEST = `${AT}appendonly.aof.manifest`;

describe('the directory', () => {
  let files: SimulatedFileSystem;
  beforeEach(() => {
    files = new SimulatedFileSystem(new SimulatedLoop());
    files.makeDirectory('/d');
  });

  const put = (path: string, text: string): void => files.put(path, Buffer.from(text));
  const content = (path: string, from = files): string | undefined => {
    const bytes = from.dump().get(path);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  };
  const directoryOn = (on: SimulatedFileSystem): AofDirectory =>
    new AofDirectory(on, '/d', 'appendonlydir', 'appendonly.aof');

  test('is made where it is missing', () => {
    expect(directoryOn(files).open()).toBe(false);
    expect(files.stat('/d/appendonlydir')?.isDirectory).toBe(true);
  });

  test('temporary files go, others stay', () => {
    put(`${AT}temp-appendonly.aof.base`, 'x');
    put(`${AT}temp-appendonly.aof.manifest`, 'x');
    put(`${AT}notes.txt`, 'x');
    directoryOn(files).open();
    expect(files.readDirectory('/d/appendonlydir')).toEqual(['notes.txt']);
  });

  test('entries without a manifest are refused, an empty file is not', () => {
    put(`${AT}appendonly.aof.1.incr.aof`, 'x'.repeat(HEADER_BYTES));
    expect(directoryOn(files).open()).toBe(false);
    put(`${AT}appendonly.aof.1.incr.aof`, 'x'.repeat(HEADER_BYTES + 1));
    expect(() => directoryOn(files).open()).toThrow('the manifest is missing');
  });

  test('the single file of older versions is moved in, whatever happens meanwhile', () => {
    for (let call = 1; call < 20; call++) {
      files = new SimulatedFileSystem(new SimulatedLoop());
      files.makeDirectory('/d');
      put('/d/appendonly.aof', 'old data');
      files.crashAtCall = files.calls + call;
      let isDone = false;
      try {
        directoryOn(files).open();
        isDone = true;
      } catch (error) {
        if (!(error instanceof SimulatedCrash)) throw error;
      }
      const next = files.restart(new SeededRandomness(call), new SimulatedLoop());
      const directory = directoryOn(next);
      expect(directory.open()).toBe(true);
      expect(directory.manifest.base).toEqual({ name: 'appendonly.aof', sequence: 1 });
      expect(content(`${AT}appendonly.aof`, next)).toBe('old data');
      expect(next.stat('/d/appendonly.aof')).toBe(undefined);
      if (isDone) return;
    }
    throw new Error('the move never ended');
  });

  test('an old file beside a log of its own is left alone', () => {
    put('/d/appendonly.aof', 'old data');
    put(MANIFEST, 'file appendonly.aof.1.incr.aof seq 1 type i\n');
    directoryOn(files).open();
    expect(content('/d/appendonly.aof')).toBe('old data');
  });

  test('history is removed, then forgotten', async () => {
    put(MANIFEST, 'file b seq 2 type b\nfile a seq 1 type h\nfile gone seq 1 type h\n');
    put(`${AT}a`, 'x');
    put(`${AT}b`, 'x');
    const directory = directoryOn(files);
    directory.open();
    const removed = directory.removeHistory((error) => {
      throw error;
    });
    await files.loop.run(100);
    await removed;
    expect(content(MANIFEST)).toBe('file b seq 2 type b\n');
    expect(files.stat(`${AT}a`)).toBe(undefined);
    expect(directory.baseBytes).toBe(1);
  });
});
