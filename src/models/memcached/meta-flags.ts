/**
 * The flags of a meta command: single letters, some with a token behind them, in any order, each once. They are read into fields; what a flag asks to be
 * answered is answered in the order in which the flags came, so handlers go through the words again.
 */
import { decodeBase64 } from '../../bytes/base64.ts';
import { Region } from '../../bytes/region.ts';
import type { Unsigned64 } from '../../bytes/unsigned64.ts';
import { parseSigned, parseUnsigned32, parseUnsigned64 } from './numbers.ts';
import { MAX_KEY_BYTES, MAX_OPAQUE_BYTES } from './options.ts';
import { BAD_FORMAT } from './text-context.ts';
import type { TextRequest } from './text-request.ts';

/** memcached takes this many words. */
export const MAX_META_WORDS = 19;

const BAD_TOKEN = 'CLIENT_ERROR bad token in command line format';
const LONG_OPAQUE = 'CLIENT_ERROR opaque token too long';

/** Letters by their codes. */
export const LETTER = {
  b: 98,
  c: 99,
  f: 102,
  h: 104,
  k: 107,
  l: 108,
  q: 113,
  s: 115,
  t: 116,
  u: 117,
  v: 118,
  x: 120,
  C: 67,
  D: 68,
  E: 69,
  F: 70,
  I: 73,
  J: 74,
  L: 76,
  M: 77,
  N: 78,
  O: 79,
  P: 80,
  R: 82,
  T: 84,
} as const;

export class MetaFlags {
  /** The key: the line's word, or what it says in base64. */
  region: Region;
  keyStart = 0;
  keyEnd = 0;
  isBinaryKey = false;
  isQuiet = false;
  wantsValue = false;
  /** `u`: the read leaves no trace. */
  isSilent = false;
  isInvalidation = false;
  removesValue = false;
  /** `N`: an item is made where there is none, with this expiration. */
  vivifies = false;
  vivifyExptime = 0;
  hasTtl = false;
  exptime = 0;
  hasRecache = false;
  recacheExptime = 0;
  hasCas = false;
  readonly cas: Unsigned64 = { high: 0, low: 0 };
  hasOwnCas = false;
  readonly ownCas: Unsigned64 = { high: 0, low: 0 };
  clientFlags = 0;
  /** The letter of `M`; 0: none. */
  mode = 0;
  readonly delta: Unsigned64 = { high: 0, low: 1 };
  readonly initial: Unsigned64 = { high: 0, low: 0 };
  readonly #decoded: Region = Region.allocate(MAX_KEY_BYTES + 2);
  /** The letters seen, a bit each: capitals in the one, small letters in the other. */
  #capitals = 0;
  #smalls = 0;

  constructor() {
    this.region = this.#decoded;
  }

  /** Reads the flags from word `first` on; an error text, or undefined. */
  read(request: TextRequest, first: number): string | undefined {
    this.#reset(request);
    const { bytes } = request.region;
    let error: string | undefined;
    for (let i = first; i < request.count; i++) {
      const letter = bytes[request.start[i]!]!;
      if (letter >= 127 || !this.#isNew(letter)) return 'CLIENT_ERROR duplicate flag';
      const problem = this.#readFlag(request, i, letter);
      if (problem === UNKNOWN) return 'CLIENT_ERROR invalid flag';
      if (problem !== undefined) error = problem;
    }
    return error;
  }

  #reset(request: TextRequest): void {
    this.region = request.region;
    this.keyStart = request.start[1]!;
    this.keyEnd = request.end[1]!;
    this.isBinaryKey = false;
    this.isQuiet = false;
    this.wantsValue = false;
    this.isSilent = false;
    this.isInvalidation = false;
    this.removesValue = false;
    this.vivifies = false;
    this.hasTtl = false;
    this.exptime = 0;
    this.hasRecache = false;
    this.hasCas = false;
    this.hasOwnCas = false;
    this.clientFlags = 0;
    this.mode = 0;
    this.delta.high = 0;
    this.delta.low = 1;
    this.initial.high = 0;
    this.initial.low = 0;
    this.#capitals = 0;
    this.#smalls = 0;
  }

