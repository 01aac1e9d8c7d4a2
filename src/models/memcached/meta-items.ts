/** md: deletes or invalidates an item; ma: counts. */
import { expiryOf, NEVER, secondsLeft } from './expiry-time.ts';
import { MODE, NO_MEMORY, NON_NUMERIC, STORED } from './items.ts';
import { LETTER } from './meta-flags.ts';
import { metaLineError, takeOwnCas } from './meta-get.ts';
import type { TextContext } from './text-context.ts';
import { NOT_A_NUMBER } from './text-items.ts';
import type { TextCommandSpec } from './text-table.ts';

const BAD_FLAG = 'CLIENT_ERROR invalid or duplicate flag';

/** Reads line and flags; false, with the error said, where they are wrong. */
function readFlags(c: TextContext): boolean {
  const error = metaLineError(c, 'CLIENT_ERROR options flags too long');
  if (error !== undefined) {
    c.fail(error);
    return false;
  }
  const problem = c.flags.read(c.request, 2);
  if (problem === undefined) return true;
  c.fail(problem.includes('opaque') ? problem : BAD_FLAG);
  return false;
}

function code(c: TextContext, text: string): void {
  const { flags, line } = c;
  line.begin(text);
  line.echo(flags, 2);
  line.end();
}

function metaDelete(c: TextContext): void {
  const { flags, items, model, statistics } = c;
  if (!readFlags(c)) return;
  const { region, keyStart, keyEnd } = flags;
  if (model.prefixes.isOn) model.prefixes.delete(region, keyStart, keyEnd);
  const ref = items.find(region, keyStart, keyEnd);
  if (items.ref === 0) {
    statistics.deleteMisses++;
    code(c, 'NF');
    return;
  }
  if (flags.hasCas && (ref === 0 || !items.hasCas(ref, flags.cas.high, flags.cas.low))) {
    statistics.deleteMisses++;
    code(c, 'EX');
    return;
  }
  if (flags.removesValue && !emptyItem(c)) {
    c.fail('SERVER_ERROR out of memory');
    return;
  }
  if (flags.isInvalidation && items.ref !== 0) {
    takeOwnCas(c);
    items.invalidate();
    items.terms.reset();
    if (flags.hasTtl && !flags.removesValue) items.expireAt(expiryOf(flags.exptime, c.now));
  } else {
    statistics.deleteHits++;
    if (!flags.removesValue) items.remove();
  }
  if (!flags.isQuiet) code(c, 'HD');
}

/** Puts an empty value in the item's place, with flags and expiration as the request says, and its CAS unless the request gives one. */
function emptyItem(c: TextContext): boolean {
  const { flags, items } = c;
  const { terms } = items;
  terms.hasOwnCas = true;
  terms.ownHigh = flags.hasOwnCas ? flags.ownCas.high : items.casHigh(items.ref);
  terms.ownLow = flags.hasOwnCas ? flags.ownCas.low : items.casLow(items.ref);
  const expiry = expiryOf(flags.exptime, c.now);
  const outcome = items.store(MODE.set, flags.region, 0, 0, flags.clientFlags, expiry);
  terms.reset();
  return outcome === STORED;
}

/** Whether the letter of `M` says to count up: 1, down: 0, neither: -1. */
function directionOf(letter: number): number {
  switch (letter) {
    case 0:
    case 73: // I
    case 43: // +
      return 1;
    case 68: // D
    case 45: // -
      return 0;
    default:
      return -1;
  }
}

function metaArithmetic(c: TextContext): void {
  const { flags, items, statistics } = c;
  if (!readFlags(c)) return;
  const direction = directionOf(flags.mode);
  if (direction < 0) {
    c.fail('CLIENT_ERROR invalid mode for ma M token');
    return;
  }
  const isIncrement = direction === 1;
  const ref = items.find(flags.region, flags.keyStart, flags.keyEnd);
  if (items.ref === 0) {
    if (flags.vivifies) {
      plant(c);
      return;
    }
    if (isIncrement) statistics.incrementMisses++;
    else statistics.decrementMisses++;
    code(c, 'NF');
    return;
  }
  const hasCas = flags.hasCas && (flags.cas.high !== 0 || flags.cas.low !== 0);
  if (ref === 0) {
    c.fail(NOT_A_NUMBER);
  } else if (hasCas && !items.hasCas(ref, flags.cas.high, flags.cas.low)) {
    code(c, 'EX');
  } else {
    takeOwnCas(c);
    const outcome = items.add(isIncrement, flags.delta.high, flags.delta.low);
    items.terms.reset();
    if (outcome === NON_NUMERIC) c.fail(NOT_A_NUMBER);
    else if (outcome === NO_MEMORY) c.fail('SERVER_ERROR out of memory');
    else answer(c, flags.isQuiet, false);
  }
}

/** Makes an item that holds the initial value. */
function plant(c: TextContext): void {
  const { flags, items } = c;
  items.writeDigits(flags.initial.high, flags.initial.low);
  takeOwnCas(c);
  const expiry = expiryOf(flags.vivifyExptime, c.now);
  const outcome = items.store(MODE.add, items.digits, 0, items.digitCount, 0, expiry);
  items.terms.reset();
  if (outcome !== STORED) c.fail('SERVER_ERROR Out of memory allocating new item');
  else answer(c, false, true);
}

/** Answers with what the flags ask of the item just counted or made, and gives it the expiration that `T` says. */
function answer(c: TextContext, isQuiet: boolean, isCreated: boolean): void {
  const { engine, flags, items, line, now, request, writer } = c;
  const { ref } = items;
  // An item just made gets its time where `N` stands.
  let expiry = isCreated ? NEVER : engine.expiry(ref);
  if (!isQuiet) {
    line.begin(flags.wantsValue ? 'VA' : 'HD');
    if (flags.wantsValue) line.size(items.digitCount);
    for (let i = 2; i < request.count; i++) {
      switch (request.region.bytes[request.start[i]!]) {
        case LETTER.c:
          line.unsigned64(
            LETTER.c,
            ref === 0 ? 0 : items.casHigh(ref),
            ref === 0 ? 0 : items.casLow(ref),
          );
          break;
        case LETTER.t:
          line.number(LETTER.t, expiry === NEVER ? -1 : secondsLeft(expiry, now));
          break;
        case LETTER.T:
          expiry = expiryOf(flags.exptime, now);
          break;
        case LETTER.N:
          if (isCreated) expiry = expiryOf(flags.vivifyExptime, now);
          break;
        case LETTER.O:
          line.word(i);
          break;
        case LETTER.k:
          line.key(flags);
          break;
        default:
      }
    }
    line.end();
    if (flags.wantsValue) {
      writer.raw(items.digits, 0, items.digitCount);
      writer.crlf();
    }
  }
  if (flags.hasTtl && ref !== 0) items.expireAt(expiryOf(flags.exptime, now));
}

export const META_ITEM_COMMANDS: readonly TextCommandSpec[] = [
  {
    name: 'md',
    words: [2, Infinity],
    isWrite: true,
    syntax: 'key [b C(cas) E(cas) I k O(opaque) q T(ttl) x]',
    summary: 'Deletes an item, or marks it as stale (I), or empties it (x).',
    handler: metaDelete,
  },
  {
    name: 'ma',
    words: [2, Infinity],
    isWrite: true,
    syntax:
      'key [b c C(cas) D(delta) E(cas) J(initial) k M(I|+|D|-) N(ttl) O(opaque) q t T(ttl) v]',
    summary: 'Adds to a number or subtracts from it, and makes it where it is missing (N).',
    handler: metaArithmetic,
  },
];
