/**
 * LCS: the longest common subsequence of two strings, by dynamic programming.
 *
 * Of the table of lengths only two rows are ever needed to go on; to walk back from its end one bit a cell is enough, which says
 * whether the cell above is longer than the cell to the left. So LCS needs a thirty-second of the memory that Redis's table takes; a table
 * that Redis would refuse is refused nevertheless.
 */
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import { SYNTAX_ERROR, type Context } from '../context.ts';
import { TYPE } from '../types.ts';

/** Bytes of a cell in Redis's table, by which its limit counts. */
const CELL_BYTES = 4;
/** Cells are numbered in 32 bits; a table so large would take Redis 16 GiB. */
const MAX_CELLS = 2 ** 32;

const LCS: CommandSpec = {
  name: 'lcs',
  arity: -3,
  flags: ['readonly'],
  acl: ['string'],
  keys: [keyRange('RO ACCESS', 1, 2)],
  group: 'string',
  since: '7.0.0',
  complexity: 'O(N*M) where N and M are the lengths of the two strings',
  summary: 'Finds the longest common subsequence of two strings.',
  syntax: 'key1:key key2:key [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]',
  handler(c) {
    const first = c.lookupRead(1);
    const second = c.lookupRead(2);
    if (!isStringOrNone(c, first) || !isStringOrNone(c, second)) {
      c.reply.error('ERR The specified keys must contain string values');
      return;
    }
    let isLength = false;
    let isIndex = false;
    let withLengths = false;
    let minLength = 0;
    const request = c.request;
    for (let i = 3; i < request.count; i++) {
      if (request.is(i, 'IDX')) {
        isIndex = true;
      } else if (request.is(i, 'LEN')) {
        isLength = true;
      } else if (request.is(i, 'WITHMATCHLEN')) {
        withLengths = true;
      } else if (request.is(i, 'MINMATCHLEN') && i + 1 < request.count) {
        minLength = c.integer(++i);
        if (minLength !== minLength) return;
      } else {
        c.reply.error(SYNTAX_ERROR);
        return;
      }
    }
    if (isLength && isIndex) {
      c.reply.error('ERR If you want both the length and indexes, please just use IDX.');
      return;
    }
    const cells = (lengthOf(c, first) + 1) * (lengthOf(c, second) + 1);
    if (cells * CELL_BYTES > c.model.settings.number('proto-max-bulk-len')) {
      c.reply.error('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
      return;
    }

    if (cells > MAX_CELLS) {
      c.reply.error('ERR Insufficient memory, failed allocating transient memory for LCS');
      return;
    }

    const a = bytesOf(c, first);
    const b = bytesOf(c, second);
    const above = isLength ? undefined : new Uint8Array(Math.ceil(cells / 8));
    const length = fillTable(a, b, above);
    if (isLength) c.reply.integer(length);
    else if (isIndex) replyMatches(c, matches(a, b, above!), length, minLength, withLengths);
    else c.reply.bulkBytes(subsequence(a, b, above!, length));
  },
};

/** A stretch that both strings have in common: where it starts in each, and its length. */
interface Match {
  a: number;
  b: number;
  length: number;
}

/**
 * The length of the longest common subsequence. `above` gets a bit for each cell (i, j) of a table of (a + 1) * (b + 1): set where
 * cell (i - 1, j) is longer than cell (i, j - 1).
 */
function fillTable(a: Uint8Array, b: Uint8Array, above: Uint8Array | undefined): number {
  const width = b.length + 1;
  let previous = new Uint32Array(width);
  let current = new Uint32Array(width);
  for (let i = 1; i <= a.length; i++) {
    const byte = a[i - 1]!;
    let left = 0;
    for (let j = 1; j < width; j++) {
      const up = previous[j]!;
      if (byte === b[j - 1]) {
        left = previous[j - 1]! + 1;
      } else if (up > left) {
        left = up;
        if (above !== undefined) {
          const cell = i * width + j;
          above[cell >>> 3]! |= 1 << (cell & 7);
        }
      }
      current[j] = left;
    }
    [previous, current] = [current, previous];
  }
  return previous[b.length]!;
}

/** The subsequence itself. */
function subsequence(a: Uint8Array, b: Uint8Array, above: Uint8Array, length: number): Uint8Array {
  const found = new Uint8Array(length);
  for (const match of matches(a, b, above)) {
    length -= match.length;
    found.set(a.subarray(match.a, match.a + match.length), length);
  }
  return found;
}

/** The stretches that make up the subsequence, the last one first, as the walk back through the table meets them. */
function matches(a: Uint8Array, b: Uint8Array, above: Uint8Array): Match[] {
  const found: Match[] = [];
  const width = b.length + 1;
  let i = a.length;
  let j = b.length;
  let open: Match | undefined;
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) {
      i--;
      j--;
      if (open === undefined) found.push((open = { a: i, b: j, length: 0 }));
      open.a = i;
      open.b = j;
      open.length++;
    } else {
      const cell = i * width + j;
      if ((above[cell >>> 3]! & (1 << (cell & 7))) !== 0) i--;
      else j--;
      open = undefined;
    }
  }
  return found;
}

function replyMatches(
  c: Context,
  found: readonly Match[],
  length: number,
  minLength: number,
  withLengths: boolean,
): void {
  const reply = c.reply;
  const long = found.filter((match) => match.length >= minLength);
  reply.map(2);
  reply.bulkText('matches');
  reply.array(long.length);
  for (const match of long) {
    reply.array(withLengths ? 3 : 2);
    reply.array(2);
    reply.integer(match.a);
    reply.integer(match.a + match.length - 1);
    reply.array(2);
    reply.integer(match.b);
    reply.integer(match.b + match.length - 1);
    if (withLengths) reply.integer(match.length);
  }
  reply.bulkText('len');
  reply.integer(length);
}

function isStringOrNone(c: Context, ref: Ref): boolean {
  return ref === 0 || c.engine.type(ref) === TYPE.string;
}

function lengthOf(c: Context, ref: Ref): number {
  return ref === 0 ? 0 : c.engine.valueLength(ref);
}

/** The string's bytes: where they lie, if they lie together; else a copy. */
function bytesOf(c: Context, ref: Ref): Uint8Array {
  if (ref === 0) return new Uint8Array(0);
  const engine = c.engine;
  if (!engine.isValueInline(ref)) return engine.copyValue(ref);
  const start = engine.valueStart(ref);
  return engine.segment(ref).bytes.subarray(start, start + engine.valueLength(ref));
}

export const LCS_COMMANDS: readonly CommandSpec[] = [LCS];
