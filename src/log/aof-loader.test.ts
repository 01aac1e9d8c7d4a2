import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedFileSystem } from '../os/simulated-file-system.ts';
import { SimulatedLoop } from '../os/simulated-loop.ts';
import { AofDirectory } from './aof-directory.ts';
import { loadSync, type LoadBase, type LoadResult } from './aof-loader.ts';
import {
  BATCH_BEGIN_BYTES,
  BATCH_END_BYTES,
  batchSeed,
  formatHeader,
  frameBatch,
  HEADER_BYTES,
  writeTimestamp,
} from './batch.ts';
import { CorruptLogError } from './log-error.ts';

const NONCE = '00112233445566ff';
const SEED = batchSeed(NONCE);
const LAST = '/d/appendonlydir/appendonly.aof.1.incr.aof';
const EARLIER = '/d/appendonlydir/appendonly.aof.0.incr.aof';

const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map((a) => `$${Buffer.byteLength(a, 'latin1')}\r\n${a}\r\n`).join('')}`;

/** A file of ours, batch by batch. */
class OwnFile {
  text: string;
  position: number;
  /** Where each batch begins, and the end of the file. */
  readonly offsets: number[] = [HEADER_BYTES];

  constructor(position = 0) {
    this.position = position;
    this.text = Buffer.from(formatHeader(NONCE, position)).toString('latin1');
  }

  batch(payload: string, durable = this.position, timestamp = 0): this {
    const body = Buffer.from(payload, 'latin1');
    const extra = timestamp > 0 ? 16 : 0;
    const bytes = Buffer.alloc(BATCH_BEGIN_BYTES + extra + body.length + BATCH_END_BYTES);
    if (extra > 0) writeTimestamp(bytes, BATCH_BEGIN_BYTES, timestamp);
    body.copy(bytes, BATCH_BEGIN_BYTES + extra);
    const end = BATCH_BEGIN_BYTES + extra + body.length;
    frameBatch(bytes, BATCH_BEGIN_BYTES, end, this.position, durable, SEED);
    this.text += bytes.toString('latin1');
    this.position += body.length;
    this.offsets.push(this.text.length);
    return this;
  }
}

describe('loading', () => {
  let files: SimulatedFileSystem;
  let applied: string[];
  let reports: string[];
  let mayTruncate: boolean;
  beforeEach(() => {
    files = new SimulatedFileSystem(new SimulatedLoop());
    files.makeDirectory('/d');
    applied = [];
    reports = [];
    mayTruncate = true;
  });

  const put = (path: string, text: string): void => files.put(path, Buffer.from(text, 'latin1'));
  const content = (path: string): string => Buffer.from(files.dump().get(path)!).toString('latin1');

  const loadBase: LoadBase = function* (file, sizeBytes) {
    const bytes = new Uint8Array(sizeBytes);
    file.read(bytes, 0, sizeBytes, 0);
    const end = Buffer.from(bytes).indexOf('!') + 1;
    applied.push(Buffer.from(bytes.subarray(0, end)).toString('latin1'));
    yield;
    return { end, position: undefined };
  };

  function load(manifest = 'file appendonly.aof.1.incr.aof seq 1 type i\n'): LoadResult {
    if (manifest !== '') put('/d/appendonlydir/appendonly.aof.manifest', manifest);
    const directory = new AofDirectory(files, '/d', 'appendonlydir', 'appendonly.aof');
    expect(directory.open()).toBe(true);
    return loadSync({
      directory,
      apply: (request) => {
        const words = Array.from({ length: request.count }, (_, i) => request.text(i));
        if (words[0] === 'BAD') return `Unknown command 'BAD' reading the append only file`;
        applied.push(words.map((word) => word.slice(0, 40)).join(' '));
        return undefined;
      },
      loadBase,
      mayTruncate,
      log: (_level, message) => reports.push(message),
      progress: () => {},
    });
  }

  const set = (i: number): string => command('SET', `k${i}`, 'v'.repeat(20));
  const sets = (...numbers: number[]): string[] =>
    numbers.map((i) => `SET k${i} ${'v'.repeat(20)}`);

  describe('our own files', () => {
    test('whole ones, transactions without their brackets, timestamps not counted', () => {
      const own = new OwnFile(500)
        .batch(command('select', '3') + set(1), 500, 1_700_000_000)
        .batch(command('MULTI') + set(2) + set(3) + command('EXEC'));
      put(LAST, own.text);
      const result = load();
      expect(applied).toEqual(['select 3', ...sets(1, 2, 3)]);
      expect(result.position).toBe(own.position);
      expect(result.tail).toEqual({
        name: 'appendonly.aof.1.incr.aof',
        seed: SEED,
        sizeBytes: own.text.length,
      });
    });

    test('cut anywhere, the batches that are whole are loaded and the rest is cut off', () => {
      const own = new OwnFile().batch(set(1)).batch(set(2) + set(3));
      const [, second] = own.offsets as [number, number, number];
      for (let length = HEADER_BYTES; length <= own.text.length; length++) {
        applied = [];
        put(LAST, own.text.slice(0, length));
        load();
        let loaded = 0;
        if (length >= own.text.length - BATCH_END_BYTES) loaded = 3;
        else if (length >= second - BATCH_END_BYTES) loaded = 1;
        expect(applied, `length ${length}`).toEqual(sets(1, 2, 3).slice(0, loaded));
        const kept = content(LAST).length;
        expect(own.text.slice(0, length).startsWith(content(LAST))).toBe(true);
        applied = [];
        load();
        expect(applied).toEqual(sets(1, 2, 3).slice(0, loaded));
        expect(content(LAST).length).toBe(kept);
      }
    });

    test('a tail that was zeroed, in part or whole', () => {
      const own = new OwnFile().batch(set(1)).batch(set(2)).batch(set(3), 0);
      const second = own.offsets[1]!;
      for (let from = second; from < own.text.length - BATCH_END_BYTES; from += 7) {
        applied = [];
        put(LAST, own.text.slice(0, from).padEnd(own.text.length + 30, '\0'));
        load();
        expect(applied[0]).toBe(sets(1)[0]);
        expect(applied).not.toContain(sets(3)[0]);
        expect(content(LAST)).not.toContain('\0');
      }
    });

    test('an un-synced batch that is damaged takes those behind it along', () => {
      // The last one did not know the second to be synced.
      const own = new OwnFile().batch(set(1)).batch(set(2)).batch(set(3), 0);
      put(LAST, own.text.replace('k2', 'kX'));
      load();
      expect(applied).toEqual(sets(1));
      expect(content(LAST).length).toBe(own.offsets[1]);
      expect(reports.join(' ')).toContain('Truncating the AOF');
    });

    test('a synced batch that is damaged stops the load', () => {
      const own = new OwnFile().batch(set(1)).batch(set(2)).batch(set(3));
      put(LAST, own.text.replace('k2', 'kX'));
      expect(() => load()).toThrow(CorruptLogError);
      expect(() => load()).toThrow(
        `${LAST}, offset ${own.offsets[1]}: the batch here is damaged, and synced ones follow it`,
      );
      expect(content(LAST)).toContain('kX');
    });

    test('values that look like batches prove nothing', () => {
      const forged = new OwnFile().batch(set(8)).batch(set(9)).text.replace(NONCE, '0'.repeat(16));
      const other = Buffer.alloc(200);
      other.write(set(9), BATCH_BEGIN_BYTES, 'latin1');
      const end = BATCH_BEGIN_BYTES + set(9).length;
      frameBatch(other, BATCH_BEGIN_BYTES, end, 1000, 1000, batchSeed('guessed'));
      const value = forged + other.toString('latin1');
      const own = new OwnFile().batch(set(1)).batch(command('SET', 'k', value));
      put(LAST, own.text);
      load();
      expect(applied.length).toBe(2);
      applied = [];
      put(LAST, own.text.slice(0, -40));
      load();
      expect(applied).toEqual(sets(1));
    });

    test('a batch that is missing is noticed', () => {
      const own = new OwnFile().batch(set(1)).batch(set(2)).batch(set(3));
      const [, second, third] = own.offsets;
      put(LAST, own.text.slice(0, second) + own.text.slice(third));
      expect(() => load()).toThrow('a batch of log position');
    });

    test('a missing line behind the last batch costs nothing', () => {
      const own = new OwnFile().batch(set(1)).batch(set(2));
      put(LAST, own.text.slice(0, -BATCH_END_BYTES));
      const result = load();
      expect(applied).toEqual(sets(1, 2));
      expect(result.tail?.sizeBytes).toBe(own.text.length - BATCH_END_BYTES);
      expect(reports).toEqual([]);
    });

    test('nothing is cut off where aof-load-truncated says no', () => {
      mayTruncate = false;
      const own = new OwnFile().batch(set(1)).batch(set(2));
      put(LAST, own.text.slice(0, -50));
      expect(() => load()).toThrow('Unexpected end of file reading the append only file');
      expect(content(LAST).length).toBe(own.text.length - 50);
    });

    test('a file that is not the last must be whole', () => {
      const manifest =
        'file appendonly.aof.0.incr.aof seq 1 type i\nfile appendonly.aof.1.incr.aof seq 2 type i\n';
      const first = new OwnFile().batch(set(1));
      const second = new OwnFile(first.position).batch(set(2));
      put(EARLIER, first.text);
      put(LAST, second.text);
      load(manifest);
      expect(applied).toEqual(sets(1, 2));
      put(EARLIER, first.text.slice(0, -30));
      expect(() => load(manifest)).toThrow('is not the last of the log');
      put(EARLIER, new OwnFile().text);
      expect(() => load(manifest)).toThrow('it continues log position');
      put(LAST, new OwnFile(0).text);
      load(manifest);
    });

    test('an entry larger than the window', () => {
      const value = 'x'.repeat(700_000);
      const own = new OwnFile().batch(command('SET', 'big', value)).batch(set(2));
      put(LAST, own.text);
      load();
      expect(applied).toEqual([`SET big ${'x'.repeat(40)}`, ...sets(2)]);
      applied = [];
      put(LAST, own.text.slice(0, 600_000));
      load();
      expect(applied).toEqual([]);
    });

    test('a command that is none stops the load with its place', () => {
      const own = new OwnFile().batch(set(1) + command('BAD'));
      put(LAST, own.text);
      const offset = HEADER_BYTES + BATCH_BEGIN_BYTES + set(1).length;
      expect(() => load()).toThrow(`offset ${offset}: Unknown command 'BAD'`);
    });
  });

  describe('where a real Redis went on', () => {
    const redis = command('SELECT', '0') + command('SET', 'r', '1');

    test('behind a clean end', () => {
      put(LAST, new OwnFile().batch(set(1)).text + redis);
      const result = load();
      expect(applied).toEqual([...sets(1), 'SELECT 0', 'SET r 1']);
      expect(result.tail).toBe(undefined);
      applied = [];
      put(LAST, `${new OwnFile().batch(set(1)).text}#TS:1700000000\r\n${redis}`);
      load();
      expect(applied).toEqual([...sets(1), 'SELECT 0', 'SET r 1']);
    });

    test('behind a torn batch of which it kept the first commands', () => {
      const own = new OwnFile().batch(set(1)).batch(set(2) + command('select', '5') + set(3));
      const cut = own.text.lastIndexOf(set(3));
      put(LAST, own.text.slice(0, cut) + redis);
      load();
      expect(applied).toEqual([...sets(1, 2), 'select 5', 'SELECT 0', 'SET r 1']);
      // Without anything appended nobody can have relied on it.
      applied = [];
      put(LAST, own.text.slice(0, cut));
      load();
      expect(applied).toEqual(sets(1));
    });

    test('behind a torn transaction, which it never ran, far from the end', () => {
      const own = new OwnFile()
        .batch(set(1))
        .batch(set(2) + command('MULTI') + set(3) + set(4) + command('EXEC'));
      const cut = own.text.lastIndexOf(set(4));
      const many = Array.from({ length: 20_000 }, (_, i) => set(i)).join('');
      put(
        LAST,
        own.text.slice(0, cut) + redis + command('MULTI') + set(5) + command('EXEC') + many,
      );
      load();
      expect(applied.slice(0, 5)).toEqual([...sets(1, 2), 'SELECT 0', 'SET r 1', ...sets(5)]);
      expect(applied.length).toBe(20_005);
    });

    test('behind a torn batch of which it kept nothing, and so not the line before', () => {
      const own = new OwnFile().batch(set(1));
      put(LAST, own.text.slice(0, -BATCH_END_BYTES) + redis);
      load();
      expect(applied).toEqual([...sets(1), 'SELECT 0', 'SET r 1']);
    });

    test('behind one of our lines that was torn', () => {
      const own = new OwnFile().batch(set(1)).batch(set(2));
      const [, second] = own.offsets as [number, number, number];
      for (let length = second - BATCH_END_BYTES; length < own.text.length; length++) {
        const isInLine =
          length < second + BATCH_BEGIN_BYTES || length > own.text.length - BATCH_END_BYTES;
        if (!isInLine || length === second + BATCH_BEGIN_BYTES) continue;
        applied = [];
        put(LAST, own.text.slice(0, length) + redis);
        load();
        const ours = length < second + BATCH_BEGIN_BYTES ? sets(1) : sets(1, 2);
        expect(applied, `length ${length}`).toEqual([...ours, 'SELECT 0', 'SET r 1']);
      }
    });

    test('and was cut off in its turn', () => {
      put(LAST, `${new OwnFile().batch(set(1)).text}${redis}*3\r\n$3\r\nSE`);
      load();
      expect(applied).toEqual([...sets(1), 'SELECT 0', 'SET r 1']);
      expect(content(LAST).endsWith(redis)).toBe(true);
    });
  });

  describe("Redis's own files", () => {
    test('annotations are read over, brackets too', () => {
      put(LAST, `#TS:1\r\n${set(1)}#x\n${command('MULTI')}${set(2)}${command('EXEC')}${set(3)}`);
      const result = load();
      expect(applied).toEqual(sets(1, 2, 3));
      expect(result.tail).toBe(undefined);
    });

    test('cut anywhere, whole commands and transactions remain', () => {
      const parts = [set(1), command('MULTI') + set(2) + set(3) + command('EXEC'), set(4)];
      const text = parts.join('');
      const ends = [0, set(1).length, set(1).length + parts[1]!.length, text.length];
      for (let length = 1; length <= text.length; length++) {
        applied = [];
        put(LAST, text.slice(0, length));
        load();
        const whole = ends.filter((end) => end > 0 && end <= length).length;
        expect(applied, `length ${length}`).toEqual(sets(1, 2, 3, 4).slice(0, [0, 1, 3, 4][whole]));
        expect(content(LAST).length).toBe(ends[whole]);
      }
    });

    test.each([
      ['garbage', `${'x'.repeat(30)}\r\n`],
      ['zeros', '\0'.repeat(100)],
      ['an empty command', '*0\r\n'],
      ['a bad length', '*1\r\n$x\r\na\r\n'],
      ['a missing argument', '*2\r\n$1\r\na\r\n*1\r\n'],
      ['a batch without the first line of our file', new OwnFile().batch(set(1)).text.slice(46)],
    ])('%s stops the load', (_name, tail) => {
      put(LAST, set(1) + tail);
      expect(() => load()).toThrow(CorruptLogError);
      expect(content(LAST)).toBe(set(1) + tail);
    });

    test('a transaction larger than the window', () => {
      const many = Array.from({ length: 12_000 }, (_, i) => set(i)).join('');
      put(LAST, command('MULTI') + many + command('EXEC') + set(1));
      load();
      expect(applied.length).toBe(12_001);
      applied = [];
      put(LAST, set(1) + command('MULTI') + many);
      load();
      expect(applied).toEqual(sets(1));
      expect(content(LAST)).toBe(set(1));
    });

    test('a base of another format, with commands behind it as before Redis 7', () => {
      put('/d/appendonly.aof', `REDIS0009data!${set(1)}`);
      const result = load('');
      expect(applied).toEqual(['REDIS0009data!', ...sets(1)]);
      expect(result.tail).toBe(undefined);
      expect(files.stat('/d/appendonly.aof')).toBe(undefined);
      expect(content('/d/appendonlydir/appendonly.aof.manifest')).toBe(
        'file appendonly.aof seq 1 type b\n',
      );
    });
  });

  test('a file that is missing stops the load', () => {
    expect(() => load()).toThrow('the manifest names this file, but it is missing');
  });

  test('an empty last file is taken as it is', () => {
    put(LAST, '');
    expect(load().tail).toBe(undefined);
    expect(applied).toEqual([]);
  });
});
