/**
 * What OBJECT ENCODING says of a string. Kvasir keeps every string as its text, so the answer is derived: Redis holds the canonical
 * text of a 64-bit integer as the integer, up to 44 bytes in one block with the object's head, and anything longer by itself.
 */
import { parseInteger } from '../../bytes/integer.ts';
import type { MemoryEngine, Ref } from '../../memory/index.ts';
import { STRING_ENCODING, STRING_MARKS } from './types.ts';

/** Redis's OBJ_ENCODING_EMBSTR_SIZE_LIMIT: object head, string head and this many bytes fill 64. */
const EMBEDDED_MAX_BYTES = 44;
/** Sign and 19 digits. */
export const INTEGER_MAX_CHARS = 20;

export type StringEncodingName = 'int' | 'embstr' | 'raw';

export function stringEncodingName(engine: MemoryEngine, ref: Ref): StringEncodingName {
  const encoding = engine.encoding(ref) & ~STRING_MARKS.all;
  const length = engine.valueLength(ref);
  if (encoding === STRING_ENCODING.raw || length > EMBEDDED_MAX_BYTES) return 'raw';
  if (encoding === STRING_ENCODING.text || length > INTEGER_MAX_CHARS) return 'embstr';
  const start = engine.valueStart(ref);
  const value = parseInteger(engine.segment(ref).bytes, start, start + length);
  return value === value ? 'int' : 'embstr';
}
