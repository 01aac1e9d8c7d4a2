/** What was lost, in words: the stretch of the file, and the keys that it may have had. */
import { bytesText, keyParts } from './bytes-text.ts';
import type { Loss } from './salvage-blocks.ts';

/** `000005.ldb, offset 4096, 4101 bytes: checksum ...; keys from "a" to "c"`. */
export function lossText(loss: Loss): string {
  const { file, offset, bytes, reason, entries } = loss;
  const place = bytes === 0 ? file : `${file}, offset ${offset}, ${bytes} bytes`;
  const count = entries === undefined ? '' : `; ${entries} ${entries === 1 ? 'entry' : 'entries'}`;
  return `${place}: ${reason}${lostKeysText(loss)}${count}`;
}

/** Bounds are keys that are there; what is lost may be other versions of them. */
function lostKeysText({ file, after, before, range }: Loss): string {
  if (range !== undefined) return `; keys from ${shown(range.smallest)} to ${shown(range.largest)}`;
  if (after !== undefined && before !== undefined) {
    return `; keys from ${shown(after)} to ${shown(before)}`;
  }
  if (after !== undefined) return `; keys from ${shown(after)} on`;
  if (before !== undefined) return `; keys up to ${shown(before)}`;
  return file.endsWith('.ldb') || file.endsWith('.sst') ? '; all of its keys' : '';
}

function shown(internalKey: Uint8Array): string {
  return bytesText(keyParts(internalKey).userKey);
}
