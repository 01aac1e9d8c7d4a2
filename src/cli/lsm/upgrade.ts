/** `kvasir upgrade DIR`: makes a database one of format level 2. */
import { open } from '../../lsm/index.ts';
import { run } from './output.ts';

export interface UpgradeOptions {
  readonly json?: boolean;
}

export function upgrade(directory: string, options: UpgradeOptions): Promise<number> {
  return run('upgrade', async (lines) => {
    const db = await open(directory, { createIfMissing: false });
    try {
      const before = db.formatLevel;
      await db.upgrade();
      const after = db.formatLevel;
      if (options.json === true) lines.json({ directory, before, after });
      else if (before === after) lines.write(`${directory}: of format level ${after} already`);
      else lines.write(`${directory}: of format level ${after} now, before ${before}`);
    } finally {
      await db.close();
    }
    return 0;
  });
}
