/**
 * The compaction style of a directory: when which tables are merged. It is kept in KVASIR, in the settings `compaction`, unless it is the default, and may be
 * changed at any opening: every style finds a valid tree and goes on from there.
 */
import { LsmError } from '../errors.ts';
import { MAX_FIFO_LEVEL0_FILES } from '../limits.ts';
import type { Json, JsonObject } from '../manifest/kvasir-file.ts';
import type { CompactionPicker } from './compaction.ts';
import { FifoPicker } from './fifo-picker.ts';
import { LevelledPicker, type LevelledOptions } from './levelled-picker.ts';
import { UniversalPicker } from './universal-picker.ts';

/**
 * `levelled`: reads look into few places, and little room is taken by what was overwritten; most is rewritten.
 *
 * `universal`: a fifth to a third of that is rewritten, for more places to look into, and while all is merged for twice the room.
 *
 * `fifo`: nothing is rewritten; whole tables, the oldest first, are dropped with all that is in them.
 */
export type CompactionStyle =
  | { readonly style: 'levelled' }
  | {
      readonly style: 'universal';
      /** Sorted runs from which on some are merged. Default 8; 2 to 1000. */
      readonly runs?: number;
      /** How much larger than newer runs together one may be to be merged with them, in percent. Default 1; 0 to 10 000. */
      readonly sizeRatio?: number;
      /** Everything is merged where the newer runs together have this much of the oldest, in percent. Default 200; 10 to 100 000. */
      readonly maxSpaceAmplification?: number;
    }
  | {
      readonly style: 'fifo';
      /** Tables are dropped while all together have more. Default unlimited. */
      readonly maxBytes?: number;
      /** A table is dropped when its youngest entry is older. Default unlimited; 1000 at least. */
      readonly maxAgeMs?: number;
    };

export type CompactionStyleName = CompactionStyle['style'];

export const LEVELLED: CompactionStyle = { style: 'levelled' };

/** A caller's option. Throws RangeError for one that cannot be. */
export function resolveStyle(option: CompactionStyle | CompactionStyleName): CompactionStyle {
  const style = typeof option === 'string' ? ({ style: option } as CompactionStyle) : option;
  switch (style.style) {
    case 'levelled':
      return LEVELLED;
    case 'universal':
      check('runs', style.runs, 2, 1000);
      check('sizeRatio', style.sizeRatio, 0, 10_000);
      check('maxSpaceAmplification', style.maxSpaceAmplification, 10, 100_000);
      return style;
    case 'fifo':
      check('maxBytes', style.maxBytes, 1, Infinity);
      check('maxAgeMs', style.maxAgeMs, 1000, Infinity);
      return style;
    default:
      throw new RangeError(`no compaction style: ${String((style as { style: unknown }).style)}`);
  }
}

function check(name: string, value: number | undefined, from: number, to: number): void {
  if (value === undefined) return;
  if (typeof value === 'number' && value >= from && value <= to) return;
  throw new RangeError(`${name} must be ${from} to ${to}, not ${value}`);
}

/** As KVASIR keeps it: nothing for the default. */
export function styleToJson(style: CompactionStyle): JsonObject | undefined {
  if (style.style === 'levelled') return undefined;
  const known = Object.entries(style).filter(
    ([, value]) => value !== undefined && value !== Infinity,
  );
  return Object.fromEntries(known);
}

/** What KVASIR says. `path`: the directory, for messages. Throws LsmError UNSUPPORTED for what this version does not know. */
export function styleFromJson(json: Json | undefined, path: string): CompactionStyle {
  if (json === undefined) return LEVELLED;
  try {
    return resolveStyle(json as unknown as CompactionStyle);
  } catch (error) {
    const { message } = error as Error;
    throw new LsmError('UNSUPPORTED', `the directory's compaction style: ${message}`, {
      path,
      cause: error,
    });
  }
}

/** How many files of level 0 there may be before writers are slowed down and stopped, where the caller does not say. */
export function level0Limits(
  style: CompactionStyle,
  level0Files: number,
): { readonly slow: number; readonly stop: number } {
  switch (style.style) {
    case 'universal':
      // A merge of everything takes its time, and meanwhile tables come.
      return { slow: Math.max(level0Files, 32), stop: Math.max(level0Files + 1, 64) };
    case 'fifo':
      return { slow: 2 * MAX_FIFO_LEVEL0_FILES, stop: 2 * MAX_FIFO_LEVEL0_FILES + 1 };
    default:
      return { slow: Math.max(level0Files, 12), stop: Math.max(level0Files + 1, 20) };
  }
}

export function pickerFor(
  style: CompactionStyle,
  options: LevelledOptions,
  level0SlowFiles: number,
): CompactionPicker {
  const { fileBytes, maxFileBytes, level0Files } = options;
  switch (style.style) {
    case 'universal':
      return new UniversalPicker({
        fileBytes,
        maxFileBytes,
        runs: style.runs ?? 8,
        sizeRatio: style.sizeRatio ?? 1,
        maxSpaceAmplification: style.maxSpaceAmplification ?? 200,
      });
    case 'fifo':
      return new FifoPicker(
        {
          maxBytes: style.maxBytes ?? Infinity,
          maxAgeSeconds: (style.maxAgeMs ?? Infinity) / 1000,
          level0Files,
          maxLevel0Files: Math.min(MAX_FIFO_LEVEL0_FILES, level0SlowFiles),
        },
        new LevelledPicker(options),
      );
    default:
      return new LevelledPicker(options);
  }
}
