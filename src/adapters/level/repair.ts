/**
 * What LevelDB's repair is used for: damage is repaired as far as it can be (lsm/tools/repair.ts; what was replaced is in the folder `lost`), and what is only in
 * the log becomes a table.
 */
import { Database } from '../../lsm/database/database.ts';
import { openEngine } from '../../lsm/database/open-engine.ts';
import type { EngineSystem } from '../../lsm/database/options.ts';
import { LsmError } from '../../lsm/errors.ts';
import { repairDirectory } from '../../lsm/tools/repair.ts';
import { engineOptions } from './options.ts';

/** Rejects with LsmError: LOCKED, UNSUPPORTED, IO_ERROR, also where there is nothing to repair, DISK_FULL. */
export async function repairDatabase(directory: string, system: EngineSystem): Promise<void> {
  const { files, lockDatabase } = system;
  try {
    await repairDirectory({ files, lockDatabase, directory });
  } catch (error) {
    if (!(error instanceof LsmError) || error.code !== 'NOT_FOUND') throw error;
    throw new LsmError('IO_ERROR', 'No such file or directory', { path: directory, cause: error });
  }
  // An opening brings logs into tables.
  const engine = await openEngine(directory, engineOptions({ createIfMissing: false, system }));
  await new Database(engine).close();
}
