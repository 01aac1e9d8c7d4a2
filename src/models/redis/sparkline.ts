/** A series of numbers drawn in characters, as LATENCY GRAPH shows it: columns of `_`, `o`, `#` on bars, labels written downwards below. */
const TOPS = ['_', 'o', '#'];

export interface SparklineSample {
  readonly value: number;
  readonly label: string;
}

/** Draws `samples` in charts of at most `columns` columns and `rows` rows, one below the other. */
export function drawSparkline(
  samples: readonly SparklineSample[],
  columns: number,
  rows: number,
): string {
  const values = samples.map((sample) => sample.value);
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  const steps = TOPS.length * rows;
  const charts: string[] = [];
  for (let from = 0; from < samples.length; from += columns) {
    const part = samples.slice(from, from + columns);
    const heights = part.map(({ value }) =>
      Math.min(steps - 1, Math.trunc(((value - low) * steps) / range)),
    );
    const lines: string[] = [];
    for (let row = rows - 1; row >= 0; row--) {
      lines.push(heights.map((height) => cell(height - row * TOPS.length)).join(''));
    }
    lines.push(' '.repeat(part.length));
    const labelHeight = Math.max(...part.map(({ label }) => label.length));
    for (let i = 0; i < labelHeight; i++) {
      lines.push(part.map(({ label }) => label[i] ?? ' ').join(''));
    }
    charts.push(lines.map((line) => `${line}\n`).join(''));
  }
  return charts.join('\n');
}

/** The character of a row that begins `above` steps below the sample's height. */
function cell(above: number): string {
  if (above < 0) return ' ';
  return TOPS[above] ?? '|';
}
