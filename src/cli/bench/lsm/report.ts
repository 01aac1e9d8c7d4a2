/** The results as Markdown: throughput, CPU, latencies, sizes, and the floors. */
import { formatTable } from '../table.ts';
import type { Compression } from './contestant.ts';
import { NATIVE, OURS, PEER_NAMES } from './contestants.ts';
import { type FloorRow, floorRows } from './floors.ts';
import {
  cpuMicroseconds,
  type Figure,
  medianOf,
  peakRssMb,
  perSecond,
  type Results,
} from './results.ts';

const ORDER: readonly string[] = [OURS, ...PEER_NAMES, NATIVE];

export function report(results: Results): string {
  const floors = floorRows(results);
  const parts = [
    '## Floors',
    formatTable(
      ['workload', 'blocks', 'figure', 'against', 'value', 'floor', ''],
      floors.map(floorCells),
    ),
    '## Operations a second',
    figureTable(results, perSecond, (value) => Math.round(value).toLocaleString('en')),
    '## CPU microseconds an operation, background work included',
    figureTable(results, cpuMicroseconds, (value) => significant(value)),
    '## Latency, milliseconds: p50 / p99 / p99.9 / worst',
    latencyTable(results),
    '## Peak memory of the process, MB, benchmark included',
    figureTable(results, peakRssMb, (value) => value.toFixed(0)),
    '## Other figures',
    extraTable(results),
    '## Who took part',
    builds(results),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

export function missedFloors(results: Results): FloorRow[] {
  return floorRows(results).filter((row) => !row.isMet);
}

function floorCells(row: FloorRow): string[] {
  const value = row.against === '' ? significant(row.value) : row.value.toFixed(2);
  const mark = row.isMet ? 'met' : 'MISSED';
  return [row.name, row.compression, row.figure, row.against, value, row.limit, mark];
}

interface Line {
  readonly workload: string;
  readonly compression: Compression;
}

/** Workloads in the order of their first measurement. */
function lines(results: Results): Line[] {
  const seen = new Map<string, Line>();
  for (const { workload, compression } of results.cells) {
    const key = `${workload}\0${compression}`;
    if (!seen.has(key)) seen.set(key, { workload, compression });
  }
  return [...seen.values()];
}

function contestants(results: Results): string[] {
  return ORDER.filter((name) => results.cells.some((cell) => cell.contestant === name));
}

function figureTable(results: Results, figure: Figure, show: (value: number) => string): string {
  const names = contestants(results);
  const rows = lines(results).map(({ workload, compression }) => [
    workload,
    compression,
    ...names.map((name) => {
      const value = medianOf(results.find(workload, compression, name), figure);
      return Number.isNaN(value) ? '' : show(value);
    }),
  ]);
  return formatTable(
    ['workload', 'blocks', ...names],
    rows.filter((row) => row.slice(2).some((cell) => cell !== '')),
  );
}

function latencyTable(results: Results): string {
  const names = contestants(results);
  const rows = lines(results).map(({ workload, compression }) => [
    workload,
    compression,
    ...names.map((name) => {
      const cell = results.find(workload, compression, name);
      if (cell?.rounds[0]!.latency === undefined) return '';
      const figures: Figure[] = [
        (m) => m.latency!.p50Ms,
        (m) => m.latency!.p99Ms,
        (m) => m.latency!.p999Ms,
        (m) => m.latency!.maxMs,
      ];
      return figures.map((figure) => significant(medianOf(cell, figure))).join(' / ');
    }),
  ]);
  return formatTable(
    ['workload', 'blocks', ...names],
    rows.filter((row) => row.slice(2).some((cell) => cell !== '')),
  );
}

function extraTable(results: Results): string {
  const names = contestants(results);
  const rows = lines(results).flatMap(({ workload, compression }) => {
    const figures = new Set(
      names.flatMap((name) =>
        Object.keys(results.find(workload, compression, name)?.rounds[0]!.extra ?? {}),
      ),
    );
    return [...figures].map((figure) => [
      workload,
      compression,
      figure,
      ...names.map((name) => {
        const cell = results.find(workload, compression, name);
        const value = medianOf(cell, (m) => m.extra[figure] ?? NaN);
        return Number.isNaN(value) ? '' : significant(value);
      }),
    ]);
  });
  return rows.length === 0 ? '' : formatTable(['workload', 'blocks', 'figure', ...names], rows);
}

function builds(results: Results): string {
  const seen = new Map<string, string>();
  for (const { contestant, build, when } of results.cells) {
    seen.set(contestant, `${build}, ${when}`);
  }
  return ORDER.filter((name) => seen.has(name))
    .map((name) => `- ${seen.get(name)}`)
    .join('\n');
}

/** Three significant digits, thousands in groups. */
function significant(value: number): string {
  if (Number.isNaN(value)) return '';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return Number(value.toPrecision(3)).toString();
}
