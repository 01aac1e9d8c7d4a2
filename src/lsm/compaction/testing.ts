/** Trees of tables that exist on paper only. For tests of pickers. */
import { internalKey } from '../internal-key.ts';
import { LEVELS } from '../limits.ts';
import type { FileFacts } from '../manifest/version-edit.ts';
import { TableFile } from '../version/table-file.ts';
import { applyEdit } from '../version/version-builder.ts';
import { Version } from '../version/version.ts';
import { VersionEdit } from '../manifest/version-edit.ts';
import type { Compaction } from './compaction.ts';

export interface PaperTable {
  readonly number: number;
  readonly from: string;
  readonly to: string;
  readonly sizeBytes?: number;
  readonly facts?: FileFacts;
}

export function table({ number, from, to, sizeBytes = 100, facts }: PaperTable): TableFile {
  const sequence = facts?.maxSequence ?? number;
  return new TableFile({
    level: 0,
    number,
    sizeBytes,
    smallest: internalKey(Buffer.from(from), sequence, 1),
    largest: internalKey(Buffer.from(to), sequence, 1),
    facts,
  });
}

/** Levels that are not given are empty. Level 0 newest first. */
export function tree(levels: Readonly<Record<number, readonly PaperTable[]>>): Version {
  const version = new Version(
    Array.from({ length: LEVELS }, (_, level) => (levels[level] ?? []).map(table)),
  );
  version.checkInvariants();
  return version;
}

/** By level, numbers of the files that go in. */
export function inputsOf(compaction: Compaction | undefined): Record<number, number[]> {
  const inputs: Record<number, number[]> = {};
  for (const { level, files } of compaction?.inputs ?? []) {
    inputs[level] = files.map(({ number }) => number);
  }
  return inputs;
}

/**
 * What the tree is afterwards. A merge makes one table of all: its facts and size are those of what went in, together.
 */
export function carriedOut(version: Version, compaction: Compaction, number: number): Version {
  const edit = new VersionEdit();
  const files = compaction.inputs.flatMap((input) => input.files);
  for (const { level, files } of compaction.inputs) {
    for (const file of files) edit.deletedFiles.push({ level, number: file.number });
  }
  const { kind, outputLevel } = compaction;
  if (kind === 'move') edit.newFiles.push(...files.map((file) => file.toNewFile(outputLevel)));
  if (kind === 'merge') {
    const keys = files
      .flatMap((file) => [file.smallest, file.largest])
      .sort((a, b) => Buffer.compare(a.subarray(0, -8), b.subarray(0, -8)));
    edit.newFiles.push({
      level: outputLevel,
      number,
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      smallest: keys[0]!,
      largest: keys.at(-1)!,
      facts: {
        deletions: 0,
        minSequence: Math.min(...files.map(({ facts }) => facts?.minSequence ?? 0)),
        maxSequence: Math.max(...files.map(({ facts }) => facts?.maxSequence ?? 0)),
        youngestSeconds: Math.max(...files.map(({ facts }) => facts?.youngestSeconds ?? 0)),
      },
    });
  }
  return applyEdit(version, edit, 'MANIFEST');
}

/** Throws where an older entry lies over a newer one: what a table has of a key must be newer than what all tables behind it have. */
export function checkAges(version: Version): void {
  const inOrder = version.levels.flat();
  for (const [i, newer] of inOrder.entries()) {
    for (const older of inOrder.slice(i + 1)) {
      const isOver = newer.overlaps(older) && newer.facts && older.facts;
      if (isOver && newer.facts!.minSequence! <= older.facts!.maxSequence!) {
        throw new Error(`table ${newer.number} is over ${older.number}, which is newer`);
      }
    }
  }
}
