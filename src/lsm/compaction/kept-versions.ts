/** What a merge keeps, on its way to the output tables. */
import type { Region } from '../../bytes/region.ts';
import { TYPE_DELETION } from '../internal-key.ts';
import type { OutputWriter } from './output-writer.ts';

/** A version, as cursors show one. */
export interface VersionEntry {
  readonly keyRegion: Region;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly sequence: number;
  readonly type: number;
  readonly valueRegion: Region;
  readonly valueStart: number;
  readonly valueEnd: number;
}

export class KeptVersions {
  readonly #output: OutputWriter;
  /** Whether no version of the current user key was written: dropped ones before it do not count. */
  #isNewKey = true;

  constructor(output: OutputWriter) {
    this.#output = output;
  }

  /** The versions of another user key begin. */
  beginKey(): void {
    this.#isNewKey = true;
  }

  add(entry: VersionEntry): void {
    this.#output.add(entry, this.#isNewKey);
    this.#isNewKey = false;
  }

  /** The same version with a value of its own. */
  addValue(entry: VersionEntry, type: number, value: Region, start: number, end: number): void {
    this.add(new OwnVersion(entry, entry.sequence, type, value, start, end));
  }

  /** In place of the version a deletion. */
  addDeletion(entry: VersionEntry): void {
    const { valueRegion, valueStart } = entry;
    this.addValue(entry, TYPE_DELETION, valueRegion, valueStart, valueStart);
  }
}

/** A version that no cursor shows. */
export class OwnVersion implements VersionEntry {
  readonly keyRegion: Region;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly sequence: number;
  readonly type: number;
  readonly valueRegion: Region;
  readonly valueStart: number;
  readonly valueEnd: number;

  constructor(
    key: Pick<VersionEntry, 'keyRegion' | 'keyStart' | 'keyEnd'>,
    sequence: number,
    type: number,
    value: Region,
    valueStart: number,
    valueEnd: number,
  ) {
    this.keyRegion = key.keyRegion;
    this.keyStart = key.keyStart;
    this.keyEnd = key.keyEnd;
    this.sequence = sequence;
    this.type = type;
    this.valueRegion = value;
    this.valueStart = valueStart;
    this.valueEnd = valueEnd;
  }
}
