/**
 * Reads an RDB file, entry by entry, and hands what it finds to a target. What a value's type needs to be read is in one table
 * (`LOADERS`), so that a further type is a further row; until it has one, meeting it ends the load with its key and type in words.
 */
import type { Region } from '../../../bytes/region.ts';
import type { WindowSource } from '../../../log/file-window.ts';
import { RdbError } from './errors.ts';
import {
  AUX_ITEM,
  AUX_POSITION,
  OPCODE,
  RDB_NEWEST_VERSION,
  RDB_OLDEST_VERSION,
  RDB_TYPE,
  RDB_TYPE_NAMES,
} from './format.ts';
import { RdbInput, WHOLE_STRING_BYTES } from './input.ts';

/** Where a loaded data set goes. Regions are valid during the call only. */
export interface RdbTarget {
  /** Entries that follow are of this database; false where there is none. */
  selectDatabase(id: number): boolean;
  /** So many keys will come, so many of them with an expiry. */
  expect(keys: number, volatile: number): void;
  /** The key of the entry whose value follows by one of the calls below; `expiryMs` -1: none. False where it is there already. */
  key(region: Region, start: number, end: number, expiryMs: number): boolean;
  /** In front of a string's entry: its CAS, client flags and marks, in the words of item-line.ts. */
  item(region: Region, start: number, end: number): void;
  /** A field about the file: who wrote it, when, and what we need to go on. ASCII. */
  field(name: string, value: string): void;
  /** A string, or the beginning of one of `length` bytes that goes on with `append`. */
  string(region: Region, start: number, end: number, length: number): void;
  append(region: Region, start: number, end: number): void;
  /** The file is at its end. */
  end(): void;
}

type Loader = (input: RdbInput, target: RdbTarget) => void;

const PIECE_BYTES = 64 * 1024;
/** A slice of the load: about a millisecond. */
const SLICE_BYTES = 256 * 1024;
const UNKNOWN_KEYS_SHOWN = 64;

/** How a value of each type is read. */
const LOADERS: ReadonlyMap<number, Loader> = new Map([[RDB_TYPE.string, loadString]]);

function loadString(input: RdbInput, target: RdbTarget): void {
  input.stringHead(WHOLE_STRING_BYTES);
  if (!input.isStreamed) {
    target.string(input.region, input.start, input.end, input.end - input.start);
    return;
  }
  const length = input.end;
  for (let done = 0; done < length;) {
    const part = Math.min(PIECE_BYTES, length - done);
    input.piece(part);
    if (done === 0) target.string(input.region, input.start, input.end, length);
    else target.append(input.region, input.start, input.end);
    done += part;
  }
}

export interface RdbSummary {
  /** Offset behind the file's last byte: commands may follow there (a Redis before 7). */
  readonly end: number;
  /** The log position that the file says it stands for. */
  readonly position: number | undefined;
  readonly keys: number;
}

/** Yields between slices, having told `progress` how far it is. `name` is for errors. Throws RdbError, FileError and what the target throws. */
export function* readRdb(
  source: WindowSource,
  sizeBytes: number,
  name: string,
  target: RdbTarget,
  progress: (bytesDone: number) => void,
): Generator<void, RdbSummary> {
  const input = new RdbInput(source, sizeBytes, name);
  const version = readHeader(input);
  let position: number | undefined;
  let keys = 0;
  let database = 0;
  let expiryMs = -1;
  let sliceEnd = SLICE_BYTES;
  target.selectDatabase(0);
  for (;;) {
    if (input.offset >= sliceEnd) {
      progress(input.offset);
      sliceEnd = input.offset + SLICE_BYTES;
      yield;
    }
    const code = input.byte();
    switch (code) {
      case OPCODE.end:
        if (version >= 5 && !input.checksumMatches()) throw input.corrupt('the checksum is wrong');
        target.end();
        return { end: input.offset, position, keys };
      case OPCODE.selectDb:
        database = input.length();
        if (!target.selectDatabase(database)) {
          throw unsupported(
            input,
            `it uses database ${database}: set 'databases' to more than that`,
          );
        }
        break;
      case OPCODE.resizeDb: {
        // Not taken at its word: an entry has three bytes at least.
        const keys = input.length();
        const volatile = input.length();
        const most = Math.floor(input.left / 3);
        target.expect(Math.min(keys, most), Math.min(volatile, most));
        break;
      }
      case OPCODE.expiryMs:
        expiryMs = input.int64();
        break;
      case OPCODE.expirySeconds:
        expiryMs = (input.uint32() | 0) * 1000;
        break;
      case OPCODE.aux: {
        position = readAux(input, target) ?? position;
        break;
      }
      case OPCODE.frequency:
        input.byte();
        break;
      case OPCODE.idle:
        input.length();
        break;
      case OPCODE.slotInfo:
        for (let i = 0; i < 3; i++) input.length();
        break;
      case OPCODE.function:
      case OPCODE.functionPreGa:
        throw unsupported(input, 'cannot load a function library: functions are not supported yet');
      case OPCODE.moduleAux:
        throw unsupported(input, 'cannot load the data of a Redis module');
      default:
        readEntry(input, target, code, database, expiryMs);
        expiryMs = -1;
        keys++;
    }
  }
}

