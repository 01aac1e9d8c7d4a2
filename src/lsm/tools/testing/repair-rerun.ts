/** A database that a model run has closed, without its manifest: a repair must find what was in it. For tests. */
import { expect } from 'vitest';
import { SimulatedFileSystem } from '../../../os/simulated-file-system.ts';
import { SimulatedLoop } from '../../../os/simulated-loop.ts';
import { open } from '../../database/database.ts';
import { text } from '../../testing/model.ts';
import type { ClosedRun } from '../../testing/model-run.ts';
import { SimulatedSystem } from '../../testing/simulated-system.ts';
import { checkDirectory } from '../directory-check.ts';
import { problemText } from '../problem.ts';
import { repairDirectory } from '../repair.ts';

export async function repairWithoutManifest({
  files,
  directory,
  options,
  pairs,
}: ClosedRun): Promise<void> {
  const copy = new SimulatedFileSystem(new SimulatedLoop());
  copy.makeDirectory(directory);
  for (const [path, bytes] of files.dump()) if (!path.includes('MANIFEST')) copy.put(path, bytes);
  const system = new SimulatedSystem(copy);
  const { lockDatabase } = system;
  const { losses } = await system.until(
    repairDirectory({ files: copy, lockDatabase, directory, targetBytes: 2048 }),
  );
  expect(losses).toEqual([]);
  expect(checkDirectory({ files: copy, directory }).problems.map(problemText)).toEqual([]);
  const db = await system.until(open(directory, { ...options, system }));
  for (const [name, expected] of pairs) {
    const space = name === '' ? db : db.keyspace(name);
    expect([...space.range()].map(([k, v]) => [text(k), text(v)])).toEqual(expected);
  }
  await system.until(db.close());
}
