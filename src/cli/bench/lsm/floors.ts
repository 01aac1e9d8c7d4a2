/** What Kvasir is to reach, as the project set it itself: a ratio to a peer's figure in the same run, or a figure of its own. */
import { NATIVE, OURS, PEER_NAMES } from './contestants.ts';
import type { Compression } from './contestant.ts';
import {
  type Cell,
  extra,
  type Figure,
  medianOf,
  perSecond,
  ratioOf,
  type Results,
} from './results.ts';

interface Floor {
  readonly workload: string;
  readonly compression: Compression;
  /** What the figure is called, where it is not operations a second. */
  readonly figure?: readonly [name: string, figure: Figure];
  /** Peers of whom the best counts; absent where `limit` is a figure, not a ratio. */
  readonly against?: readonly string[];
  /** Their workload, where it is another one. */
  readonly theirs?: string;
  readonly limit: number;
  /** Whether less is better. */
  readonly isCeiling?: boolean;
}

export interface FloorRow {
  readonly name: string;
  readonly compression: Compression;
  readonly figure: string;
  readonly against: string;
  readonly value: number;
  readonly limit: string;
  readonly isMet: boolean;
}

const CLASSIC = ['classic-level'];
const LMDB = ['lmdb'];
const SQLITE = ['better-sqlite3'];
const RAW = { compression: 'none' } as const;
const SNAPPY = { compression: 'snappy' } as const;
const BEYOND = 'readrandom, data 5x the cache';
const FOREGROUND = 'reads and writes during compaction';
const COMPACTION = 'compaction, MB/s of input';
const BIG = 'overwrite of random keys, cache 256 MB';
const SIZE = ['MB', extra('MB on disk')] as const;
const P99 = ['p99 ms', (m) => m.latency?.p99Ms ?? NaN] as readonly [string, Figure];
const P999 = ['p99.9 ms', (m) => m.latency?.p999Ms ?? NaN] as readonly [string, Figure];
const WORST = ['worst ms', (m) => m.latency?.maxMs ?? NaN] as readonly [string, Figure];

const FLOORS: readonly Floor[] = [
  ...['fillseq', 'fillrandom'].flatMap((fill): Floor[] => [
    { ...RAW, workload: `${fill}, sync`, against: PEER_NAMES, limit: 2 },
    { ...RAW, workload: `${fill}, 64 in flight`, against: PEER_NAMES, limit: 1.5 },
  ]),
  { ...RAW, workload: 'batches of 1000, random', against: PEER_NAMES, limit: 1 },
  { ...RAW, workload: 'batches of 1000, sequential', against: PEER_NAMES, limit: 0.6 },
  { ...RAW, workload: 'readrandom, cached, sync', against: LMDB, limit: 0.9 },
  { ...RAW, workload: 'readrandom, cached, sync', against: CLASSIC, limit: 1.8 },
  { ...RAW, workload: 'readrandom, cached, awaited', against: CLASSIC, limit: 6 },
  { ...RAW, workload: 'readmissing, sync', against: PEER_NAMES, limit: 4 },
  ...['readseq', 'seekrandom, 100 next'].flatMap((workload): Floor[] => [
    { ...RAW, workload, against: LMDB, limit: 2 },
    { ...RAW, workload, against: CLASSIC, limit: 6 },
  ]),
  { ...RAW, workload: 'durable puts, 64 in flight', against: LMDB, limit: 1.5 },
  { ...RAW, workload: 'durable puts, 64 in flight', against: CLASSIC, limit: 5 },
  { ...RAW, workload: 'durable puts, alone, sync', against: SQLITE, limit: 0.9 },
  {
    ...RAW,
    workload: 'durable puts, alone, awaited',
    against: SQLITE,
    theirs: 'durable puts, alone, sync',
    limit: 0.5,
  },
  { ...RAW, workload: `${BEYOND}, sync`, against: CLASSIC, limit: 0.8 },
  { ...SNAPPY, workload: `${BEYOND}, sync`, against: CLASSIC, limit: 0.4 },
  { ...RAW, workload: `${BEYOND}, awaited`, against: CLASSIC, limit: 2 },
  { ...SNAPPY, workload: `${BEYOND}, awaited`, against: CLASSIC, limit: 2 },
  ...[RAW, SNAPPY].map((compression): Floor => ({
    ...compression,
    workload: 'size on disk after compaction',
    figure: SIZE,
    against: CLASSIC,
    limit: 1.05,
    isCeiling: true,
  })),
  { ...RAW, workload: COMPACTION, limit: 200 },
  { ...SNAPPY, workload: COMPACTION, limit: 90 },
  ...[RAW, SNAPPY].flatMap((compression): Floor[] => [
    { ...compression, workload: FOREGROUND, figure: P99, limit: 1, isCeiling: true },
    { ...compression, workload: FOREGROUND, figure: P999, limit: 5, isCeiling: true },
    { ...compression, workload: FOREGROUND, figure: WORST, limit: 50, isCeiling: true },
  ]),
  { ...RAW, workload: BIG, figure: WORST, limit: 100, isCeiling: true },
  {
    ...RAW,
    workload: BIG,
    figure: ['write amplification', extra('write amplification')],
    against: CLASSIC,
    limit: 1.2,
    isCeiling: true,
  },
  {
    ...RAW,
    workload: BIG,
    figure: ['peak RSS beyond budget, MB', extra('MB beyond budget')],
    limit: 150,
    isCeiling: true,
  },
  {
    ...RAW,
    workload: BIG,
    figure: ['ms to open', extra('ms to open')],
    limit: 1000,
    isCeiling: true,
  },
  { ...RAW, workload: 'readrandom, cached, sync', against: [NATIVE], limit: 0.8 },
  { ...RAW, workload: 'readmissing, sync', against: [NATIVE], limit: 1 },
  { ...RAW, workload: 'fillrandom, sync', against: [NATIVE], limit: 0.6 },
  { ...RAW, workload: 'readseq', against: [NATIVE], limit: 0.4 },
];

/** The floors of which both sides were measured. */
export function floorRows(results: Results): FloorRow[] {
  return FLOORS.flatMap((floor) => floorRow(floor, results));
}

function floorRow(floor: Floor, results: Results): FloorRow[] {
  const { workload, compression, limit } = floor;
  const isCeiling = floor.isCeiling === true;
  const ours = results.find(workload, compression, OURS);
  if (ours === undefined) return [];
  const [name, figure] = floor.figure ?? ['ops/s', perSecond];
  let value = medianOf(ours, figure);
  let against = '';
  if (floor.against !== undefined) {
    const theirs = floor.against
      .map((peer) => results.find(floor.theirs ?? workload, compression, peer))
      .filter((cell) => cell !== undefined);
    if (theirs.length === 0) return [];
    const best = theirs.reduce((a, b) => (isBetter(b, a, figure, isCeiling) ? b : a));
    value = ratioOf(ours, best, figure);
    against = best.contestant;
  }
  return [
    {
      name: workload,
      compression,
      figure: name,
      against,
      value,
      limit: `${isCeiling ? '<=' : '>='} ${limit}`,
      isMet: isCeiling ? value <= limit : value >= limit,
    },
  ];
}

function isBetter(a: Cell, b: Cell, figure: Figure, isCeiling: boolean): boolean {
  const [x, y] = [medianOf(a, figure), medianOf(b, figure)];
  return isCeiling ? x < y : x > y;
}
