/**
 * Glob patterns as Redis matches them (KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET): `*` any bytes, `?` any byte, `[abc]` `[a-z]` `[^a]`
 * one of (not of) a class, `\` takes the next byte as it is.
 *
 * One pass with one place to go back to: everything but `*` takes exactly one byte, so only the last `*` has to be tried
 * again, one byte further. Work is bounded by pattern length times text length; no pattern is exponential.
 *
 * Redis's peculiarities are kept: a class that is not closed ends with the pattern; `[a-]` is a range up to `]`; ranges compare
 * signed bytes; an empty text matches the empty pattern only (not `*`).
 */
const STAR = 42;
const QUESTION = 63;
const OPEN = 91;
const BACKSLASH = 92;
const CLOSE = 93;
const CARET = 94;
const DASH = 45;

/** Whether `text` matches `pattern`. */
export function matchGlob(pattern: Uint8Array, text: Uint8Array, ignoreCase = false): boolean {
  return matchGlobIn(pattern, 0, pattern.length, text, 0, text.length, ignoreCase);
}

/** Whether bytes `[start, end)` of `text` match bytes `[patternStart, patternEnd)` of `pattern`. */
export function matchGlobIn(
  pattern: Uint8Array,
  patternStart: number,
  patternEnd: number,
  text: Uint8Array,
  start: number,
  end: number,
  ignoreCase = false,
): boolean {
  if (start === end) return patternStart === patternEnd;
  let p = patternStart;
  let t = start;
  // Behind the last `*`, and where in the text what follows it was tried.
  let retryPattern = -1;
  let retryText = 0;
  while (t < end) {
    let isMatch = false;
    if (p < patternEnd) {
      const c = pattern[p]!;
      if (c === STAR) {
        p++;
        if (p === patternEnd) return true;
        retryPattern = p;
        retryText = t;
        continue;
      }
      if (c === QUESTION) {
        isMatch = true;
        p++;
      } else if (c === OPEN) {
        const found = matchClass(pattern, p + 1, patternEnd, text[t]!, ignoreCase);
        isMatch = found > 0;
        p = isMatch ? found : -found;
      } else {
        if (c === BACKSLASH && p + 1 < patternEnd) p++;
        isMatch = isSame(pattern[p]!, text[t]!, ignoreCase);
        p++;
      }
    }
    if (isMatch) {
      t++;
    } else {
      if (retryPattern < 0) return false;
      p = retryPattern;
      t = ++retryText;
    }
  }
  while (p < patternEnd && pattern[p] === STAR) p++;
  return p === patternEnd;
}

/** Matches `byte` against the class that begins at `p`, behind its `[`. Returns the offset behind the class, negative where it is no match. */
function matchClass(
  pattern: Uint8Array,
  p: number,
  end: number,
  byte: number,
  ignoreCase: boolean,
): number {
  let isMatch = false;
  const isNegated = p < end && pattern[p] === CARET;
  if (isNegated) p++;
  for (; p < end && pattern[p] !== CLOSE; p++) {
    const c = pattern[p]!;
    if (c === BACKSLASH && p + 1 < end) {
      p++;
      if (pattern[p] === byte) isMatch = true;
    } else if (p + 2 < end && pattern[p + 1] === DASH) {
      if (isBetween(c, pattern[p + 2]!, byte, ignoreCase)) isMatch = true;
      p += 2;
    } else if (isSame(c, byte, ignoreCase)) {
      isMatch = true;
    }
  }
  const next = p < end ? p + 1 : end;
  return isMatch === isNegated ? -next : next;
}

function isBetween(from: number, to: number, byte: number, ignoreCase: boolean): boolean {
  let low = signed(from);
  let high = signed(to);
  if (low > high) {
    const swapped = low;
    low = high;
    high = swapped;
  }
  const c = signed(byte);
  return ignoreCase ? lower(c) >= lower(low) && lower(c) <= lower(high) : c >= low && c <= high;
}

function isSame(a: number, b: number, ignoreCase: boolean): boolean {
  return a === b || (ignoreCase && lower(a) === lower(b));
}

function lower(c: number): number {
  return c >= 65 && c <= 90 ? c + 32 : c;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}
