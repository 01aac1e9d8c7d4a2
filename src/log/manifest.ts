/**
 * The manifest: which files make up the log, in Redis 7's format. One line a file,
 *
 *   file appendonly.aof.2.base.rdb seq 2 type b
 *   file appendonly.aof.1.incr.aof seq 1 type h
 *   file appendonly.aof.2.incr.aof seq 2 type i
 *
 * types: b base (one at most), h history (to be deleted), i incremental (in the order of their sequence numbers, which grow). Keys that are
 * not known (Redis 8 adds startoffset and endoffset) are read over; lines that begin with # are comments. Names with unusual bytes are
 * quoted as redis-cli quotes them.
 */
import { splitInline } from '../bytes/inline-arguments.ts';
import { Region } from '../bytes/region.ts';
import { latin1, Request } from '../bytes/resp-request.ts';
import { MANIFEST_LINE_BYTES } from './limits.ts';
import { CorruptLogError } from './log-error.ts';

export interface ManifestEntry {
  readonly name: string;
  readonly sequence: number;
}

export interface Manifest {
  readonly base: ManifestEntry | undefined;
  readonly history: readonly ManifestEntry[];
  readonly incremental: readonly ManifestEntry[];
}

export const EMPTY_MANIFEST: Manifest = { base: undefined, history: [], incremental: [] };

/** Sequence numbers that the next files get. */
export function nextBaseSequence(manifest: Manifest): number {
  const old = manifest.history.filter((entry) => entry.name.includes('.base.'));
  return 1 + highest(manifest.base === undefined ? old : [manifest.base, ...old]);
}

export function nextIncrementalSequence(manifest: Manifest): number {
  const old = manifest.history.filter((entry) => entry.name.includes('.incr.'));
  return 1 + highest([...manifest.incremental, ...old]);
}

function highest(entries: readonly ManifestEntry[]): number {
  return entries.reduce((sum, entry) => Math.max(sum, entry.sequence), 0);
}

const ADVICE =
  'Repair the manifest by hand (one line a file: file NAME seq NUMBER type b|h|i), or restore the directory from a backup.';

/** `path` is for errors. Throws CorruptLogError. */
export function parseManifest(bytes: Uint8Array, path: string): Manifest {
  const region = Region.of(bytes);
  const request = new Request();
  const entries = {
    base: undefined as ManifestEntry | undefined,
    history: [],
    incremental: [],
  } as {
    base: ManifestEntry | undefined;
    history: ManifestEntry[];
    incremental: ManifestEntry[];
  };
  if (bytes.length === 0) throw new CorruptLogError(path, 0, 'the manifest is empty', ADVICE);
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    const fail = (problem: string): CorruptLogError =>
      new CorruptLogError(path, at, problem, ADVICE);
    if (bytes[at] !== 35) {
      if (newline < 0 || end - at >= MANIFEST_LINE_BYTES) throw fail('a line is too long');
      addLine(region, at, end, request, entries, fail);
    }
    at = end + 1;
  }
  return entries;
}

function addLine(
  region: Region,
  at: number,
  end: number,
  request: Request,
  entries: {
    base: ManifestEntry | undefined;
    history: ManifestEntry[];
    incremental: ManifestEntry[];
  },
  fail: (problem: string) => CorruptLogError,
): void {
  const count = splitInline(region, at, end, request);
  if (count < 6 || count % 2 !== 0)
    throw fail('a line is not made of pairs like file, seq and type');
  let name = '';
  let sequence = 0;
  let type = '';
  for (let i = 0; i < count; i += 2) {
    const key = latin1(region, request.start[i]!, request.end[i]!).toLowerCase();
    const value = Buffer.from(region.bytes.slice(request.start[i + 1], request.end[i + 1]));
    if (key === 'file') name = value.toString('utf8');
    else if (key === 'seq') sequence = Number.parseInt(value.toString('latin1'), 10);
    else if (key === 'type') type = value.toString('latin1').slice(0, 1);
  }
  if (name === '' || type === '' || !(sequence > 0)) throw fail('a line lacks file, seq or type');
  if (/[/\\]/.test(name)) throw fail(`the file name ${name} is a path`);
  const entry = { name, sequence };
  if (type === 'b') {
    if (entries.base !== undefined) throw fail('there are two base files');
    entries.base = entry;
  } else if (type === 'h') {
    entries.history.push(entry);
  } else if (type === 'i') {
    const last = entries.incremental.at(-1);
    if (last !== undefined && sequence <= last.sequence) {
      throw fail('the sequence numbers of the incremental files do not grow');
    }
    entries.incremental.push(entry);
  } else throw fail(`the file type ${type} is unknown`);
}

export function formatManifest(manifest: Manifest): Uint8Array {
  const lines: string[] = [];
  if (manifest.base !== undefined) lines.push(formatLine(manifest.base, 'b'));
  for (const entry of manifest.history) lines.push(formatLine(entry, 'h'));
  for (const entry of manifest.incremental) lines.push(formatLine(entry, 'i'));
  return Buffer.from(lines.join(''), 'latin1');
}

function formatLine(entry: ManifestEntry, type: string): string {
  return `file ${quoted(entry.name)} seq ${entry.sequence} type ${type}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

/** The name's bytes as text, quoted where Redis would. */
function quoted(name: string): string {
  const text = Buffer.from(name, 'utf8').toString('latin1');
  if (/^[!#-&(-[\]-~]+$/.test(text)) return text;
  const body = text.replace(
    /[^ !#-[\]-~]/g,
    (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${body}"`;
}
