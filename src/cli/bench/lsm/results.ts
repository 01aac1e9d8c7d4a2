/**
 * What was measured, kept as JSON: a cell is one workload with one compression by one contestant, with all its rounds. A bench of some units
 * replaces their cells and keeps the others, so that a long table can be measured in pieces.
 */
import fs from 'node:fs';
import { median } from '../table.ts';
import type { Compression } from './contestant.ts';
import type { Measurement } from './measure.ts';
import { UNITS } from './units.ts';

export interface Cell {
  readonly group: string;
  readonly workload: string;
  readonly compression: Compression;
  readonly contestant: string;
  readonly build: string;
  /** Day and Node.js version of the measurement. */
  readonly when: string;
  readonly entries: number;
  readonly rounds: Measurement[];
}

export class Results {
  readonly cells: Cell[];

  constructor(cells: readonly Cell[] = []) {
    this.cells = [...cells];
  }

  static read(file: string): Results {
    if (!fs.existsSync(file)) return new Results();
    return new Results((JSON.parse(fs.readFileSync(file, 'utf8')) as { cells: Cell[] }).cells);
  }

  /** The cells of `other` in place of those of the same workload, compression and contestant. */
  replace(other: Results): void {
    const kept = this.cells.filter(
      (cell) => other.find(cell.workload, cell.compression, cell.contestant) === undefined,
    );
    const all = [...kept, ...other.cells];
    // As the units are in their list, whatever was measured last.
    all.sort((a, b) => rank(a) - rank(b) || a.workload.localeCompare(b.workload));
    this.cells.splice(0, this.cells.length, ...all);
  }

  /** The rounds of `other` beside those that are there. */
  append(other: Results): void {
    for (const { rounds, ...cell } of other.cells) {
      for (const measurement of rounds) this.add(cell, measurement);
    }
    this.cells.sort((a, b) => rank(a) - rank(b) || a.workload.localeCompare(b.workload));
  }

  add(cell: Omit<Cell, 'rounds'>, measurement: Measurement): void {
    const found = this.find(cell.workload, cell.compression, cell.contestant);
    if (found === undefined) this.cells.push({ ...cell, rounds: [measurement] });
    else found.rounds.push(measurement);
  }

  find(workload: string, compression: Compression, contestant: string): Cell | undefined {
    return this.cells.find(
      (cell) =>
        cell.workload === workload &&
        cell.compression === compression &&
        cell.contestant === contestant,
    );
  }
}

function rank(cell: Cell): number {
  return UNITS.findIndex((unit) => unit.group === cell.group);
}

/** A figure of a measurement; NaN where it has none. */
export type Figure = (measurement: Measurement) => number;

export const perSecond: Figure = (m) => operationsOf(m) / m.seconds;
export const cpuMicroseconds: Figure = (m) => ((m.cpuSeconds ?? NaN) / operationsOf(m)) * 1e6;
export const peakRssMb: Figure = (m) => (m.peakRssBytes ?? NaN) / 1e6;

/** Some workloads are no operations. */
function operationsOf({ operations }: Measurement): number {
  return operations === 0 ? NaN : operations;
}

export function extra(name: string): Figure {
  return (measurement) => measurement.extra[name] ?? NaN;
}

export function medianOf(cell: Cell | undefined, figure: Figure): number {
  if (cell === undefined) return NaN;
  return median(cell.rounds.map(figure));
}

/** The median of the rounds' ratios, so that it holds when the machine's speed drifts. */
export function ratioOf(ours: Cell, theirs: Cell, figure: Figure): number {
  const rounds = Math.min(ours.rounds.length, theirs.rounds.length);
  return median(
    Array.from({ length: rounds }, (_, i) => figure(ours.rounds[i]!) / figure(theirs.rounds[i]!)),
  );
}
