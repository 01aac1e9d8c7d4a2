/** A machine with logs on it whose values say their sequences, and what recovery makes of them. */
import { Region } from '../../../bytes/region.ts';
import { SimulatedFileSystem } from '../../../os/simulated-file-system.ts';
import { SimulatedLoop } from '../../../os/simulated-loop.ts';
import { parseFileName } from '../../manifest/file-names.ts';
import { WriteBatch } from '../../write-batch.ts';
import { recoverLogs, type LogDrop, type RecoveryMode } from '../log-recovery.ts';
import { prepareLogSync } from '../prepared-log.ts';
import { WriteAheadLog } from '../write-ahead-log.ts';

export const DIRECTORY = '/db';

export function machine(pageBytes = 4096): SimulatedFileSystem {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  files.pageBytes = pageBytes;
  files.makeDirectory(DIRECTORY);
  return files;
}

/** A log of its own that follows `previous`: so much room is zeroed in it beforehand, and at a time by `zeroAhead`. */
export function begin(
  files: SimulatedFileSystem,
  number: number,
  previous?: WriteAheadLog,
  zeroBytes = 0,
  aheadBytes = 0,
): WriteAheadLog {
  const durableSequence = previous?.durableSequence ?? 0;
  const prepared = prepareLogSync({
    files,
    directory: DIRECTORY,
    number,
    durableSequence,
    zeroBytes,
  });
  const lastSequence = previous?.lastSequence ?? 0;
  return new WriteAheadLog({
    files,
    directory: DIRECTORY,
    number: number + 1,
    prepared,
    zeroBytes: aheadBytes,
    previous,
    lastSequence,
    durableSequence,
  });
}

/** Appends a batch of `count` puts whose values say their sequences, and `tag`. */
export function append(log: WriteAheadLog, count: number, valueBytes = 10, tag = ''): void {
  const batch = new WriteBatch();
  for (let i = 0; i < count; i++) {
    const key = Region.of(`key ${i}`);
    const value = Region.of(`${log.lastSequence + 1 + i}/${tag}`.padEnd(valueBytes, '_'));
    batch.put(key, 0, key.bytes.length, value, 0, value.bytes.length);
  }
  batch.seal(log.lastSequence + 1);
  log.append(batch.region, 0, batch.sizeBytes);
}

export interface Recovered {
  readonly sequences: number[];
  readonly tags: string[];
  readonly drops: LogDrop[];
  readonly lastSequence: number;
}

/** What the logs of a directory give back; each value is checked against its sequence. */
export function recover(
  files: SimulatedFileSystem,
  mode: RecoveryMode = 'tolerate-torn-tail',
  lastSequence = 0,
): Recovered {
  const numbers = files
    .readDirectory(DIRECTORY)
    .map(parseFileName)
    .filter((name) => name?.kind === 'log')
    .map((name) => name!.number);
  const sequences: number[] = [];
  const tags: string[] = [];
  const drops: LogDrop[] = [];
  const steps = recoverLogs({
    files,
    directory: DIRECTORY,
    numbers,
    lastSequence,
    formatLevel: 1,
    mode,
    apply: (batch) => {
      while (batch.next()) {
        const value = batch.region.bytes.subarray(batch.valueStart, batch.valueEnd);
        const [said, tag] = Buffer.from(value).toString().split('_')[0]!.split('/');
        if (said !== String(batch.sequence))
          throw new Error(`${batch.sequence} has the value of ${said}`);
        sequences.push(batch.sequence);
        tags.push(tag!);
      }
    },
    report: (drop) => drops.push(drop),
  });
  for (;;) {
    const step = steps.next();
    if (step.done === true)
      return { sequences, tags, drops, lastSequence: step.value.lastSequence };
  }
}

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
export const bytesOf = (files: SimulatedFileSystem, name: string): Uint8Array =>
  files.dump().get(`${DIRECTORY}/${name}`)!;
