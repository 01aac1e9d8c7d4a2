/**
 * Writes the data set as it was at one moment, in slices, while it goes on changing: the contents of a base file, as RDB or as commands.
 * The engine hands over every record once, either on its walk or just before it is changed (memory/snapshot.ts); a record of each type
 * is written by a row of a table.
 *
 * Records come in no order, so databases alternate; readers do not mind.
 */
import { digitCount, writeInteger } from '../../bytes/integer.ts';
import { copyBytes, Region } from '../../bytes/region.ts';
import { latin1 } from '../../bytes/resp-request.ts';
import { writeHex64 } from '../../bytes/unsigned64.ts';
import type { BaseWriter } from '../../log/base-writer.ts';
import type { BaseProducer } from '../../log/rewrite.ts';
import type { Keyspace, MemoryEngine, Ref } from '../../memory/index.ts';
import type { Database } from './database.ts';
import { ITEM_LINE_BYTES, writeFieldWords, writeItemPrefix } from './item-line.ts';
import { AUX_CAS, AUX_POSITION, RDB_TYPE } from './rdb/format.ts';
import { RdbWriter, type RdbSink } from './rdb/writer.ts';
import { STRING_MARKS, TYPE } from './types.ts';
import { REDIS_VERSION } from './version.ts';

/** A slice ends after this many bytes or records, whichever comes first: about a millisecond. */
const SLICE_BYTES = 128 * 1024;
const SLICE_RECORDS = 512;
const RECORDS_AT_ONCE = 32;
const COPY_BYTES = 64 * 1024;

export interface SnapshotOptions {
  readonly engine: MemoryEngine;
  readonly databases: readonly Database[];
  /** Seconds since the epoch. */
  readonly nowSeconds: () => number;
  /** `rdbcompression`. */
  readonly isCompressing: boolean;
  /** The file is the base of a log, not a dump by itself. */
  readonly isBase: boolean;
}

/** What both formats do alike: the walk, and which database a record is of. */
abstract class Snapshot {
  protected readonly engine: MemoryEngine;
  protected readonly options: SnapshotOptions;
  /** The databases by the keyspace that they had when the snapshot began. */
  protected readonly ids: Map<Keyspace, number> = new Map();
  #isActive = false;

  constructor(options: SnapshotOptions) {
    this.options = options;
    this.engine = options.engine;
  }

  protected begin(): void {
    for (const database of this.options.databases) this.ids.set(database.keys, database.id);
    this.#isActive = true;
    this.engine.startSnapshot(this.save);
  }

  /** Walks on for a slice of what `length` counts; true when all records are written. */
  protected walk(length: () => number): boolean {
    const from = length();
    for (let records = 0; records < SLICE_RECORDS; records += RECORDS_AT_ONCE) {
      if (this.engine.snapshotStep(RECORDS_AT_ONCE)) {
        this.#isActive = false;
        return true;
      }
      if (length() - from >= SLICE_BYTES) break;
    }
    return false;
  }

  abort(): void {
    if (this.#isActive) this.engine.abortSnapshot();
    this.#isActive = false;
  }

  /** Whether the record is saved with a CAS. */
  protected hasItem(keyspace: Keyspace, ref: Ref): boolean {
    if (this.engine.type(ref) !== TYPE.string) return false;
    return keyspace.carriesCas || this.engine.hasCas(ref);
  }

  /** Writes the record's CAS at `at`, and its flags and marks unless they are 0 and `isTerse`; returns the offset behind them. */
  protected itemWords(
    keyspace: Keyspace,
    ref: Ref,
    bytes: Uint8Array,
    at: number,
    isTerse: boolean,
  ): number {
    const { engine } = this;
    const clientFlags = engine.clientFlags(ref);
    const marks = engine.encoding(ref) & STRING_MARKS.all;
    at = writeHex64(bytes, at, keyspace.casHigh(ref), keyspace.casLow(ref));
    if (isTerse && clientFlags === 0 && marks === 0) return at;
    return writeFieldWords(bytes, at, clientFlags, marks);
  }

  protected abstract readonly save: (keyspace: Keyspace, ref: Ref) => void;
}

/** Bytes so far: what a slice is measured by. */
export interface CountingSink extends RdbSink {
  readonly length: number;
}

export class RdbSnapshot extends Snapshot implements BaseProducer {
  readonly format = 'rdb';
  #sink!: CountingSink;
  #writer!: RdbWriter;
  #database = -1;
  readonly #introduced: Set<number> = new Set();
  readonly #words: Region = Region.allocate(ITEM_LINE_BYTES);

