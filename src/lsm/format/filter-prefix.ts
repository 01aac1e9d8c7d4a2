/**
 * Which part of a key, besides all of it, goes into a table's filter: so a scan of keys with one prefix passes over tables that have none of
 * them. Declarative, as it is stored with the table and read in other threads.
 *
 *   bytes 8                          the first eight bytes
 *   through 58                       all up to and with the first byte 58
 *   in 02 bytes 8, in 8081 ...       the same behind these bytes, which other keys of the table need not begin with: for each keyspace its own
 */
import type { Region } from '../../bytes/region.ts';
import { LsmError } from '../errors.ts';

export type KeyPart =
  /** The first so many bytes; shorter keys have no prefix. */
  | { readonly bytes: number }
  /** Up to and with the first byte of this value; keys without it have no prefix. */
  | { readonly through: number };

/** Of keys that begin with certain bytes. */
export interface PlacedKeyPart {
  readonly behind: Uint8Array;
  readonly part: KeyPart;
}

export type FilterPrefix = KeyPart | { readonly places: readonly PlacedKeyPart[] };

const MAX_PREFIX_BYTES = 255;

/** Where the prefix of the key `[start, end)` ends; -1 where it has none. */
export function prefixEnd(region: Region, start: number, end: number, rule: FilterPrefix): number {
  if (!('places' in rule)) return partEnd(region, start, end, rule);
  for (const { behind, part } of rule.places) {
    if (beginsWith(region, start, end, behind)) {
      return partEnd(region, start + behind.length, end, part);
    }
  }
  return -1;
}

function partEnd(region: Region, start: number, end: number, part: KeyPart): number {
  if ('bytes' in part) return end - start < part.bytes ? -1 : start + part.bytes;
  const { bytes } = region;
  for (let at = start; at < end; at++) if (bytes[at] === part.through) return at + 1;
  return -1;
}

function beginsWith({ bytes }: Region, start: number, end: number, with_: Uint8Array): boolean {
  if (end - start < with_.length) return false;
  for (let i = 0; i < with_.length; i++) if (bytes[start + i] !== with_[i]) return false;
  return true;
}

/** The rule as it is stored; nothing for none. */
export function prefixText(rule: FilterPrefix | undefined): string {
  if (rule === undefined) return '';
  if (!('places' in rule)) return partText(rule);
  const places = rule.places.map(({ behind, part }) => {
    return `in ${Buffer.from(behind).toString('hex')} ${partText(part)}`;
  });
  return places.join(', ');
}

/** The part of a rule, or of a place. */
export function partText(part: KeyPart): string {
  return 'bytes' in part ? `bytes ${part.bytes}` : `through ${part.through}`;
}

/** The rule that a text says; undefined for none, and for one that is not known. */
export function parsePrefix(text: string): FilterPrefix | undefined {
  if (!text.startsWith('in ')) return parsePart(text);
  const places: PlacedKeyPart[] = [];
  for (const place of text.split(', ')) {
    const [, hex = '', rest = ''] = /^in ((?:[0-9a-f]{2})+) (.*)$/.exec(place) ?? [];
    const part = parsePart(rest);
    if (part === undefined) return undefined;
    places.push({ behind: Buffer.from(hex, 'hex'), part });
  }
  return { places };
}

/** undefined where it is none. */
export function parsePart(text: string): KeyPart | undefined {
  const [, name, number] = /^(bytes|through) (\d{1,3})$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  const value = Number(number);
  return name === 'bytes' ? { bytes: value } : { through: value };
}

/** Throws LsmError UNSUPPORTED for a rule that cannot be. */
export function checkPrefix(rule: FilterPrefix): void {
  if ('places' in rule) {
    for (const { part } of rule.places) checkPrefix(part);
    return;
  }
  const value = 'bytes' in rule ? rule.bytes : rule.through;
  const least = 'bytes' in rule ? 1 : 0;
  if (Number.isInteger(value) && value >= least && value <= MAX_PREFIX_BYTES) return;
  throw new LsmError('UNSUPPORTED', `the filter prefix ${JSON.stringify(rule)}`);
}
