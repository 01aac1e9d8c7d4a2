/** What was lost, in words: the stretch of the file, and the keys that it may have had. */
import { keyParts } from './bytes-text.ts';
import { KeyNames } from './key-names.ts';
import type { Loss } from './salvage-blocks.ts';

const NO_KEYSPACES: KeyNames = new KeyNames(undefined);

/** `000005.ldb, offset 4096, 4101 bytes: checksum ...; keys from "a" to "c"`. `names`: of the directory's keyspaces. */
export function lossText(loss: Loss, names: KeyNames = NO_KEYSPACES): string {
  const { file, offset, bytes, reason, entries } = loss;
  const place = bytes === 0 ? file : `${file}, offset ${offset}, ${bytes} bytes`;
  const count = entries === undefined ? '' : `; ${entries} ${entries === 1 ? 'entry' : 'entries'}`;
  return `${place}: ${reason}${lostKeysText(loss, names)}${count}`;
}

/** Bounds are keys that are there; what is lost may be other versions of them. */
function lostKeysText({ file, after, before, range }: Loss, names: KeyNames): string {
  const shown = (internalKey: Uint8Array): string => names.text(keyParts(internalKey).userKey);
  if (range !== undefined) return `; keys from ${shown(range.smallest)} to ${shown(range.largest)}`;
  if (after !== undefined && before !== undefined) {
    return `; keys from ${shown(after)} to ${shown(before)}`;
  }
  if (after !== undefined) return `; keys from ${shown(after)} on`;
  if (before !== undefined) return `; keys up to ${shown(before)}`;
  return file.endsWith('.ldb') || file.endsWith('.sst') ? '; all of its keys' : '';
}
