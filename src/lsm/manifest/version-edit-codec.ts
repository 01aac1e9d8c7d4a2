/** Version edits to bytes and back (version-edit.ts has the format). Edits come once a flush or compaction: this is simple rather than fast. */
import { Region } from '../../bytes/region.ts';
import { readVarint, varintEnd, varintLength, writeVarint } from '../../bytes/varint.ts';
import { LsmError } from '../errors.ts';
import { TRAILER_BYTES } from '../internal-key.ts';
import { LEVELS, MAX_FILE_FACTS } from '../limits.ts';
import { VersionEdit, type FileFacts, type NewFile } from './version-edit.ts';

const COMPARATOR = 1;
const LOG_NUMBER = 2;
const NEXT_FILE_NUMBER = 3;
const LAST_SEQUENCE = 4;
const COMPACT_POINTER = 5;
const DELETED_FILE = 6;
const NEW_FILE = 7;
const PREVIOUS_LOG_NUMBER = 9;
const FORMAT_LEVEL = 64;
const FILE_FACTS = 65;

/** Numbers of facts, for good. */
const FACTS: readonly (readonly [number, keyof FileFacts])[] = [
  [1, 'minSequence'],
  [2, 'maxSequence'],
  [3, 'youngestSeconds'],
  [4, 'entries'],
  [5, 'deletions'],
  [6, 'rangeDeletions'],
  [7, 'writtenSeconds'],
  [8, 'hiddenVersions'],
];

/** The edit's bytes, in LevelDB's order of fields. */
export function encodeVersionEdit(edit: VersionEdit): Region {
  const out = new Output();
  if (edit.formatLevel !== undefined) out.numbers(FORMAT_LEVEL, edit.formatLevel);
  if (edit.comparator !== undefined) {
    out.numbers(COMPARATOR);
    out.bytes(Buffer.from(edit.comparator, 'utf8'));
  }
  if (edit.logNumber !== undefined) out.numbers(LOG_NUMBER, edit.logNumber);
  if (edit.previousLogNumber !== undefined) {
    out.numbers(PREVIOUS_LOG_NUMBER, edit.previousLogNumber);
  }
  if (edit.nextFileNumber !== undefined) out.numbers(NEXT_FILE_NUMBER, edit.nextFileNumber);
  if (edit.lastSequence !== undefined) out.numbers(LAST_SEQUENCE, edit.lastSequence);
  for (const { level, key } of edit.compactPointers) {
    out.numbers(COMPACT_POINTER, level);
    out.bytes(key);
  }
  for (const { level, number } of edit.deletedFiles) out.numbers(DELETED_FILE, level, number);
  for (const file of edit.newFiles) {
    out.numbers(NEW_FILE, file.level, file.number, file.sizeBytes);
    out.bytes(file.smallest);
    out.bytes(file.largest);
    if (file.facts !== undefined) writeFacts(out, file.number, file.facts);
  }
  return out.finish();
}

function writeFacts(out: Output, number: number, facts: FileFacts): void {
  const known = FACTS.filter(([, name]) => facts[name] !== undefined);
  out.numbers(FILE_FACTS, number, known.length);
  for (const [fact, name] of known) out.numbers(fact, facts[name]!);
}

/**
 * The edit in `[start, end)`, a record at `offset` of the manifest `path`. Throws LsmError: CORRUPTION, or UNSUPPORTED for a tag that is not
 * known and numbers beyond 2^53 - 1.
 */
export function decodeVersionEdit(
  region: Region,
  start: number,
  end: number,
  path: string,
  offset: number,
): VersionEdit {
  const edit = new VersionEdit();
  const input = new Input(region, start, end, path, offset);
  while (input.hasMore) decodeField(input, edit);
  return edit;
}

