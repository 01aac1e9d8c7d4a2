/**
 * What is done to directories of the disk engine and of LevelDB from outside (`kvasir/lsm/tools`): looking into them, checking and repairing them. Nothing
 * here needs the database to be opened, and but for repairs it may be open elsewhere.
 */
export {
  checkDirectory,
  checkSteps,
  type CheckOptions,
  type CheckReport,
  type Note,
  type Progress,
} from './directory-check.ts';
export {
  inspectDirectory,
  type DirectoryInspection,
  type LevelFile,
  type LevelInspection,
  type LogInspection,
} from './inspect-directory.ts';
export { logRecords, type LogEntry, type LogRecord } from './inspect-log.ts';
export {
  blockEntries,
  type BlockInspection,
  type EntryInspection,
  findBlock,
  type FoundBlock,
  inspectTable,
  openTable,
  tableBlocks,
  tableEntries,
  type TableInspection,
} from './inspect-table.ts';
export { lossText } from './loss-text.ts';
export { type ManifestReplay, replayManifest } from './manifest-replay.ts';
export { problemText, type Problem } from './problem.ts';
export {
  repairDirectory,
  type RepairOptions,
  type RepairReport,
  type SalvagedTable,
} from './repair.ts';
export { rewriteDirectory, type RewriteOptions, type RewriteReport } from './rewrite.ts';
export type { Loss } from './salvage-blocks.ts';
