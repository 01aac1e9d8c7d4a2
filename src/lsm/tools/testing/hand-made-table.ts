/** Tables that no builder writes. For tests. */
import { crc32c, maskCrc } from '../../../bytes/crc32c.ts';
import { Region } from '../../../bytes/region.ts';
import { BlockBuilder } from '../../format/block-builder.ts';
import { internalKey, trailerHigh, trailerLow } from '../../internal-key.ts';
import { bytesOf, writeTable } from '../../testing/table-entries.ts';

/** A table of one block, with right checksums, whose two keys are in the order of another comparator. */
export function descendingTable(): Uint8Array {
  const block = new BlockBuilder(16);
  for (const text of ['c', 'b']) {
    const key = Region.of(text);
    block.add(key, 0, 1, 0, trailerLow(1, 1), trailerHigh(1), key, 0, 0);
  }
  block.finish();
  return assemble(block);
}

/** A table of one data block, by hand: no properties, no filter. */
function assemble(data: BlockBuilder): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  const append = (block: BlockBuilder): [number, number] => {
    const stored = Region.allocate(block.end + 5);
    stored.bytes.set(block.region.bytes.subarray(0, block.end));
    stored.view.setUint32(block.end + 1, maskCrc(crc32c(stored, 0, block.end + 1)), true);
    parts.push(stored.bytes);
    at += block.end + 5;
    return [at - block.end - 5, block.end];
  };
  const [, dataSize] = append(data);
  const names = new BlockBuilder(1);
  names.finish();
  const metaindex = append(names);
  const index = new BlockBuilder(1);
  index.addPlain(internalKey(bytesOf('d'), 1, 1), Uint8Array.of(0, dataSize));
  index.finish();
  const footer = new Uint8Array(48);
  footer.set([...metaindex, ...append(index)]);
  footer.set(writeTable([]).file.contents().slice(-8), 40);
  return new Uint8Array(Buffer.concat([...parts, footer]));
}
