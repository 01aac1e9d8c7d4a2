/** Finds out about one table what a repair needs to know: whether it is sound, and else what of it can be read. Nothing is written. */
import { FileError, type FileSystem, joinPath } from '../../os/file-system.ts';
import { VALID } from '../cursor.ts';
import { fromFileError, LsmError } from '../errors.ts';
import { LEVELDB_FILTER_NAME } from '../format/leveldb-filter.ts';
import type { TableProperties } from '../format/properties.ts';
import type { RangeDeletion } from '../format/range-deletions.ts';
import { internalKey, MAX_SEQUENCE, TYPE_RANGE_DELETION } from '../internal-key.ts';
import type { ListedFile } from './directory-listing.ts';
import { type Problem, ProblemList } from './problem.ts';
import { RawTable, uncachedLoader } from './raw-table.ts';
import type { Loss } from './salvage-blocks.ts';
import { SalvageCursor, salvageProperties, salvageRangeDeletions } from './salvage-cursor.ts';
import { checkTable } from './table-check.ts';
import type { TableContents } from './table-contents.ts';
import { widen } from './table-meta-check.ts';

export interface TableSurvey {
  readonly name: string;
  readonly number: number;
  /** What a check finds wrong with it; none: it is sound. */
  readonly problems: readonly Problem[];
  /** What can be read of it. */
  readonly contents: TableContents;
  readonly rangeDeletions: readonly RangeDeletion[];
  readonly losses: readonly Loss[];
  /** How many entries are lost, where the properties tell. */
  readonly lostEntries: number | undefined;
  /** Blocks that are intact but not in the order of bytes. */
  readonly unorderedBlocks: number;
  readonly properties: TableProperties | undefined;
  readonly hasLevelDbFilter: boolean;
}

/**
 * undefined where there is no such file. `formatLevel`: the directory's, where it is known. Yields bytes that were read. Throws LsmError UNSUPPORTED,
 * IO_ERROR.
 */
export function* surveyTable(
  files: FileSystem,
  directory: string,
  { name, number }: ListedFile,
  formatLevel: number | undefined,
): Generator<number, TableSurvey | undefined> {
  try {
    const file = files.open(joinPath(directory, name), 'read');
    try {
      return yield* survey(new RawTable(file, number, uncachedLoader()), name, formatLevel);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw fromFileError(error);
  }
}

function* survey(
  table: RawTable,
  name: string,
  formatLevel: number | undefined,
): Generator<number, TableSurvey> {
  const list = new ProblemList();
  const report = (problem: Problem): void => list.add(problem);
  const contents = yield* checkTable(table, { name, isBytewise: true, report });
  const { problems } = list;
  const foreign = problems.find(({ code }) => code === 'UNSUPPORTED');
  if (foreign !== undefined) {
    const { problem, offset, expected, found } = foreign;
    const place = { path: table.file.path, offset, expected, found };
    throw new LsmError('UNSUPPORTED', problem, place);
  }
  const properties = salvageProperties(table);
  const hasLevelDbFilter = hasMetaBlock(table, LEVELDB_FILTER_NAME);
  const common = { name, number: table.fileNumber, problems, properties, hasLevelDbFilter };
  if (problems.length === 0) {
    const rangeDeletions = salvageRangeDeletions(table, undefined) ?? [];
    return { ...common, contents, rangeDeletions, losses: [], lostEntries: 0, unorderedBlocks: 0 };
  }
  const salvaged = yield* salvage(table, name, properties);
  const isComplete = salvaged.rangeDeletions !== undefined || formatLevel === 1;
  const losses = isComplete ? salvaged.losses : [...salvaged.losses, lostRanges(table, name)];
  return { ...common, ...salvaged, rangeDeletions: salvaged.rangeDeletions ?? [], losses };
}

interface Salvaged extends Pick<
  TableSurvey,
  'contents' | 'losses' | 'lostEntries' | 'unorderedBlocks'
> {
  readonly rangeDeletions: readonly RangeDeletion[] | undefined;
}

function* salvage(
  table: RawTable,
  name: string,
  properties: TableProperties | undefined,
): Generator<number, Salvaged> {
  const cursor = new SalvageCursor(table, name);
  const { blocks, contents } = cursor;
  let seen = 0;
  for (cursor.first(); cursor.status === VALID; cursor.next()) {
    if (blocks.goodBytes === seen) continue;
    yield blocks.goodBytes - seen;
    seen = blocks.goodBytes;
  }
  const rangeDeletions = salvageRangeDeletions(table, blocks.rangeDeletions);
  for (const { begin, end, sequence } of rangeDeletions ?? []) {
    countRange(contents, begin, end, sequence);
  }
  const all = properties?.entries;
  return {
    contents,
    rangeDeletions,
    losses: blocks.losses,
    lostEntries: all === undefined ? undefined : Math.max(0, all - contents.entries),
    unorderedBlocks: blocks.unorderedBlocks,
  };
}

function countRange(
  contents: TableContents,
  begin: Uint8Array,
  end: Uint8Array,
  sequence: number,
): void {
  contents.entries++;
  contents.rangeDeletions++;
  contents.minSequence = Math.min(contents.minSequence, sequence);
  contents.maxSequence = Math.max(contents.maxSequence, sequence);
  const smallest = internalKey(begin, sequence, TYPE_RANGE_DELETION);
  widen(contents, smallest, internalKey(end, MAX_SEQUENCE, TYPE_RANGE_DELETION));
}

function lostRanges(table: RawTable, name: string): Loss {
  const reason = 'range deletions, if it had any: what they deleted may be back';
  return {
    file: name,
    offset: table.blocksEnd,
    bytes: 0,
    reason,
    after: undefined,
    before: undefined,
  };
}

function hasMetaBlock(table: RawTable, name: string): boolean {
  try {
    return table.metaBlocks().has(name);
  } catch {
    return false;
  }
}
