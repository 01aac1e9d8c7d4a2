/** What is run: each unit in a process of its own, for every contestant that has what it needs. A unit yields one workload or several. */
import type { Compression, Contestant } from './contestant.ts';
import type { Scene } from './scene.ts';
import { bigOverwrite } from './workloads/big.ts';
import { compaction } from './workloads/compaction.ts';
import { batches, durable, fill, mixed, overwrite, type WriteForm } from './workloads/fill.ts';
import { reads, readsBeyondCache, sizeOnDisk } from './workloads/read.ts';

export type Group =
  | 'fill'
  | 'batch'
  | 'read'
  | 'durable'
  | 'mixed'
  | 'cache'
  | 'size'
  | 'compaction'
  | 'big';

export interface Unit {
  readonly name: string;
  readonly group: Group;
  readonly compressions: readonly Compression[];
  isFor(contestant: Contestant): boolean;
  run(scene: Scene): Promise<void>;
}

const FORMS: readonly WriteForm[] = ['sync', 'awaited', '64 in flight'];
const RAW: readonly Compression[] = ['none'];
const BOTH: readonly Compression[] = ['none', 'snappy'];

function hasForm(form: WriteForm): (contestant: Contestant) => boolean {
  return (contestant) =>
    form === 'sync' ? contestant.putSync !== undefined : contestant.put !== undefined;
}

const always = (): boolean => true;

export const UNITS: readonly Unit[] = [
  ...FORMS.flatMap((form): Unit[] => [
    {
      name: `fillseq ${form}`,
      group: 'fill',
      compressions: RAW,
      isFor: hasForm(form),
      run: fill(false, form),
    },
    {
      name: `fillrandom ${form}`,
      group: 'fill',
      compressions: RAW,
      isFor: hasForm(form),
      run: fill(true, form),
    },
    {
      name: `overwrite ${form}`,
      group: 'fill',
      compressions: RAW,
      isFor: hasForm(form),
      run: overwrite(form),
    },
    {
      name: `durable ${form}`,
      group: 'durable',
      compressions: RAW,
      isFor: (c) => hasForm(form)(c) && c.isWithoutSync !== true,
      run: durable(form),
    },
  ]),
  {
    name: 'batches sequential',
    group: 'batch',
    compressions: BOTH,
    isFor: always,
    run: batches(false),
  },
  { name: 'batches random', group: 'batch', compressions: BOTH, isFor: always, run: batches(true) },
  { name: 'reads', group: 'read', compressions: BOTH, isFor: always, run: reads },
  {
    name: 'mixed sync',
    group: 'mixed',
    compressions: RAW,
    isFor: (c) => c.putSync !== undefined && c.getSync !== undefined,
    run: mixed('sync'),
  },
  {
    name: 'mixed awaited',
    group: 'mixed',
    compressions: RAW,
    isFor: (c) => c.put !== undefined && c.get !== undefined,
    run: mixed('awaited'),
  },
  {
    name: 'beyond cache',
    group: 'cache',
    compressions: BOTH,
    isFor: always,
    run: readsBeyondCache,
  },
  { name: 'size', group: 'size', compressions: BOTH, isFor: always, run: sizeOnDisk },
  {
    name: 'compaction',
    group: 'compaction',
    compressions: BOTH,
    isFor: (c) => c.compact !== undefined,
    run: compaction,
  },
  { name: 'big', group: 'big', compressions: RAW, isFor: always, run: bigOverwrite },
];
