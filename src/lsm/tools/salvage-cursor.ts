/**
 * A cursor over what can be read of a table, forward only. It counts what it shows and knows what was lost once it came to the end. An undamaged table
 * it reads like any other, past every cache.
 */
import { Cursor, END, VALID } from '../cursor.ts';
import { LsmError } from '../errors.ts';
import type { BlockHandle } from '../format/footer.ts';
import { PROPERTIES_NAME, RANGE_DELETIONS_NAME, readProperties } from '../format/properties.ts';
import type { TableProperties } from '../format/properties.ts';
import type { RangeDeletion } from '../format/range-deletions.ts';
import { sequenceOf, TRAILER_BYTES, TYPE_RANGE_DELETION, typeOf } from '../internal-key.ts';
import { BlockWalk } from './block-walk.ts';
import { keyParts } from './bytes-text.ts';
import type { RawTable } from './raw-table.ts';
import { type Loss, SalvageBlocks } from './salvage-blocks.ts';
import { TableContents } from './table-contents.ts';

export class SalvageCursor extends Cursor {
  /** Of the entries shown so far, range deletions not among them. */
  readonly contents: TableContents = new TableContents();
  readonly blocks: SalvageBlocks;
  readonly #table: RawTable;
  readonly #walk: BlockWalk = new BlockWalk();

  /** The table's loader must be nobody else's: values lie in it. `name`: the file's, for what is lost. Throws LsmError IO_ERROR. */
  constructor(table: RawTable, name: string) {
    super();
    this.#table = table;
    this.blocks = new SalvageBlocks(table, name);
    this.contents.sizeBytes = table.sizeBytes;
    this.contents.formatLevel = table.footer?.formatLevel ?? 1;
  }

  /** Complete at the END. */
  get losses(): readonly Loss[] {
    return this.blocks.losses;
  }

  /** Once: there is no way back. Throws LsmError UNSUPPORTED, IO_ERROR. */
  override first(): void {
    this.#nextBlock();
  }

  override next(): void {
    if (this.#walk.next()) this.#show();
    else this.#nextBlock();
  }

  override close(): void {
    this.status = END;
  }

  override seek(): void {
    throw forwardOnly();
  }

  override seekForPrevious(): void {
    throw forwardOnly();
  }

  override last(): void {
    throw forwardOnly();
  }

  override previous(): void {
    throw forwardOnly();
  }

  override resume(): void {
    throw forwardOnly();
  }

  #nextBlock(): void {
    const { loader } = this.#table;
    const walk = this.#walk;
    if (!this.blocks.next()) {
      this.status = END;
      this.contents.isWhole = this.blocks.losses.length === 0;
      this.contents.largest = this.blocks.lastKey;
      return;
    }
    walk.open(loader.plain, loader.plainStart, loader.plainEnd);
    walk.next();
    this.#show();
  }

  #show(): void {
    const { key, keyLength, region, valueStart, valueEnd } = this.#walk;
    const { contents } = this;
    const keyEnd = keyLength - TRAILER_BYTES;
    const low = key.view.getUint32(keyEnd, true);
    contents.count(key, keyLength, valueEnd - valueStart);
    if (contents.entries === 1) contents.smallest = this.#walk.keyBytes();
    this.keyRegion = key;
    this.keyEnd = keyEnd;
    this.sequence = sequenceOf(low, key.view.getUint32(keyEnd + 4, true));
    this.type = typeOf(low);
    this.valueRegion = region;
    this.valueStart = valueStart;
    this.valueEnd = valueEnd;
    this.status = VALID;
  }
}

function forwardOnly(): Error {
  return new TypeError('what is salvaged is read once, forward');
}

/** Its properties, undefined where it has none or they cannot be read. */
export function salvageProperties(table: RawTable): TableProperties | undefined {
  return attempt(() => {
    const handle = table.metaBlocks().get(PROPERTIES_NAME);
    return handle && readProperties(table.plainEntries(handle, 'the properties'));
  });
}

/**
 * Its range deletions; undefined where it may have had some that cannot be read. `found`: where a block of them is, if one was found without the
 * metaindex.
 */
export function salvageRangeDeletions(
  table: RawTable,
  found: BlockHandle | undefined,
): RangeDeletion[] | undefined {
  const handle = attempt(() => table.metaBlocks().get(RANGE_DELETIONS_NAME) ?? 'none');
  if (handle === 'none' || table.footer?.formatLevel === 1) return [];
  const place = handle ?? found;
  if (place === undefined) return undefined;
  return attempt(() => {
    const block = table.copyBlock(place);
    const walk = new BlockWalk();
    const ranges: RangeDeletion[] = [];
    walk.open(block, 0, block.bytes.length);
    while (walk.next()) {
      const { userKey, sequence, type } = keyParts(walk.keyBytes());
      if (sequence === undefined || type !== TYPE_RANGE_DELETION) return undefined;
      const end = block.bytes.slice(walk.valueStart, walk.valueEnd);
      ranges.push({ begin: userKey, end, sequence });
    }
    return walk.problem === '' ? ranges : undefined;
  });
}

/** undefined where it is damaged, or the disk does not give it. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof LsmError && error.code !== 'UNSUPPORTED') return undefined;
    throw error;
  }
}
