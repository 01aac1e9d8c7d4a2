/**
 * The x87 extended format, exactly: a sign, a mantissa of 64 bits without a hidden one, an exponent of 15 bits. Redis's INCRBYFLOAT
 * computes in C's `long double`, which on x86-64 is this format, so that 0.1 + 0.2 is 0.3; JavaScript's doubles can't.
 *
 *   value = mantissa * 2^exponent        2^63 <= mantissa < 2^64, or
 *                                        mantissa < 2^63 and exponent = MIN_EXPONENT (subnormal numbers and zero)
 *
 * Every operation is computed exactly with BigInts and rounded once, to nearest, ties to even.
 */
export interface LongDouble {
  readonly isNegative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  /** `mantissa` and `exponent` mean nothing then. */
  readonly isInfinite: boolean;
}

/** The longest text read as a number, in bytes (Redis's MAX_LONG_DOUBLE_CHARS less its final NUL). */
export const LONG_DOUBLE_MAX_CHARS: number = 5 * 1024 - 1;

const MANTISSA_BITS = 64;
const MANTISSA_END = 1n << 64n;
/** Of the last mantissa bit: 16383 - 63 for the largest numbers, -16382 - 63 for the smallest. */
const MAX_EXPONENT = 16320;
const MIN_EXPONENT = -16445;
/** Powers of ten of the leading digit beyond which a number is infinite, or rounds to zero (max 1.2e4932, min 3.6e-4951). */
const MAX_DECIMAL_POSITION = 4934;
const MIN_DECIMAL_POSITION = -4952;
/** The same for powers of two of the leading hexadecimal digit. */
const MAX_BINARY_POSITION = 16390;
const MIN_BINARY_POSITION = -16460;

/** Decimals printed before trailing zeros are cut. */
const PRINTED_DECIMALS = 17n;
const PRINTED_SCALE = 10n ** PRINTED_DECIMALS;

export const ZERO: LongDouble = {
  isNegative: false,
  mantissa: 0n,
  exponent: MIN_EXPONENT,
  isInfinite: false,
};

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * The number that `text` is, as C's strtold reads it and Redis accepts it: decimal (`3.0e3`, `.5`, `5.`), hexadecimal (`0x1.8p1`) or
 * infinite (`inf`, `-Infinity`). Undefined for anything else: blanks, NaN, a number too large or one that rounds to zero without being it.
 */
export function parseLongDouble(text: string): LongDouble | undefined {
  if (text.length === 0 || text.length > LONG_DOUBLE_MAX_CHARS) return undefined;
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return fromDigits(decimal, 10);
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) return fromDigits(hexadecimal, 16);
  const infinite = INFINITE.exec(text);
  return infinite === null ? undefined : infinity(infinite[1] === '-');
}

/** The sum, rounded; infinite where it is too large. NaN (of infinities with different signs) is undefined. */
export function addLongDouble(a: LongDouble, b: LongDouble): LongDouble | undefined {
  if (a.isInfinite || b.isInfinite) {
    if (a.isInfinite && b.isInfinite && a.isNegative !== b.isNegative) return undefined;
    return a.isInfinite ? a : b;
  }
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = shifted(a, exponent) + shifted(b, exponent);
  const isNegative = sum < 0n || (sum === 0n && a.isNegative && b.isNegative);
  return round(isNegative, sum < 0n ? -sum : sum, 1n, exponent);
}

/** The number as Redis prints it: `%.17Lf`, without trailing zeros, a bare point, or the sign of a zero. `value` is finite. */
export function formatLongDouble(value: LongDouble): string {
  let scaled: bigint;
  if (value.exponent >= 0) {
    scaled = (value.mantissa << BigInt(value.exponent)) * PRINTED_SCALE;
  } else {
    const places = BigInt(-value.exponent);
    const exact = value.mantissa * PRINTED_SCALE;
    scaled = roundedQuotient(exact >> places, (exact & ((1n << places) - 1n)) * 2n, 1n << places);
  }
  const digits = scaled.toString().padStart(Number(PRINTED_DECIMALS) + 1, '0');
  const point = digits.length - Number(PRINTED_DECIMALS);
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === 48) end--;
  const text =
    end === point
      ? digits.slice(0, point)
      : `${digits.slice(0, point)}.${digits.slice(point, end)}`;
  return value.isNegative && scaled !== 0n ? `-${text}` : text;
}

