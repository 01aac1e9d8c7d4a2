/** What the disk engine's commands print: lines to standard output, many at a time; complaints to standard error. */
import fs from 'node:fs';
import { LsmError } from '../../lsm/errors.ts';
import { printableText } from '../../lsm/tools/bytes-text.ts';
import { FileError } from '../../os/file-system.ts';

/** Lines gather up to this size before they are written. */
const BUFFER_CHARACTERS = 64 * 1024;

/** Whoever reads our output has seen enough. */
class ReaderGone extends Error {}

export class Lines {
  #text = '';

  write(line: string): void {
    this.#text += `${line}\n`;
    if (this.#text.length >= BUFFER_CHARACTERS) this.flush();
  }

  json(value: unknown): void {
    this.write(JSON.stringify(value));
  }

  /** Blocks until the reader has it. */
  flush(): void {
    const bytes = Buffer.from(this.#text);
    this.#text = '';
    for (let at = 0; at < bytes.length;) {
      try {
        at += fs.writeSync(process.stdout.fd, bytes, at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EPIPE') throw new ReaderGone();
        if (code !== 'EAGAIN') throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
    }
  }
}

/** Runs a command: its lines come out, its errors in words; returns the exit code. */
export async function run(
  name: string,
  command: (lines: Lines) => Promise<number> | number,
): Promise<number> {
  const lines = new Lines();
  try {
    const code = await command(lines);
    lines.flush();
    return code;
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    lines.flush();
    if (!isExpected(error)) throw error;
    complain(name, error.message);
    return 1;
  }
}

export function complain(name: string, message: string): void {
  process.stderr.write(`kvasir ${name}: ${message}\n`);
}

function isExpected(error: unknown): error is Error {
  return error instanceof LsmError || error instanceof FileError || error instanceof RangeError;
}

/** `1,234,567`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `12 entries`, `1 entry`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `512 bytes`, `1.5 KB`, `2.0 GB`, by powers of 1024. */
export function size(bytes: number): string {
  if (bytes < 1024) return counted(bytes, 'byte');
  const unit = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** unit).toFixed(1)} ${['', 'KB', 'MB', 'GB', 'TB'][unit]}`;
}

/** Bytes in JSON: `{ key: "text" }`, or `{ keyHex: "00ff" }` where they cannot be printed. */
export function jsonBytes(name: string, bytes: Uint8Array): Record<string, string> {
  const text = printableText(bytes);
  return text === undefined
    ? { [`${name}Hex`]: Buffer.from(bytes).toString('hex') }
    : { [name]: text };
}

/** Columns side by side, as wide as they must be; those of `right` flush right. */
export function columns(
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
}
