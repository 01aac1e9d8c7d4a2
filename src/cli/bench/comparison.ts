/** Rows that compare Kvasir with a peer: medians of the rounds, a ratio that is the median of the rounds' ratios, and whether it keeps its floor. */
import { formatTable, median } from './table.ts';

/** One line of a report. `floor`: what the ratio must reach (`>=`) or stay under (`<=`). */
export interface Row {
  name: string;
  figure: string;
  peer: string;
  kvasir: string;
  ratio?: number;
  floor?: string;
  isMet?: boolean;
}

/** A load's floors as ratios: throughput at least, CPU and p99 at most. */
export interface LoadFloors {
  readonly name: string;
  readonly throughput: number;
  readonly cpu?: number;
  readonly p99?: number;
}

/** What one round of a load measured. */
export interface LoadResult {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  cpuMicroseconds: number;
  /** How busy the load generator was, 0 to 1: near 1 it is what limits the throughput. */
  clientBusy: number;
}

/** The rows of a load; rounds that belong together stand at the same place of both lists. */
export function compareLoad(
  load: LoadFloors,
  kvasir: readonly LoadResult[],
  peer: readonly LoadResult[],
): Row[] {
  const row = (
    figure: string,
    of: (result: LoadResult) => number,
    show: (value: number) => string,
    floor: { atLeast?: number | undefined; atMost?: number | undefined } = {},
  ): Row => {
    const ratio = median(kvasir.map((result, i) => of(result) / of(peer[i]!)));
    const { atLeast, atMost } = floor;
    return {
      ...{ name: load.name, figure, ratio },
      peer: show(median(peer.map(of))),
      kvasir: show(median(kvasir.map(of))),
      ...(atLeast !== undefined && { floor: `>= ${atLeast}`, isMet: ratio >= atLeast }),
      ...(atMost !== undefined && { floor: `<= ${atMost}`, isMet: ratio <= atMost }),
    };
  };
  const rate = (value: number): string => Math.round(value).toLocaleString('en');
  const ms = (value: number): string => value.toFixed(3);
  const busy = (value: number): string => `${Math.round(value * 100)} %`;
  return [
    row('requests/s', (r) => r.requestsPerSecond, rate, { atLeast: load.throughput }),
    row(
      'CPU us/request',
      (r) => r.cpuMicroseconds,
      (v) => v.toFixed(2),
      { atMost: load.cpu },
    ),
    row('p50 ms', (r) => r.p50Ms, ms),
    row('p99 ms', (r) => r.p99Ms, ms, { atMost: load.p99 }),
    row('load generator busy', (r) => r.clientBusy, busy),
  ];
}

/** The report as a table; `peer`: what the peer is called. */
export function formatComparison(rows: readonly Row[], peer: string): string {
  return formatTable(
    ['what', 'figure', peer, 'Kvasir', 'ratio', 'floor', ''],
    rows.map((row) => [
      ...[row.name, row.figure, row.peer, row.kvasir],
      row.ratio === undefined ? '' : row.ratio.toFixed(2),
      row.floor ?? '',
      row.isMet === undefined ? '' : row.isMet ? 'met' : 'MISSED',
    ]),
  );
}
