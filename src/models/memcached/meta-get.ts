/** mg: reads an item in any way there is; mn; me. */
import type { Ref } from '../../memory/index.ts';
import { expiryOf, NEVER, secondsLeft } from './expiry-time.ts';
import { MODE, STORED } from './items.ts';
import { LETTER, MAX_META_WORDS } from './meta-flags.ts';
import { BAD_FORMAT, OUT_OF_MEMORY, type TextContext } from './text-context.ts';
import type { TextCommandSpec } from './text-table.ts';

const CAPITAL = { W: 87, X: 88, Z: 90 } as const;

/** What is wrong with the line of a meta command, before its flags are read. */
export function metaLineError(c: TextContext, tooLong: string): string | undefined {
  const { request } = c;
  if (!c.isKey(1)) return BAD_FORMAT;
  return request.count > MAX_META_WORDS || request.rest < request.lineEnd ? tooLong : undefined;
}

function metaGet(c: TextContext): void {
  const { flags, items, request } = c;
  const error =
    metaLineError(c, 'CLIENT_ERROR options flags are too long') ?? flags.read(request, 2);
  if (error !== undefined) {
    c.fail(error);
    return;
  }
  const isWrite = flags.hasTtl || flags.vivifies || flags.hasRecache;
  if (isWrite && c.refuses()) return;
  let ref = items.find(flags.region, flags.keyStart, flags.keyEnd);
  let isCreated = false;
  if (items.ref === 0 && flags.vivifies) {
    if (!vivify(c)) {
      c.fail(OUT_OF_MEMORY);
      return;
    }
    ref = items.ref;
    isCreated = ref !== 0;
  }
  count(c, ref);
  if (ref === 0) miss(c);
  else hit(c, ref, isCreated);
}

/** Makes an empty item, which expires as `N` says. */
function vivify(c: TextContext): boolean {
  const { flags, items } = c;
  takeOwnCas(c);
  const expiry = expiryOf(flags.vivifyExptime, c.now);
  const outcome = items.store(MODE.set, flags.region, 0, 0, 0, expiry);
  items.terms.reset();
  return outcome === STORED;
}

export function takeOwnCas(c: TextContext): void {
  const { flags, items } = c;
  if (!flags.hasOwnCas) return;
  items.terms.hasOwnCas = true;
  items.terms.ownHigh = flags.ownCas.high;
  items.terms.ownLow = flags.ownCas.low;
}

function count(c: TextContext, ref: Ref): void {
  const { flags, model, statistics } = c;
  const { stats } = model.redis;
  if (ref === 0) stats.keyspaceMisses++;
  else stats.keyspaceHits++;
  if (flags.hasTtl) {
    if (ref === 0) statistics.touchMisses++;
    else statistics.touchHits++;
  } else if (ref === 0) {
    statistics.getMisses++;
  } else {
    statistics.getHits++;
  }
  if (model.prefixes.isOn) {
    model.prefixes.get(flags.region, flags.keyStart, flags.keyEnd, ref !== 0);
  }
}

function miss(c: TextContext): void {
  const { flags, line } = c;
  if (flags.isQuiet) return;
  line.begin('EN');
  line.echo(flags, 2);
  line.end();
}

function hit(c: TextContext, ref: Ref, isCreated: boolean): void {
  const { flags, items, line } = c;
  const hasSame = flags.hasCas && items.hasCas(ref, flags.cas.high, flags.cas.low);
  const wantsValue = flags.wantsValue && !hasSame;
  const length = c.engine.valueLength(ref);
  line.begin(wantsValue ? 'VA' : 'HD');
  if (wantsValue) line.size(length);
  const isDue = answerFlags(c, ref, length, isCreated);
  const isWon = items.isWon(ref);
  let wins = isCreated || (isDue && !isWon);
  if (isWon) line.letter(CAPITAL.Z);
  if (items.isStale(ref)) {
    line.letter(CAPITAL.X);
    // Nobody was told to renew it yet: this client is.
    if (!isWon) wins = true;
  }
  if (wins) line.letter(CAPITAL.W);
  line.end();
  if (wantsValue) c.bytesOf(ref, length);
  if (!flags.isSilent) items.use(ref);
  if (wins) items.win();
  if (flags.hasTtl) items.expireAt(c.expiryOf(flags.exptime));
}