  start(sink: BaseWriter | CountingSink, position: number): void {
    const { isBase, isCompressing, nowSeconds } = this.options;
    this.#sink = sink;
    const writer = new RdbWriter(sink, isCompressing);
    this.#writer = writer;
    writer.header();
    writer.aux('redis-ver', REDIS_VERSION);
    writer.aux('redis-bits', '64');
    writer.aux('ctime', String(nowSeconds()));
    writer.aux('used-mem', String(this.engine.usedBytes));
    writer.aux('aof-base', isBase ? '1' : '0');
    if (isBase) writer.aux(AUX_POSITION, String(position));
    const { cas } = this.engine;
    const casEnd = writeHex64(this.#words.bytes, 0, cas.high, cas.low);
    writer.aux(AUX_CAS, latin1(this.#words, 0, casEnd));
    this.begin();
  }

  step(): boolean {
    if (!this.walk(() => this.#sink.length)) return false;
    this.#writer.end();
    return true;
  }

  protected override readonly save = (keyspace: Keyspace, ref: Ref): void => {
    const { engine } = this;
    const writer = this.#writer;
    const id = this.ids.get(keyspace)!;
    if (id !== this.#database) this.#select(id, keyspace);
    if (this.hasItem(keyspace, ref)) {
      writer.item(this.#words, 0, this.itemWords(keyspace, ref, this.#words.bytes, 0, true));
    }
    const expiry = engine.expiry(ref);
    if (expiry >= 0) writer.expiry(expiry);
    switch (engine.type(ref)) {
      case TYPE.string:
        writer.type(RDB_TYPE.string);
        this.#key(ref);
        this.#value(ref);
        break;
      default:
        throw new TypeError('a record of a type that snapshots do not know');
    }
  };

  #select(id: number, keyspace: Keyspace): void {
    this.#database = id;
    if (this.#introduced.has(id)) {
      this.#writer.selectAgain(id);
      return;
    }
    this.#introduced.add(id);
    this.#writer.database(id, keyspace.size, keyspace.volatileCount);
  }

  #key(ref: Ref): void {
    const { engine } = this;
    const length = engine.keyLength(ref);
    if (engine.isKeyInline(ref)) {
      const start = engine.keyStart(ref);
      this.#writer.string(engine.segment(ref), start, start + length);
      return;
    }
    this.#writer.length(length);
    engine.eachKeySpan(ref, this.#span);
  }

  #value(ref: Ref): void {
    const { engine } = this;
    const length = engine.valueLength(ref);
    if (engine.isValueInline(ref)) {
      const start = engine.valueStart(ref);
      this.#writer.string(engine.segment(ref), start, start + length);
      return;
    }
    this.#writer.length(length);
    engine.eachValueSpan(ref, 0, length, this.#span);
  }

  readonly #span = (region: Region, start: number, end: number): void => {
    this.#writer.raw(region, start, end);
  };
}

/** The data set as commands: SELECT and SET, with PXAT where a key expires. */
export class CommandSnapshot extends Snapshot implements BaseProducer {
  readonly format = 'aof';
  #sink!: CountingSink;
  #database = -1;
  /** Lines said numbers of single records: the one that the log goes on with has to follow. */
  #hasItems = false;
  #nextHigh = 0;
  #nextLow = 0;

  start(sink: BaseWriter | CountingSink): void {
    this.#sink = sink;
    this.#nextHigh = this.engine.cas.high;
    this.#nextLow = this.engine.cas.low;
    this.begin();
  }

  step(): boolean {
    if (!this.walk(() => this.#sink.length)) return false;
    if (this.#hasItems) this.#counterLine();
    return true;
  }

  protected override readonly save = (keyspace: Keyspace, ref: Ref): void => {
    const { engine } = this;
    const id = this.ids.get(keyspace)!;
    if (id !== this.#database) {
      this.#database = id;
      this.#header(42, 2);
      this.#word('SELECT');
      this.#word(String(id));
    }
    if (engine.type(ref) !== TYPE.string) {
      throw new TypeError('a record of a type that snapshots do not know');
    }
    if (this.hasItem(keyspace, ref)) {
      this.#hasItems = true;
      this.#sink.reserve(ITEM_LINE_BYTES);
      const at = writeItemPrefix(this.#sink.region.bytes, this.#sink.at);
      this.#sink.at = this.itemWords(keyspace, ref, this.#sink.region.bytes, at, false);
      this.#crlf();
    }
    const expiry = engine.expiry(ref);
    this.#header(42, expiry >= 0 ? 5 : 3);
    this.#word('SET');
    const length = engine.valueLength(ref);
    this.#header(36, engine.keyLength(ref));
    engine.eachKeySpan(ref, this.#span);
    this.#crlf();
    this.#header(36, length);
    engine.eachValueSpan(ref, 0, length, this.#span);
    this.#crlf();
    if (expiry < 0) return;
    this.#word('PXAT');
    this.#word(String(expiry));
  };

  #counterLine(): void {
    const sink = this.#sink;
    sink.reserve(ITEM_LINE_BYTES);
    const at = writeItemPrefix(sink.region.bytes, sink.at);
    sink.at = writeHex64(sink.region.bytes, at, this.#nextHigh, this.#nextLow);
    this.#crlf();
  }

  readonly #span = (region: Region, start: number, end: number): void => {
    const sink = this.#sink;
    while (start < end) {
      const part = Math.min(COPY_BYTES, end - start);
      sink.reserve(part);
      copyBytes(sink.region, sink.at, region, start, part);
      sink.at += part;
      start += part;
    }
  };

  #word(text: string): void {
    this.#header(36, text.length);
    const sink = this.#sink;
    sink.reserve(text.length);
    for (let i = 0; i < text.length; i++) sink.region.bytes[sink.at++] = text.charCodeAt(i);
    this.#crlf();
  }

  #header(mark: number, value: number): void {
    const sink = this.#sink;
    sink.reserve(digitCount(value) + 3);
    const { bytes } = sink.region;
    bytes[sink.at++] = mark;
    sink.at = writeInteger(bytes, sink.at, value);
    bytes[sink.at++] = 13;
    bytes[sink.at++] = 10;
  }

  #crlf(): void {
    const sink = this.#sink;
    sink.reserve(2);
    sink.region.bytes[sink.at++] = 13;
    sink.region.bytes[sink.at++] = 10;
  }
}
