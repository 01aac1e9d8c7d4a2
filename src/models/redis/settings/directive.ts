/** What a setting is: its name, what values it takes, and what it does here. */

export const INT_MAX: number = 2147483647;
export const INT_MIN: number = -2147483648;
export const UINT_MAX: number = 4294967295;
/** 2^63 - 1, as near as a double comes: values above 2^53 are of no use to any setting. */
export const LONG_MAX: number = 2 ** 63;

/** Lists of words whose form has a check of its own (words.ts). */
export type WordsForm =
  | 'save'
  | 'outputLimits'
  | 'oomScores'
  | 'eventClasses'
  | 'addresses'
  | 'replicaof'
  | 'percentiles';

export type Kind =
  | { type: 'flag'; default: string }
  | { type: 'choice'; default: string; values: readonly string[]; isSeveral: boolean }
  | {
      type: 'number';
      unit: 'integer' | 'memory' | 'memoryOrPercent' | 'octal';
      default: string;
      min: number;
      max: number;
    }
  | { type: 'text'; default: string }
  | { type: 'words'; default: string; form: WordsForm };

export interface Directive {
  name: string;
  /** An older name that still works. */
  alias?: string;
  kind: Kind;
  /** Can't be changed while running. */
  isFixed?: boolean;
  /** Changing it needs enable-protected-configs. */
  isProtected?: boolean;
  /** CONFIG GET with a pattern leaves it out. */
  isHidden?: boolean;
  /** CONFIG SET to the value that it has applies it again: the file behind it may have changed. */
  isVolatile?: boolean;
  /** A password: never logged. */
  isSecret?: boolean;
  /** It is taken, kept and answered, but has no effect here: the reason. */
  accepted?: string;
  /** A value other than the default stops the start, since going on would weaken security, limits or durability: the reason. */
  refused?: string;
  /** Known to Kvasir only: what it is. */
  own?: string;
}

export function flag(value: 'yes' | 'no'): Kind {
  return { type: 'flag', default: value };
}

/** One of `values`, or, where `isSeveral`, some of them separated by blanks. */
export function choice(value: string, values: readonly string[], isSeveral = false): Kind {
  return { type: 'choice', default: value, values, isSeveral };
}

export function number(
  unit: 'integer' | 'memory' | 'memoryOrPercent' | 'octal',
  value: number,
  min: number,
  max: number,
): Kind {
  return {
    type: 'number',
    unit,
    default: unit === 'octal' ? value.toString(8) : String(value),
    min,
    max,
  };
}

export function text(value: string): Kind {
  return { type: 'text', default: value };
}

export function words(value: string, form: WordsForm): Kind {
  return { type: 'words', default: value, form };
}
