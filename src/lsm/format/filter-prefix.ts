/**
 * Which part of a key, besides all of it, goes into a table's filter: so a scan of keys with one prefix passes over tables that have none of
 * them. Declarative, as it is stored with the table and read in other threads.
 */
import type { Region } from '../../bytes/region.ts';
import { LsmError } from '../errors.ts';

export type FilterPrefix =
  /** The first so many bytes; shorter keys have no prefix. */
  | { readonly bytes: number }
  /** Up to and with the first byte of this value; keys without it have no prefix. */
  | { readonly through: number };

const MAX_PREFIX_BYTES = 255;

/** Where the prefix of the key `[start, end)` ends; -1 where it has none. */
export function prefixEnd(region: Region, start: number, end: number, rule: FilterPrefix): number {
  if ('bytes' in rule) return end - start < rule.bytes ? -1 : start + rule.bytes;
  const { bytes } = region;
  for (let at = start; at < end; at++) if (bytes[at] === rule.through) return at + 1;
  return -1;
}

/** The rule as it is stored: `bytes 8`, `through 58`, or nothing. */
export function prefixText(rule: FilterPrefix | undefined): string {
  if (rule === undefined) return '';
  return 'bytes' in rule ? `bytes ${rule.bytes}` : `through ${rule.through}`;
}

/** The rule that a text says; undefined for none, and for one that is not known. */
export function parsePrefix(text: string): FilterPrefix | undefined {
  const [, name, number] = /^(bytes|through) (\d{1,3})$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  const value = Number(number);
  return name === 'bytes' ? { bytes: value } : { through: value };
}

/** Throws LsmError UNSUPPORTED for a rule that cannot be. */
export function checkPrefix(rule: FilterPrefix): void {
  const value = 'bytes' in rule ? rule.bytes : rule.through;
  const least = 'bytes' in rule ? 1 : 0;
  if (Number.isInteger(value) && value >= least && value <= MAX_PREFIX_BYTES) return;
  throw new LsmError('UNSUPPORTED', `the filter prefix ${JSON.stringify(rule)}`);
}