function infinity(isNegative: boolean): LongDouble {
  return { isNegative, mantissa: 0n, exponent: 0, isInfinite: true };
}

/** `match`: sign, digits before and behind the point, exponent. */
function fromDigits(match: RegExpExecArray, radix: 10 | 16): LongDouble | undefined {
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match;
  if (whole.length + fraction.length === 0) return undefined;
  const isNegative = sign === '-';
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return { ...ZERO, isNegative };

  const digitBits = radix === 16 ? 4 : 1;
  const exponent = Number(exponentText) - fraction.length * digitBits;
  const leading = exponent + (digits.length - 1) * digitBits;
  // Far out of range: no need for the exact number (whose exponent may have thousands of digits).
  if (leading > (radix === 16 ? MAX_BINARY_POSITION : MAX_DECIMAL_POSITION)) return undefined;
  if (leading < (radix === 16 ? MIN_BINARY_POSITION : MIN_DECIMAL_POSITION)) return undefined;

  let value: LongDouble;
  if (radix === 16) value = round(isNegative, BigInt(`0x${digits}`), 1n, exponent);
  else if (exponent >= 0)
    value = round(isNegative, BigInt(digits) * 10n ** BigInt(exponent), 1n, 0);
  else value = round(isNegative, BigInt(digits), 10n ** BigInt(-exponent), 0);
  return value.isInfinite || value.mantissa === 0n ? undefined : value;
}

/** `value` as a signed multiple of 2^exponent, which is at most its own. */
function shifted(value: LongDouble, exponent: number): bigint {
  const magnitude = value.mantissa << BigInt(value.exponent - exponent);
  return value.isNegative ? -magnitude : magnitude;
}

/** `numerator / denominator * 2^exponent`, rounded to the format. */
function round(
  isNegative: boolean,
  numerator: bigint,
  denominator: bigint,
  exponent: number,
): LongDouble {
  if (numerator === 0n) return { ...ZERO, isNegative };
  // The quotient lies between 2^(n - d - 1) and 2^(n - d + 1): with this shift it has 64 or 65 bits.
  let shift = bitLength(numerator) - bitLength(denominator) - MANTISSA_BITS;
  if (exponent + shift < MIN_EXPONENT) shift = MIN_EXPONENT - exponent;
  let mantissa = scaledQuotient(numerator, denominator, shift);
  while (mantissa >= MANTISSA_END) {
    // 65 bits, or 64 ones that were rounded up: a bit coarser, from the exact quotient, so that it is rounded only once.
    shift++;
    mantissa = scaledQuotient(numerator, denominator, shift);
  }
  const placed = exponent + shift;
  if (placed > MAX_EXPONENT) return infinity(isNegative);
  return { isNegative, mantissa, exponent: placed, isInfinite: false };
}

/** `numerator / denominator / 2^shift`, to nearest, ties to even. */
function scaledQuotient(numerator: bigint, denominator: bigint, shift: number): bigint {
  const n = shift < 0 ? numerator << BigInt(-shift) : numerator;
  const d = shift > 0 ? denominator << BigInt(shift) : denominator;
  const quotient = n / d;
  return roundedQuotient(quotient, (n - quotient * d) * 2n, d);
}

/** `quotient`, one more where the remainder (given doubled) is over half of `divisor`, or just half and `quotient` odd. */
function roundedQuotient(quotient: bigint, twiceRemainder: bigint, divisor: bigint): bigint {
  if (twiceRemainder > divisor) return quotient + 1n;
  return twiceRemainder === divisor && (quotient & 1n) === 1n ? quotient + 1n : quotient;
}

function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0]!, 16)) + 28;
}
