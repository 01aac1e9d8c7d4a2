import { describe, expect, test } from 'vitest';
import { FileError } from '../../os/file-system.ts';
import { SeededRandomness } from '../../os/randomness.ts';
import { SimulatedCrash, type SimulatedFileSystem } from '../../os/simulated-file-system.ts';
import { BatchReader } from '../batch-reader.ts';
import { RECORD, RecordReader } from './record-reader.ts';
import { append, begin, machine, recover, upTo } from './testing/log-scenes.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import type { WriteAheadLog } from './write-ahead-log.ts';

/** More with `KVASIR_CRASH_SEEDS=100`. */
const SEEDS = Number(process.env['KVASIR_CRASH_SEEDS'] ?? 4);
const STEPS = 30;

interface Promises {
  /** Sequences that were given to the kernel, and that were said to be durable. */
  written: number;
  durable: number;
  /** By sequence, from 1: which attempt at it was the last. What was cut back must not come again. */
  tags: string[];
}

/** Does what the write path does, in a random order, until the machine stops; a full disk makes it cut back, and go on there or in another log. */
async function run(files: SimulatedFileSystem, seed: number): Promise<Promises> {
  const random = new SeededRandomness(seed);
  const promises: Promises = { written: 0, durable: 0, tags: [] };
  const zeroBytes = seed % 3 === 0 ? 3000 : 0;
  const aheadBytes = seed % 2 === 1 ? [2000, 60_000][random.below(2)]! : 0;
  let number = 1;
  let log: WriteAheadLog | undefined;
  const look = (): void => {
    if (log === undefined || files.isDead) return;
    promises.written = Math.max(promises.written, log.writtenSequence);
    promises.durable = Math.max(promises.durable, log.durableSequence);
  };
  const rotate = (): void => {
    log = begin(files, number, log, zeroBytes, aheadBytes);
    number += 2;
  };
  let syncs = 0;
  const badSync = random.below(3) === 0 ? 1 + random.below(8) : Infinity;
  files.fault = (operation) =>
    operation === 'fdatasync' && ++syncs === badSync ? 'EIO' : undefined;
  try {
    rotate();
    for (let step = 0; step < STEPS; step++) {
      const what = random.below(10);
      try {
        for (let i = what < 5 ? random.below(4) : 0; i > 0; i--) {
          appendTagged(1 + random.below(3), `${step}.${i}`);
        }
        if (random.below(8) === 0)
          files.capacityBytes = files.usedBytes + random.below(log!.pendingBytes + 20);
        if (what > 1 && what < 7) log!.write();
        else if (what === 7) aheadOf(log!).sync();
        else if (what === 8) {
          void aheadOf(log!)
            .syncAsync()
            .then(look, () => undefined);
        } else rotateWhole();
        await files.loop.run(random.below(2) * 0.7);
      } catch (error) {
        if (!(error instanceof FileError) || error.code !== 'ENOSPC') throw error;
        files.capacityBytes = Infinity;
        log!.cutBack();
        if (random.below(2) === 0) rotate();
      }
      look();
    }
  } catch (error) {
    // After a failed sync the database is poisoned, and nothing more is promised.
    const isPoisoned = error instanceof FileError && error.code === 'EIO';
    if (!isPoisoned && !(error instanceof SimulatedCrash)) throw error;
  }
  return promises;

  function aheadOf(it: WriteAheadLog): WriteAheadLog {
    if (it.pendingBytes === 0) it.zeroAhead();
    return it;
  }

  function appendTagged(count: number, tag: string): void {
    promises.tags.length = log!.lastSequence;
    for (let i = 0; i < count; i++) promises.tags.push(tag);
    append(log!, count, random.below(4) === 0 ? 900 : 20, tag);
  }

  function rotateWhole(): void {
    log!.write();
    rotate();
  }
}

/** The history must be without holes, and hold what was promised of it. */
function check(files: SimulatedFileSystem, atLeast: number, tags: string[], what: string): void {
  const { sequences, tags: found } = recover(files);
  expect(found, what).toEqual(tags.slice(0, found.length));
  expect(sequences, what).toEqual(upTo(sequences.length));
  expect(sequences.length, what).toBeGreaterThanOrEqual(atLeast);
}

interface Mark {
  readonly path: string;
  readonly offset: number;
  readonly end: number;
  readonly sequence: number;
}

function marks(files: SimulatedFileSystem): Mark[] {
  const found: Mark[] = [];
  const batch = new BatchReader();
  for (const [path, bytes] of files.dump()) {
    const reader = new RecordReader(new MemoryFile(path, bytes), bytes.length);
    while (path.endsWith('.log') && reader.next() === RECORD) {
      const { offset, nextOffset: end } = reader;
      batch.open(reader.region, reader.start, reader.end);
      if (batch.count === 0) found.push({ path, offset, end, sequence: batch.firstSequence });
    }
  }
  return found;
}

const isIn = (mark: Mark, at: number): boolean => at >= mark.offset && at < mark.end;

describe('the write-ahead log, wherever a crash comes', () => {
  test.each([4096, 512, 16])('loses nothing that was synced, in pages of %i', async (pageBytes) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const whole = machine(pageBytes);
      await run(whole, seed);
      for (let call = 2; call <= whole.calls; call++) {
        const files = machine(pageBytes);
        files.crashAtCall = call;
        const { written, durable, tags } = await run(files, seed);
        const what = `seed ${seed}, call ${call}`;
        check(files.restart(), written, tags, `${what}, the process alone`);
        for (let i = 0; i < 4; i++) {
          check(files.restart(new SeededRandomness(call * 7 + i)), durable, tags, `${what}.${i}`);
        }
      }
    }
  });

  test('notices damage to whatever was synced, or loses only what comes behind the last mark', async () => {
    let noticed = 0;
    let harmless = 0;
    for (let seed = 0; seed < SEEDS * 20; seed++) {
      const files = machine();
      await run(files, seed);
      const { sequences } = recover(files);
      const random = new SeededRandomness(seed + 1);
      const logs = [...files.dump()].filter(
        ([path, bytes]) => path.endsWith('.log') && bytes.length > 0,
      );
      const [path, bytes] = logs[random.below(logs.length)]!;
      const at = random.below(bytes.length);
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << random.below(8);
      const promised = Math.max(
        0,
        ...marks(files).map((mark) =>
          mark.path === path && isIn(mark, at) ? 0 : mark.sequence - 1,
        ),
      );
      files.put(path, damaged);
      try {
        const found = recover(files).sequences;
        expect(found).toEqual(sequences.slice(0, found.length));
        expect(found.length, `seed ${seed}, ${path} at ${at}`).toBeGreaterThanOrEqual(promised);
        harmless++;
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPTION', path });
        noticed++;
      }
    }
    expect(noticed).toBeGreaterThan(0);
    expect(harmless).toBeGreaterThan(0);
  });
});
