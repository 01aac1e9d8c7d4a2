/** Opens a directory of backups. */
import { lockDatabase } from '../../os/database-lock.ts';
import { realSystem } from '../../os/system.ts';
import { checkDirectory, type EngineSystem } from '../database/options.ts';
import { fromFileError } from '../errors.ts';
import { BackupStore } from './backup-store.ts';

export interface BackupStoreOptions {
  /** The operating system; tests give a simulated one. */
  readonly system?: EngineSystem;
}

/**
 * The backups in a directory, which is made where it is not there. It may not be a database's own.
 *
 * ```ts
 * const backups = openBackups('/var/backups/app');
 * await db.backup(backups, { note: 'nightly' });
 * await backups.purge({ keep: 7 });
 * await backups.restore('./restored');
 * ```
 *
 * Throws LsmError EXISTS where the directory holds something else, UNSUPPORTED, IO_ERROR.
 */
export function openBackups(directory: string, options: BackupStoreOptions = {}): BackupStore {
  try {
    return new BackupStore(
      checkDirectory(directory),
      options.system ?? { ...realSystem(), lockDatabase },
    );
  } catch (error) {
    throw fromFileError(error);
  }
}
