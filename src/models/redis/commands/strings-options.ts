/** The options that SET and GETEX take behind key and value, parsed to one number: a set of bits, and which argument is the time. */
import type { Request } from '../../../bytes/resp-request.ts';
import { SYNTAX_ERROR, type Context } from '../context.ts';
import { expiryArgument } from './strings-store.ts';

export const OPTION = {
  nx: 1,
  xx: 2,
  get: 4,
  keepttl: 8,
  persist: 16,
  ex: 32,
  px: 64,
  exat: 128,
  pxat: 256,
  /** The four that give a time. */
  expiry: 480,
} as const;

/** What SET and GETEX know beside the options that give a time. */
export const SET_OPTIONS: number = OPTION.nx | OPTION.xx | OPTION.get | OPTION.keepttl;
export const GETEX_OPTIONS: number = OPTION.persist;

/** Of these at most one may be given (the same one may be given again, the last counts). */
const EXCLUSIVE: number = OPTION.expiry | OPTION.keepttl | OPTION.persist;
/** Options take the low bits, the index of the time's argument those above. */
const INDEX_UNIT = 512;

/**
 * Parses the arguments from `first` on. The answer's low bits are OPTIONs (test with `&`); `expiryTime` knows the rest. -1: the syntax
 * error is written.
 */
export function parseStringOptions(c: Context, first: number, known: number): number {
  const request = c.request;
  const last = request.count - 1;
  let options = 0;
  let timeIndex = 0;
  for (let i = first; i <= last; i++) {
    const option = optionAt(request, i);
    const isTime = (option & OPTION.expiry) !== 0;
    if (!isTime && (option & known) === 0) return refuse(c);
    if ((option & EXCLUSIVE) !== 0 && (options & EXCLUSIVE & ~option) !== 0) return refuse(c);
    if (option === OPTION.nx && (options & OPTION.xx) !== 0) return refuse(c);
    if (option === OPTION.xx && (options & OPTION.nx) !== 0) return refuse(c);
    if (isTime) {
      if (i === last) return refuse(c);
      timeIndex = ++i;
    }
    options |= option;
  }
  return options + timeIndex * INDEX_UNIT;
}

/** The time the options give, in ms since the epoch; 0: they give none; NaN: it is no valid one, the error is written. */
export function expiryTime(c: Context, options: number): number {
  if ((options & OPTION.expiry) === 0) return 0;
  const isSeconds = (options & (OPTION.ex | OPTION.exat)) !== 0;
  const isRelative = (options & (OPTION.ex | OPTION.px)) !== 0;
  return expiryArgument(c, Math.floor(options / INDEX_UNIT), isSeconds, isRelative);
}

/** The option that argument `i` names, 0 for none. */
function optionAt(request: Request, i: number): number {
  switch (request.length(i)) {
    case 2:
      if (request.is(i, 'EX')) return OPTION.ex;
      if (request.is(i, 'PX')) return OPTION.px;
      if (request.is(i, 'NX')) return OPTION.nx;
      return request.is(i, 'XX') ? OPTION.xx : 0;
    case 3:
      return request.is(i, 'GET') ? OPTION.get : 0;
    case 4:
      if (request.is(i, 'PXAT')) return OPTION.pxat;
      return request.is(i, 'EXAT') ? OPTION.exat : 0;
    case 7:
      if (request.is(i, 'KEEPTTL')) return OPTION.keepttl;
      return request.is(i, 'PERSIST') ? OPTION.persist : 0;
    default:
      return 0;
  }
}

function refuse(c: Context): number {
  c.reply.error(SYNTAX_ERROR);
  return -1;
}