function readHeader(input: RdbInput): number {
  const text = input.ascii(9);
  const match = /^REDIS([0-9]{4})$/.exec(text);
  if (match === null) {
    if (text.startsWith('VALKEY')) throw unsupported(input, 'a file of Valkey 9 or later');
    throw input.corrupt('this is no RDB file');
  }
  const version = Number(match[1]);
  if (version < RDB_OLDEST_VERSION || version > RDB_NEWEST_VERSION) {
    throw unsupported(
      input,
      `RDB version ${version}: versions ${RDB_OLDEST_VERSION} to ${RDB_NEWEST_VERSION} can be loaded`,
    );
  }
  return version;
}

/** Hands a field on; the log position, where it says one. */
function readAux(input: RdbInput, target: RdbTarget): number | undefined {
  input.string();
  if (isItemField(input)) {
    input.string();
    target.item(input.region, input.start, input.end);
    return undefined;
  }
  const name = textOf(input);
  input.string();
  const value = textOf(input);
  if (name !== AUX_POSITION) {
    target.field(name, value);
    return undefined;
  }
  const position = Number(value);
  return Number.isSafeInteger(position) && position >= 0 ? position : undefined;
}

/** Whether the string just read names the field of which there may be one a key: no text is made to find out. */
function isItemField(input: RdbInput): boolean {
  const { bytes } = input.region;
  if (input.end - input.start !== AUX_ITEM.length) return false;
  for (let i = 0; i < AUX_ITEM.length; i++) {
    if (bytes[input.start + i] !== AUX_ITEM.charCodeAt(i)) return false;
  }
  return true;
}

function readEntry(
  input: RdbInput,
  target: RdbTarget,
  type: number,
  database: number,
  expiryMs: number,
): void {
  const loader = LOADERS.get(type);
  const typeName = RDB_TYPE_NAMES[type];
  if (typeName === undefined) throw input.corrupt(`value type ${type} is unknown`);
  input.string();
  if (loader === undefined) {
    throw unsupported(
      input,
      `cannot load ${typeName} ${shownKey(input)} in db ${database}: only strings are supported yet`,
    );
  }
  if (!target.key(input.region, input.start, input.end, expiryMs)) {
    throw input.corrupt(`key ${shownKey(input)} in db ${database} is there twice`);
  }
  loader(input, target);
}

function unsupported(input: RdbInput, text: string): RdbError {
  return new RdbError('RDB_UNSUPPORTED', input.name, input.offset, text);
}

function textOf(input: RdbInput): string {
  const { bytes } = input.region;
  return Buffer.from(
    bytes.buffer,
    bytes.byteOffset + input.start,
    input.end - input.start,
  ).toString('latin1');
}

function shownKey(input: RdbInput): string {
  const text = textOf(input);
  return JSON.stringify(
    text.length <= UNKNOWN_KEYS_SHOWN ? text : `${text.slice(0, UNKNOWN_KEYS_SHOWN)}...`,
  );
}
