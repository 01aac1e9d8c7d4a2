/** ms: stores an item in any way there is. */
import { EXISTS, MODE, NO_MEMORY, NOT_FOUND, NOT_STORED, STORED } from './items.ts';
import { LETTER, MAX_META_WORDS } from './meta-flags.ts';
import { metaLineError, takeOwnCas } from './meta-get.ts';
import { parseSigned } from './numbers.ts';
import { MAX_KEY_BYTES } from './options.ts';
import { BAD_FORMAT, OUT_OF_MEMORY, type TextContext, TOO_LARGE } from './text-context.ts';
import { BLOCK, type TextRequest } from './text-request.ts';
import type { TextCommandSpec } from './text-table.ts';

const MAX_BLOCK_BYTES: number = 2 ** 31 - 3;

/** `ms key bytes flags...`: the block's length, or -1 where the line is not so. */
function readMetaStoreLine(request: TextRequest): number {
  if (request.count < 3 || request.count > MAX_META_WORDS) return -1;
  if (request.length(1) > MAX_KEY_BYTES || request.rest < request.lineEnd) return -1;
  const length = parseSigned(request.region.bytes, request.start[2]!, request.end[2]!);
  return length >= 0 && length <= MAX_BLOCK_BYTES ? length : -1;
}

/** The mode that the letter of `M` names; -1: none. */
function modeOf(letter: number): number {
  switch (letter) {
    case 0:
    case 83: // S
      return MODE.set;
    case 69: // E
      return MODE.add;
    case 65: // A
      return MODE.append;
    case 80: // P
      return MODE.prepend;
    case 82: // R
      return MODE.replace;
    default:
      return -1;
  }
}

function lineError(c: TextContext): string | undefined {
  if (c.request.count < 3) return BAD_FORMAT;
  const error = metaLineError(c, 'CLIENT_ERROR options flags too long');
  if (error !== undefined) return error;
  return c.request.block === BLOCK.none ? BAD_FORMAT : c.flags.read(c.request, 3);
}

function metaStore(c: TextContext): void {
  const { flags, items, request } = c;
  const error = lineError(c);
  if (error !== undefined) {
    c.fail(error);
    return;
  }
  let mode = modeOf(flags.mode);
  if (mode < 0) {
    c.fail('CLIENT_ERROR invalid mode for ms M token');
    return;
  }
  const { region, keyStart, keyEnd } = flags;
  const blockError = c.blockError(keyEnd - keyStart, flags.clientFlags);
  if (blockError !== undefined) {
    c.fail(blockError);
    if (blockError !== TOO_LARGE) return;
    // What can't be replaced must not be served any more.
    items.find(region, keyStart, keyEnd);
    if (items.ref !== 0) items.remove();
    return;
  }
  if (c.model.prefixes.isOn) c.model.prefixes.set(region, keyStart, keyEnd);
  if (flags.hasCas && (mode === MODE.set || mode === MODE.replace)) mode = MODE.cas;
  const isJoin = mode === MODE.append || mode === MODE.prepend;
  const { terms } = items;
  terms.hasCas = flags.hasCas;
  terms.casHigh = flags.cas.high;
  terms.casLow = flags.cas.low;
  terms.acceptsStale = flags.isInvalidation && mode === MODE.cas;
  terms.vivifies = isJoin && flags.vivifies;
  takeOwnCas(c);
  items.find(region, keyStart, keyEnd);
  const exptime = terms.vivifies ? flags.vivifyExptime : flags.exptime;
  const outcome = items.store(
    mode,
    request.region,
    request.valueStart,
    request.valueEnd,
    flags.clientFlags,
    c.expiryOf(exptime),
  );
  terms.reset();
  c.model.watchers.stored(outcome, mode, region, keyStart, keyEnd, request.blockBytes);
  answer(c, outcome);
}

function answer(c: TextContext, outcome: number): void {
  const { engine, flags, items, line, request } = c;
  if (outcome === NO_MEMORY) {
    c.fail(OUT_OF_MEMORY);
    return;
  }
  if (outcome === STORED && flags.isQuiet) return;
  const { ref } = items;
  const isThere = outcome === STORED && ref !== 0;
  line.begin(CODES[outcome]!);
  for (let i = 3; i < request.count; i++) {
    switch (request.region.bytes[request.start[i]!]) {
      case LETTER.O:
        line.word(i);
        break;
      case LETTER.k:
        line.key(flags);
        break;
      case LETTER.c:
        line.unsigned64(
          LETTER.c,
          isThere ? items.casHigh(ref) : 0,
          isThere ? items.casLow(ref) : 0,
        );
        break;
      case LETTER.s:
        line.number(LETTER.s, isThere ? engine.valueLength(ref) : request.blockBytes);
        break;
      default:
    }
  }
  line.end();
}

const CODES: readonly string[] = codes();

function codes(): string[] {
  const texts: string[] = [];
  texts[STORED] = 'HD';
  texts[NOT_STORED] = 'NS';
  texts[EXISTS] = 'EX';
  texts[NOT_FOUND] = 'NF';
  return texts;
}

export const META_STORE_COMMANDS: readonly TextCommandSpec[] = [
  {
    name: 'ms',
    words: [2, Infinity],
    isWrite: true,
    syntax:
      'key bytes [b c C(cas) E(cas) F(flags) I k M(E|A|P|R|S) N(ttl) O(opaque) q s T(ttl)] + data block',
    summary: 'Stores an item as the flags say: set, add, append, prepend, replace, with a CAS.',
    readLine: readMetaStoreLine,
    handler: metaStore,
  },
];
