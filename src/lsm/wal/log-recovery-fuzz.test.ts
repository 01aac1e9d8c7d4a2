import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LsmError } from '../errors.ts';
import type { RecoveryMode } from './log-recovery.ts';
import { append, begin, bytesOf, DIRECTORY, machine, recover, upTo } from './testing/log-scenes.ts';

const MODES: readonly RecoveryMode[] = [
  'tolerate-torn-tail',
  'point-in-time',
  'absolute',
  'skip-corrupt',
];

/** What may happen to a file: bytes changed, zeroed, cut out, put in, or its end gone. */
type Injury = readonly ['flip' | 'zero' | 'remove' | 'insert' | 'cut', number, number];
const injury: fc.Arbitrary<Injury> = fc.tuple(
  fc.constantFrom('flip', 'zero', 'remove', 'insert', 'cut'),
  fc.nat(),
  fc.oneof(fc.nat(20), fc.nat(40_000)),
);

function injure(bytes: Uint8Array, [kind, where, length]: Injury): Uint8Array {
  const at = bytes.length === 0 ? 0 : where % bytes.length;
  const end = Math.min(bytes.length, at + length);
  const result = bytes.slice();
  if (kind === 'flip') for (let i = at; i < end; i++) result[i]! ^= 1 << (i % 8);
  else if (kind === 'zero') result.fill(0, at, end);
  else if (kind === 'cut') return bytes.slice(0, at);
  else {
    const middle = kind === 'insert' ? bytes.slice(at, end) : new Uint8Array(0);
    const rest = kind === 'insert' ? bytes.subarray(at) : bytes.subarray(end);
    return Buffer.concat([bytes.subarray(0, at), middle, rest]);
  }
  return result;
}

/** Two logs: batches of these sizes, synced after some of them. */
const batch = fc.record({
  count: fc.integer({ min: 1, max: 4 }),
  valueBytes: fc.oneof(fc.nat(100), fc.nat(30_000)),
  isSynced: fc.boolean(),
});
const batches = fc.array(batch, { minLength: 1, maxLength: 8 });

test('logs injured in any way are recovered to a point in time, or refused by an error that says where', () => {
  fc.assert(
    fc.property(
      batches,
      batches,
      fc.array(injury, { maxLength: 3 }),
      fc.constantFrom(2, 4),
      fc.boolean(),
      (first, second, injuries, number, isForeign) => {
        const files = machine();
        let log = begin(files, 1);
        for (const { count, valueBytes, isSynced } of first) {
          append(log, count, valueBytes);
          log.write();
          if (isSynced) log.sync();
        }
        log = begin(files, 3, log);
        for (const { count, valueBytes } of second) append(log, count, valueBytes);
        log.write();
        const total = log.lastSequence;
        const name = `00000${number}.log`;
        let bytes = bytesOf(files, name);
        // Without its first mark a log looks as LevelDB's do.
        if (isForeign) bytes = bytes.slice(19);
        for (const one of injuries) bytes = injure(bytes, one);
        files.put(`${DIRECTORY}/${name}`, bytes);
        for (const mode of MODES) {
          try {
            const { sequences } = recover(files, mode);
            expect(sequences.length).toBeLessThanOrEqual(total);
            const isInOrder = sequences.every((n, i) => i === 0 || n > sequences[i - 1]!);
            expect(isInOrder, mode).toBe(true);
            if (mode !== 'skip-corrupt') expect(sequences, mode).toEqual(upTo(sequences.length));
            if (mode === 'absolute' && injuries.length === 0)
              expect(sequences).toEqual(upTo(total));
          } catch (error) {
            if (!(error instanceof LsmError)) throw error;
            expect(error).toMatchObject({ code: 'CORRUPTION' });
            expect(error.path).toMatch(/^\/db\/00000[24]\.log$/);
            expect(error.offset).toBeGreaterThanOrEqual(0);
            expect(['tolerate-torn-tail', 'absolute']).toContain(mode);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
