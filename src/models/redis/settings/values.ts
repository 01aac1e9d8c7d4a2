/** Values of settings: from what was written to the text that is kept (and CONFIG GET prints), with Redis's complaints. */
import type { Kind } from './directive.ts';
import { checkWords } from './words.ts';

/** `{ value }` or `{ error }`, the latter as CONFIG SET and the start report it. */
export type Parsed = { value: string } | { error: string };

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
};

/** Bytes of a memory value (`100`, `64mb`, `1g`; 1k is 1000, 1kb is 1024), or NaN. */
export function parseMemory(text: string): number {
  const match = /^(-?\d+)([a-z]*)$/i.exec(text);
  const unit = match === null ? undefined : UNITS[match[2]!.toLowerCase()];
  return match === null || unit === undefined ? NaN : Number(match[1]) * unit;
}

/** What `args`, the words behind a setting's name, mean to it. */
export function parseValue(kind: Kind, args: readonly string[]): Parsed {
  if (kind.type === 'words') return checkWords(kind.form, args);
  if (kind.type === 'choice' && kind.isSeveral) {
    return parseChoices(
      kind.values,
      args.flatMap((arg) => arg.split(' ')),
    );
  }
  if (args.length !== 1) return { error: 'wrong number of arguments' };
  const text = args[0]!;
  switch (kind.type) {
    case 'flag': {
      const lower = text.toLowerCase();
      return lower === 'yes' || lower === 'no'
        ? { value: lower }
        : { error: "argument must be 'yes' or 'no'" };
    }
    case 'choice':
      return parseChoices(kind.values, [text]);
    case 'number':
      return parseNumber(kind, text);
    default:
      return { value: text };
  }
}

function parseChoices(values: readonly string[], words: readonly string[]): Parsed {
  const chosen: string[] = [];
  for (const word of words) {
    if (!values.includes(word.toLowerCase())) {
      return { error: `argument(s) must be one of the following: ${values.join(', ')}` };
    }
    chosen.push(word.toLowerCase());
  }
  // In the order of the values, as Redis prints them.
  return { value: values.filter((v) => chosen.includes(v)).join(' ') };
}

function parseNumber(kind: Kind & { type: 'number' }, text: string): Parsed {
  if (kind.unit === 'octal') {
    if (!/^[0-7]+$/.test(text)) return { error: "argument couldn't be parsed as an octal number" };
    const value = parseInt(text, 8);
    if (value > kind.max || value < kind.min) {
      return {
        error: `argument must be between ${kind.min.toString(8)} and ${kind.max.toString(8)} inclusive`,
      };
    }
    return { value: value.toString(8) };
  }
  let value: number;
  if (kind.unit === 'integer') {
    if (!/^-?\d+$/.test(text)) return { error: "argument couldn't be parsed into an integer" };
    value = Number(text);
  } else {
    const percent = kind.unit === 'memoryOrPercent' ? /^(\d+)%$/.exec(text) : null;
    if (percent !== null) {
      return Number(percent[1]) <= 100
        ? { value: text }
        : { error: 'percentage argument must be less or equal to 100' };
    }
    value = parseMemory(text);
    if (value !== value || (value < 0 && kind.min >= 0) || text.startsWith('-')) {
      const what = kind.unit === 'memory' ? 'memory' : 'memory or percent';
      return { error: `argument must be a ${what} value` };
    }
  }
  if (value < kind.min || value > kind.max) {
    return {
      error: `argument must be between ${BigInt(kind.min)} and ${bound(kind.max)} inclusive`,
    };
  }
  return { value: BigInt(value).toString() };
}

function bound(max: number): string {
  return max >= 2 ** 63 ? '9223372036854775807' : String(max);
}