/** Writes what the flags ask for; returns whether the item has less time left than `R` says. Flags count in the order in which they stand. */
function answerFlags(c: TextContext, ref: Ref, length: number, isCreated: boolean): boolean {
  const { engine, flags, items, line, now, request } = c;
  // An item just made gets its time where `N` stands.
  let expiry = isCreated ? NEVER : engine.expiry(ref);
  let isDue = false;
  for (let i = 2; i < request.count; i++) {
    switch (request.region.bytes[request.start[i]!]) {
      case LETTER.R:
        if (!isCreated) isDue = expiresBefore(c, expiry);
        break;
      case LETTER.T:
        expiry = expiryOf(flags.exptime, now);
        break;
      case LETTER.N:
        if (isCreated) expiry = expiryOf(flags.vivifyExptime, now);
        break;
      case LETTER.s:
        line.number(LETTER.s, length);
        break;
      case LETTER.t:
        line.number(LETTER.t, expiry === NEVER ? -1 : secondsLeft(expiry, now));
        break;
      case LETTER.c:
        line.unsigned64(LETTER.c, items.casHigh(ref), items.casLow(ref));
        break;
      case LETTER.f:
        line.number(LETTER.f, engine.clientFlags(ref) >>> 0);
        break;
      case LETTER.l:
        line.number(LETTER.l, engine.idleSeconds(ref));
        break;
      case LETTER.h:
        line.number(LETTER.h, engine.isFetched(ref) ? 1 : 0);
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
  return isDue;
}

/** Whether an item with this expiry has less time left than `R` says. */
function expiresBefore(c: TextContext, expiry: number): boolean {
  if (expiry === NEVER) return false;
  const bound = expiryOf(c.flags.recacheExptime, c.now);
  return bound !== NEVER && expiry < bound;
}

function metaDebug(c: TextContext): void {
  const { engine, items, request, statistics } = c;
  const { flags } = c;
  const isBinary = request.count >= 3 && request.is(2, 'b');
  if (!c.isKey(1)) {
    c.say(BAD_FORMAT);
    return;
  }
  // Of all flags only `b` means something here, and it has to be the first.
  const { count: words } = request;
  request.count = isBinary ? 3 : 2;
  const error = flags.read(request, 2);
  request.count = words;
  if (error !== undefined) {
    c.say(BAD_FORMAT);
    return;
  }
  statistics.metaCommands++;
  const ref = items.find(flags.region, flags.keyStart, flags.keyEnd);
  if (ref === 0) {
    c.say('EN');
    return;
  }
  const expiry = engine.expiry(ref);
  const key = request.text(1);
  const cas = (BigInt(items.casHigh(ref) >>> 0) << 32n) | BigInt(items.casLow(ref) >>> 0);
  c.say(
    `ME ${key} exp=${expiry === NEVER ? -1 : secondsLeft(expiry, c.now)} la=${engine.idleSeconds(ref)} ` +
      `cas=${cas} fetch=${engine.isFetched(ref) ? 'yes' : 'no'} cls=${engine.sizeClass(ref) + 1} ` +
      `size=${engine.recordBytes(ref)}`,
  );
}

export const META_GET_COMMANDS: readonly TextCommandSpec[] = [
  {
    name: 'mg',
    words: [2, Infinity],
    syntax: 'key [b c C(cas) E(cas) f h k l N(ttl) O(opaque) q R(ttl) s t T(ttl) u v]',
    summary: 'Answers what the flags ask of an item, and makes or renews it as they say.',
    handler: metaGet,
  },
  {
    name: 'mn',
    words: [1, Infinity],
    isAboutServer: true,
    syntax: '',
    summary: 'Answers MN: all before it was answered.',
    handler: (c) => c.say('MN'),
  },
  {
    name: 'me',
    words: [1, Infinity],
    syntax: 'key [b]',
    summary: 'Answers what is known of an item, for people.',
    handler(c) {
      if (c.request.count < 2) c.say(BAD_FORMAT);
      else metaDebug(c);
    },
  },
];
