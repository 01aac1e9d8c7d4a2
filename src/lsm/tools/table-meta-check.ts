/** Checks the range deletions and the properties of a table whose entries were all seen. */
import { Region } from '../../bytes/region.ts';
import { malformed } from '../format/block-loader.ts';
import type { BlockHandle } from '../format/footer.ts';
import { readProperties, type TableProperties } from '../format/properties.ts';
import {
  compareInternalKeys,
  internalKey,
  MAX_SEQUENCE,
  MAX_TRAILER_HIGH,
  TRAILER_BYTES,
  TYPE_RANGE_DELETION,
  typeOf,
} from '../internal-key.ts';
import { BlockWalk } from './block-walk.ts';
import { internalKeyText } from './bytes-text.ts';
import type { TableCheckOptions } from './data-block-check.ts';
import type { RawTable } from './raw-table.ts';
import type { TableContents } from './table-contents.ts';

/** Also counts them, and widens the range of keys by theirs. Throws LsmError where they cannot be read. */
export function checkRangeDeletions(
  table: RawTable,
  handle: BlockHandle,
  contents: TableContents,
  options: TableCheckOptions,
): void {
  const block = table.copyBlock(handle);
  const walk = new BlockWalk();
  walk.open(block, 0, block.bytes.length);
  let previous: Uint8Array | undefined;
  while (walk.next()) {
    const key = walk.keyBytes();
    const keyEnd = key.length - TRAILER_BYTES;
    const { view } = walk.key;
    if (
      keyEnd < 0 ||
      typeOf(view.getUint32(keyEnd, true)) !== TYPE_RANGE_DELETION ||
      view.getUint32(keyEnd + 4, true) > MAX_TRAILER_HIGH
    ) {
      throw malformed(table, handle.offset, 'an entry that is no range deletion');
    }
    if (options.isBytewise && previous !== undefined && compareKeys(previous, key) >= 0) {
      const { report, name } = options;
      const problem = `the range deletion ${internalKeyText(key)} is out of order`;
      report({ file: name, offset: handle.offset, code: 'CORRUPTION', problem });
    }
    previous = key;
    const end = block.bytes.slice(walk.valueStart, walk.valueEnd);
    contents.count(walk.key, walk.keyLength, end.length);
    widen(contents, key, internalKey(end, MAX_SEQUENCE, TYPE_RANGE_DELETION));
  }
  if (walk.problem !== '') {
    throw malformed(table, handle.offset, `the range deletions are malformed: ${walk.problem}`);
  }
}

/** Throws LsmError where they cannot be read. They are compared with the contents only where these were seen whole. */
export function checkProperties(
  table: RawTable,
  handle: BlockHandle,
  contents: TableContents,
  options: TableCheckOptions,
): void {
  const properties = readProperties(table.plainEntries(handle, 'the block of properties'));
  if (properties === undefined) {
    throw malformed(table, handle.offset, 'a property is missing or malformed');
  }
  if (!contents.isWhole) return;
  const { report, name } = options;
  for (const [property, expected, found] of differences(properties, contents)) {
    const problem = `the properties are wrong about ${property}`;
    report({ file: name, offset: handle.offset, code: 'CORRUPTION', problem, expected, found });
  }
}

const NUMBERS = [
  'entries',
  'deletions',
  'merges',
  'rangeDeletions',
  'hiddenVersions',
  'maxSequence',
  'rawKeyBytes',
  'rawValueBytes',
  'dataBlocks',
  'dataBytes',
] as const;

/** What is true and what they say. */
function* differences(
  properties: TableProperties,
  contents: TableContents,
): Generator<[string, string | number, string | number]> {
  for (const name of NUMBERS) {
    if (properties[name] !== contents[name]) yield [name, contents[name], properties[name]];
  }
  const minSequence = contents.entries === 0 ? 0 : contents.minSequence;
  if (properties.minSequence !== minSequence) {
    yield ['minSequence', minSequence, properties.minSequence];
  }
  for (const name of ['smallest', 'largest'] as const) {
    const expected = internalKeyText(contents[name]);
    const found = internalKeyText(properties[name]);
    if (Buffer.compare(contents[name], properties[name]) !== 0) yield [name, expected, found];
  }
}

/** Makes the range of keys include another. */
export function widen(contents: TableContents, smallest: Uint8Array, largest: Uint8Array): void {
  if (contents.smallest.length === 0 || compareKeys(smallest, contents.smallest) < 0) {
    contents.smallest = smallest;
  }
  if (contents.largest.length === 0 || compareKeys(largest, contents.largest) > 0) {
    contents.largest = largest;
  }
}

/** The order of two internal keys. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return compareInternalKeys(Region.of(a), 0, a.length, Region.of(b), 0, b.length);
}