function decodeField(input: Input, edit: VersionEdit): void {
  const tag = input.number('a tag');
  switch (tag) {
    case COMPARATOR:
      edit.comparator = Buffer.from(input.bytes('the comparator')).toString('utf8');
      return;
    case LOG_NUMBER:
      edit.logNumber = input.number('the log number');
      return;
    case PREVIOUS_LOG_NUMBER:
      edit.previousLogNumber = input.number('the previous log number');
      return;
    case NEXT_FILE_NUMBER:
      edit.nextFileNumber = input.number('the next file number');
      return;
    case LAST_SEQUENCE:
      edit.lastSequence = input.number('the last sequence');
      return;
    case COMPACT_POINTER:
      edit.compactPointers.push({ level: input.level(), key: input.internalKey('a pointer') });
      return;
    case DELETED_FILE:
      edit.deletedFiles.push({ level: input.level(), number: input.number('a deleted file') });
      return;
    case NEW_FILE:
      edit.newFiles.push({
        level: input.level(),
        number: input.number('a file number'),
        sizeBytes: input.number('a file size'),
        smallest: input.internalKey('the smallest key'),
        largest: input.internalKey('the largest key'),
      });
      return;
    case FORMAT_LEVEL:
      edit.formatLevel = input.number('the format level');
      return;
    case FILE_FACTS:
      decodeFacts(input, edit);
      return;
    default:
      throw input.error('UNSUPPORTED', `a field of the unknown tag ${tag}`);
  }
}

function decodeFacts(input: Input, edit: VersionEdit): void {
  const number = input.number('a file number');
  const count = input.number('a count of facts');
  if (count > MAX_FILE_FACTS) throw input.error('CORRUPTION', `${count} facts of a file`);
  const facts: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const fact = input.number('a fact');
    const value = input.number('the value of a fact');
    const known = FACTS.find(([id]) => id === fact);
    if (known !== undefined) facts[known[1]] = value;
  }
  const last = edit.newFiles.at(-1);
  if (last?.number !== number) throw input.error('CORRUPTION', `facts of no new file ${number}`);
  edit.newFiles[edit.newFiles.length - 1] = { ...last, facts } satisfies NewFile;
}

class Output {
  #region: Region = Region.allocate(256);
  #at = 0;

  numbers(...values: number[]): void {
    for (const value of values) {
      this.#room(varintLength(value));
      this.#at = writeVarint(this.#region.bytes, this.#at, value);
    }
  }

  bytes(bytes: Uint8Array): void {
    this.numbers(bytes.length);
    this.#room(bytes.length);
    this.#region.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  finish(): Region {
    return new Region(this.#region.bytes.buffer, 0, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#region.bytes.length) return;
    const region = Region.allocate((this.#at + bytes) * 2);
    region.bytes.set(this.#region.bytes.subarray(0, this.#at));
    this.#region = region;
  }
}

class Input {
  readonly #region: Region;
  readonly #end: number;
  readonly #path: string;
  readonly #offset: number;
  #at: number;

  constructor(region: Region, start: number, end: number, path: string, offset: number) {
    this.#region = region;
    this.#at = start;
    this.#end = end;
    this.#path = path;
    this.#offset = offset;
  }

  get hasMore(): boolean {
    return this.#at < this.#end;
  }

  number(what: string): number {
    const { bytes } = this.#region;
    const value = readVarint(bytes, this.#at, this.#end);
    if (value < 0) throw this.#notANumber(what);
    this.#at = varintEnd(bytes, this.#at);
    return value;
  }

  bytes(what: string): Uint8Array {
    const length = this.number(`the length of ${what}`);
    if (length > this.#end - this.#at) {
      throw this.error('CORRUPTION', `${what} goes beyond its edit`);
    }
    const bytes = this.#region.bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  internalKey(what: string): Uint8Array {
    const key = this.bytes(what);
    if (key.length >= TRAILER_BYTES) return key;
    throw this.error('CORRUPTION', `${what} is no internal key: it has ${key.length} bytes`);
  }

  level(): number {
    const level = this.number('a level');
    if (level < LEVELS) return level;
    throw this.error('CORRUPTION', `level ${level} of ${LEVELS}`);
  }

  error(code: 'CORRUPTION' | 'UNSUPPORTED', problem: string): LsmError {
    return new LsmError(code, problem, { path: this.#path, offset: this.#offset });
  }

  /** A varint that is whole, of 64 bits, but too large for a double is unsupported; anything else is damage. */
  #notANumber(what: string): LsmError {
    const { bytes } = this.#region;
    const limit = Math.min(this.#end, this.#at + 10);
    for (let at = this.#at; at < limit; at++) {
      if (bytes[at]! < 128) return this.error('UNSUPPORTED', `${what} is above 2^53 - 1`);
    }
    return this.error('CORRUPTION', `${what} goes beyond its edit`);
  }
}
