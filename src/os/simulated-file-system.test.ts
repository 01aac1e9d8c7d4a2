import { describe, expect, test } from 'vitest';
import { FileError } from './file-system.ts';
import { SeededRandomness } from './randomness.ts';
import { SimulatedCrash, SimulatedFileSystem } from './simulated-file-system.ts';
import { SimulatedLoop } from './simulated-loop.ts';

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
const bytes = (s: string): Uint8Array => Buffer.from(s, 'latin1');

function append(files: SimulatedFileSystem, path: string, s: string): void {
  const file = files.open(path, files.stat(path) === undefined ? 'create' : 'write');
  file.write(bytes(s), 0, s.length, file.size());
}

/** What 200 crashes leave of `path`. */
function outcomes(make: () => SimulatedFileSystem, path: string): Set<string | undefined> {
  const seen = new Set<string | undefined>();
  for (let seed = 0; seed < 200; seed++) {
    seen.add(text(make().restart(new SeededRandomness(seed)).dump().get(path)));
  }
  return seen;
}

describe('the simulated file system', () => {
  test('keeps what is synced, and of the rest a prefix, pieces, zeros or nothing', () => {
    const seen = outcomes(() => {
      const files = new SimulatedFileSystem(new SimulatedLoop());
      files.pageBytes = 2;
      append(files, '/f', 'synced');
      files.open('/f', 'write').sync();
      files.syncDirectory('/');
      append(files, '/f', 'abcd');
      return files;
    }, '/f');
    for (const outcome of seen) expect(outcome?.startsWith('synced')).toBe(true);
    for (const expected of ['synced', 'synceda', 'syncedab', 'syncedabcd', 'synced\0\0cd']) {
      expect(seen).toContain(expected);
    }
  });

  test('loses a name whose directory was not synced, whatever the file was', () => {
    const seen = outcomes(() => {
      const files = new SimulatedFileSystem(new SimulatedLoop());
      append(files, '/f', 'x');
      files.open('/f', 'write').sync();
      return files;
    }, '/f');
    expect(seen).toEqual(new Set(['x', undefined]));
  });

  test('may undo a rename until its directory is synced', () => {
    const scene = (isSynced: boolean) => () => {
      const files = new SimulatedFileSystem(new SimulatedLoop());
      files.put('/a', bytes('new'));
      files.put('/b', bytes('old'));
      files.rename('/a', '/b');
      if (isSynced) files.syncDirectory('/');
      return files;
    };
    expect(outcomes(scene(false), '/b')).toEqual(new Set(['old', 'new']));
    expect(outcomes(scene(true), '/b')).toEqual(new Set(['new']));
  });

  test('links are names of one file, each lost until its directory is synced', () => {
    const scene = (isSynced: boolean) => () => {
      const files = new SimulatedFileSystem(new SimulatedLoop());
      files.put('/d/a', bytes('x'));
      files.makeDirectory('/e');
      files.link('/d/a', '/e/b');
      append(files, '/e/b', 'y');
      files.open('/d/a', 'write').sync();
      expect(() => files.link('/d/a', '/e/b')).toThrow('File exists');
      expect(() => files.link('/d/none', '/e/c')).toThrow('No such file');
      if (isSynced) files.syncDirectory('/e');
      files.unlink('/d/a');
      return files;
    };
    expect(outcomes(scene(false), '/e/b')).toEqual(new Set(['xy', undefined]));
    expect(outcomes(scene(true), '/e/b')).toEqual(new Set(['xy']));
    expect(scene(true)().usedBytes).toBe(2);
  });

  test('knows a file again that nobody wrote to, after a restart too', () => {
    const files = new SimulatedFileSystem(new SimulatedLoop());
    append(files, '/a', 'abc');
    const identity = files.identity('/a');
    expect(identity).toBeDefined();
    files.link('/a', '/b');
    const next = files.restart();
    expect(next.identity('/a')).toBe(identity);
    expect(next.identity('/b')).toBe(identity);
    expect(next.identity('/c')).toBeUndefined();
    append(next, '/c', 'abc');
    expect(next.identity('/c')).not.toBe(identity);
    append(next, '/a', 'd');
    expect(next.identity('/b')).not.toBe(identity);
  });

  test('removes directories that are empty', () => {
    const files = new SimulatedFileSystem(new SimulatedLoop());
    files.put('/d/a', bytes('x'));
    expect(() => files.removeDirectory('/d')).toThrow('Directory not empty');
    files.unlink('/d/a');
    files.removeDirectory('/d');
    expect(files.stat('/d')).toBeUndefined();
    expect(() => files.removeDirectory('/d')).toThrow('No such file');
  });

  test('after a failed sync no later sync brings the data back', () => {
    const seen = outcomes(() => {
      const files = new SimulatedFileSystem(new SimulatedLoop());
      files.put('/f', bytes('ok'));
      append(files, '/f', '11');
      const file = files.open('/f', 'write');
      files.fault = (operation) => (operation === 'fdatasync' ? 'EIO' : undefined);
      expect(() => file.dataSync()).toThrow('Input/output error');
      files.fault = undefined;
      file.dataSync();
      append(files, '/f', '22');
      file.dataSync();
      expect(text(files.dump().get('/f'))).toBe('ok1122');
      return files;
    }, '/f');
    expect(seen).toContain('ok\0\x0022');
    expect(seen).toContain('ok1122');
  });

  test('leaves everything the kernel was given when only the process ends', () => {
    const files = new SimulatedFileSystem(new SimulatedLoop());
    append(files, '/f', 'abc');
    expect(text(files.restart().dump().get('/f'))).toBe('abc');
    expect(() => files.stat('/f')).toThrow(SimulatedCrash);
  });

  test('is full above its capacity, with a part of the write left behind', () => {
    const files = new SimulatedFileSystem(new SimulatedLoop());
    files.capacityBytes = 5;
    append(files, '/f', 'abc');
    expect(() => append(files, '/f', 'defg')).toThrow(new FileError('write', '/f', 'ENOSPC'));
    expect(text(files.dump().get('/f'))).toBe('abcde');
    files.unlink('/f');
    append(files, '/g', 'again');
  });

  test('crashes before the call it is told to, and never answers again', async () => {
    const loop = new SimulatedLoop();
    const files = new SimulatedFileSystem(loop);
    append(files, '/f', 'abc');
    files.crashAtCall = files.calls + 1;
    let isSettled = false;
    void files
      .open('/f', 'write')
      .syncAsync()
      .finally(() => (isSettled = true));
    await loop.run(1000);
    expect(isSettled).toBe(false);
    expect(files.isDead).toBe(true);
  });

  test('a sync beside the loop is for what was written before it began', () => {
    const seen = new Set<string | undefined>();
    return (async () => {
      for (let seed = 0; seed < 50; seed++) {
        const loop = new SimulatedLoop();
        const files = new SimulatedFileSystem(loop);
        files.put('/f', bytes(''));
        append(files, '/f', 'a');
        const synced = files.open('/f', 'write').dataSyncAsync();
        append(files, '/f', 'b');
        await loop.run(10);
        await synced;
        seen.add(text(files.restart(new SeededRandomness(seed)).dump().get('/f')));
      }
      expect(seen).toContain('a');
      expect(seen).toContain('ab');
      expect(seen).not.toContain('');
    })();
  });
});

describe('the simulated loop', () => {
  test('runs events in the order of their time, then of their making', async () => {
    const loop = new SimulatedLoop();
    const seen: string[] = [];
    loop.after(5, () => seen.push('five'));
    loop.soon(() => seen.push('soon'));
    const cancel = loop.after(3, () => seen.push('never'));
    const stop = loop.every(2, () => {
      seen.push(`tick ${loop.monotonicUs() / 1000}`);
      if (loop.monotonicUs() >= 4000) stop();
    });
    cancel();
    await loop.run(100);
    expect(seen).toEqual(['soon', 'tick 2', 'tick 4', 'five']);
    expect(loop.monotonicUs()).toBe(100_000);
  });
});
