/**
 * The tables that a job writes: one after the other, each ended between two user keys once it is large enough, or once it overlaps so much of
 * the level below that the next compaction of it would be a large one.
 */
import { compareBytes } from '../../bytes/compare.ts';
import { Region } from '../../bytes/region.ts';
import { TableBuilder } from '../format/table-builder.ts';
import { trailerHigh, trailerLow } from '../internal-key.ts';
import { tableFileName } from '../manifest/file-names.ts';
import type { NewFile } from '../manifest/version-edit.ts';
import { joinPath, type FileSystem, type OpenFile } from '../../os/file-system.ts';
import type { JobRequest, KeyRange } from './job.ts';
import type { VersionEntry } from './kept-versions.ts';
import type { RangeDrops } from './range-drops.ts';

export class OutputWriter {
  readonly outputs: NewFile[] = [];
  bytesWritten = 0;
  entriesWritten = 0;
  readonly #files: FileSystem;
  readonly #request: JobRequest;
  /** Names of all files that were begun. */
  readonly #paths: string[] = [];
  #file: OpenFile | undefined = undefined;
  #builder: TableBuilder | undefined = undefined;
  readonly #below: readonly KeyRange[];
  readonly #belowLargest: readonly Region[];
  #belowAt = 0;
  #overlapBytes = 0;
  /** Range tombstones that go on to the outputs. */
  ranges: RangeDrops | undefined = undefined;

  constructor(files: FileSystem, request: JobRequest) {
    this.#files = files;
    this.#request = request;
    this.#below = request.below[0] ?? [];
    this.#belowLargest = this.#below.map((range) => Region.of(range.largest));
  }

  /** Adds a version, such as a cursor stands on. `isNewKey`: its user key is another than that of the entry before. Throws FileError. */
  add(cursor: VersionEntry, isNewKey: boolean): void {
    if (isNewKey && this.#isFull(cursor)) {
      const { keyRegion, keyStart, keyEnd } = cursor;
      this.ranges?.writeBefore(this.#builder!, keyRegion, keyStart, keyEnd);
      this.#end();
    }
    const builder = (this.#builder ??= this.#begin());
    const { sequence } = cursor;
    builder.add(
      cursor.keyRegion,
      cursor.keyStart,
      cursor.keyEnd,
      trailerLow(sequence, cursor.type),
      trailerHigh(sequence),
      cursor.valueRegion,
      cursor.valueStart,
      cursor.valueEnd,
    );
  }

  /** Ends the last table and makes all names durable. Throws FileError. */
  finish(): void {
    if (this.ranges?.isPending === true) this.#builder ??= this.#begin();
    if (this.#builder !== undefined) this.ranges?.writeRest(this.#builder);
    this.#end();
    // A flush also answers for the name of the log that the next edit will name, which was made before it began.
    const { kind, directory } = this.#request;
    if (this.outputs.length > 0 || kind === 'flush') this.#files.syncDirectory(directory);
  }

  /** Closes and removes everything. What can't be removed stays for the next opening of the database to find. */
  abandon(): void {
    this.#file?.close();
    this.#file = undefined;
    for (const path of this.#paths) {
      try {
        this.#files.unlink(path);
      } catch {
        // It is in no version, which is what makes it rubbish.
      }
    }
  }

  #begin(): TableBuilder {
    const { directory, firstFileNumber, table } = this.#request;
    const number = firstFileNumber + this.outputs.length;
    const path = joinPath(directory, tableFileName(number));
    this.#file = this.#files.open(path, 'replace');
    this.#paths.push(path);
    return new TableBuilder(this.#file, table);
  }

  #end(): void {
    const builder = this.#builder;
    const file = this.#file;
    if (builder === undefined || file === undefined) return;
    const meta = builder.finish();
    file.sync();
    file.close();
    this.#builder = undefined;
    this.#file = undefined;
    const { minSequence, maxSequence, entries, deletions, rangeDeletions, hiddenVersions } = meta;
    const { createdAtSeconds, youngestAtSeconds = createdAtSeconds } = this.#request.table;
    this.outputs.push({
      level: this.#request.outputLevel,
      number: this.#request.firstFileNumber + this.outputs.length,
      sizeBytes: meta.sizeBytes,
      smallest: meta.smallest,
      largest: meta.largest,
      facts: {
        minSequence,
        maxSequence,
        entries,
        deletions,
        rangeDeletions,
        hiddenVersions,
        youngestSeconds: youngestAtSeconds,
        writtenSeconds: createdAtSeconds,
      },
    });
    this.bytesWritten += meta.sizeBytes;
    this.entriesWritten += entries;
    this.#overlapBytes = 0;
  }

  #isFull(cursor: VersionEntry): boolean {
    const { maxOverlapBytes, targetBytes, maxFiles } = this.#request;
    const below = this.#belowLargest;
    while (this.#belowAt < below.length) {
      const largest = below[this.#belowAt]!;
      const { keyRegion, keyStart, keyEnd } = cursor;
      const end = largest.bytes.length;
      if (compareBytes(keyRegion, keyStart, keyEnd, largest, 0, end) <= 0) break;
      // What lies before the first entry of an output it does not overlap.
      if (this.#builder !== undefined) this.#overlapBytes += this.#below[this.#belowAt]!.sizeBytes;
      this.#belowAt++;
    }
    const builder = this.#builder;
    if (builder === undefined || this.outputs.length + 1 >= maxFiles) return false;
    return builder.estimatedBytes >= targetBytes || this.#overlapBytes > maxOverlapBytes;
  }
}