  /** Whether the letter was not there before. What is no letter counts as seen at its first time only by `#readFlag`. */
  #isNew(letter: number): boolean {
    const bit = 1 << (letter & 31);
    if (letter >= 96) {
      const isNew = (this.#smalls & bit) === 0;
      this.#smalls |= bit;
      return isNew;
    }
    if (letter < 64) return true;
    const isNew = (this.#capitals & bit) === 0;
    this.#capitals |= bit;
    return isNew;
  }

  /** An error text, UNKNOWN, or undefined. */
  #readFlag(request: TextRequest, i: number, letter: number): string | undefined {
    const { bytes } = request.region;
    const start = request.start[i]! + 1;
    const end = request.end[i]!;
    switch (letter) {
      case LETTER.c:
      case LETTER.f:
      case LETTER.h:
      case LETTER.k:
      case LETTER.l:
      case LETTER.s:
      case LETTER.t:
      case LETTER.L:
      case LETTER.P:
        return undefined;
      case LETTER.O:
        return end - start >= MAX_OPAQUE_BYTES ? LONG_OPAQUE : undefined;
      case LETTER.b:
        return this.#decodeKey(request);
      case LETTER.q:
        this.isQuiet = true;
        return undefined;
      case LETTER.u:
        this.isSilent = true;
        return undefined;
      case LETTER.v:
        this.wantsValue = true;
        return undefined;
      case LETTER.x:
        this.removesValue = true;
        return undefined;
      case LETTER.I:
        this.isInvalidation = true;
        return undefined;
      case LETTER.M:
        if (end - start !== 1) return 'CLIENT_ERROR incorrect length for M token';
        this.mode = bytes[start]!;
        return undefined;
      default:
        return this.#readNumber(bytes, start, end, letter);
    }
  }

  #readNumber(bytes: Uint8Array, start: number, end: number, letter: number): string | undefined {
    switch (letter) {
      case LETTER.N:
        this.vivifies = true;
        this.vivifyExptime = parseSigned(bytes, start, end);
        return this.vivifyExptime === this.vivifyExptime ? undefined : BAD_TOKEN;
      case LETTER.T:
        this.hasTtl = true;
        this.exptime = parseSigned(bytes, start, end);
        return this.exptime === this.exptime ? undefined : BAD_TOKEN;
      case LETTER.R:
        this.hasRecache = true;
        this.recacheExptime = parseSigned(bytes, start, end);
        return this.recacheExptime === this.recacheExptime ? undefined : BAD_TOKEN;
      case LETTER.F: {
        const flags = parseUnsigned32(bytes, start, end);
        this.clientFlags = flags | 0;
        return flags === flags ? undefined : BAD_FORMAT;
      }
      case LETTER.C:
        this.hasCas = true;
        return parseUnsigned64(bytes, start, end, this.cas) ? undefined : BAD_TOKEN;
      case LETTER.E:
        this.hasOwnCas = true;
        return parseUnsigned64(bytes, start, end, this.ownCas) ? undefined : BAD_TOKEN;
      case LETTER.J:
        if (parseUnsigned64(bytes, start, end, this.initial)) return undefined;
        return 'CLIENT_ERROR invalid numeric initial value';
      case LETTER.D:
        if (parseUnsigned64(bytes, start, end, this.delta)) return undefined;
        return 'CLIENT_ERROR invalid numeric delta value';
      default:
        return UNKNOWN;
    }
  }

  #decodeKey(request: TextRequest): string | undefined {
    const { bytes } = request.region;
    const start = request.start[1]!;
    const end = request.end[1]!;
    this.isBinaryKey = true;
    this.region = this.#decoded;
    this.keyStart = 0;
    // A key of at most MAX_KEY_BYTES characters has three bytes for each four of them.
    const length = decodeBase64(bytes, start, end, this.#decoded.bytes, 0);
    this.keyEnd = Math.max(0, length);
    return length < 0 ? 'CLIENT_ERROR error decoding key' : undefined;
  }
}

const UNKNOWN = 'unknown';
