/** Which arguments of a request are keys, from the key specs of its command: COMMAND GETKEYS, cluster routing, ACL. */
import { parseInteger } from '../../bytes/integer.ts';
import { Request } from '../../bytes/resp-request.ts';
import type { CommandSpec, KeySpec } from './command.ts';

export interface KeyReference {
  /** The argument's index. */
  readonly index: number;
  /** As in `KeySpec.flags`. */
  readonly flags: readonly string[];
}

/** Whether requests of this command can have keys at all. */
export function mayHaveKeys(spec: CommandSpec): boolean {
  return spec.getKeys !== undefined || (spec.keys ?? []).some(isRealKey);
}

/** The keys of `request`; none where its arguments make no sense. */
export function keysOf(spec: CommandSpec, request: Request): KeyReference[] {
  const specs = spec.keys ?? [];
  const isVariable = specs.some((key) => key.flags.includes('VARIABLE_FLAGS'));
  if (specs.some(isRealKey) && (!isVariable || spec.keyFlags !== undefined)) {
    const found = keysBySpecs(specs, request);
    if (found !== undefined) {
      if (!isVariable) return found;
      const flags = spec.keyFlags!(request).split(' ');
      return found.map(({ index }) => ({ index, flags }));
    }
  }
  const flags = (specs[0]?.flags ?? []).filter((flag) => flag !== 'VARIABLE_FLAGS');
  return (spec.getKeys?.(request) ?? []).map((index) => ({ index, flags }));
}

/** The request that begins at argument `from` of `request`: a view, valid as long as that one is. */
export function tailOf(request: Request, from: number): Request {
  const tail = new Request(Math.max(1, request.count - from));
  tail.region = request.region;
  tail.count = request.count - from;
  tail.start.set(request.start.subarray(from, request.count));
  tail.end.set(request.end.subarray(from, request.count));
  return tail;
}

/** First and last key and the step between keys, as COMMAND INFO has given them since before there were key specs; 0 0 0: no such range. */
export function legacyRange(specs: readonly KeySpec[]): {
  first: number;
  last: number;
  step: number;
  isMovable: boolean;
} {
  let isMovable = specs.some((spec) => spec.flags.includes('INCOMPLETE'));
  let first = 0;
  let last = 0;
  let step = 0;
  for (const spec of specs) {
    if (typeof spec.begin === 'string' || !('index' in spec.begin) || !hasRange(spec)) {
      isMovable = true;
      continue;
    }
    const begin = spec.begin.index;
    const isPlain = spec.find.step === 1 && (last === 0 || last === begin - 1);
    if (specs.length > 1 && !isPlain) {
      isMovable = true;
      continue;
    }
    if (first === 0) first = begin;
    last = spec.find.lastKey < 0 ? spec.find.lastKey : begin + spec.find.lastKey;
    step = spec.find.step;
  }
  return { first, last, step, isMovable };
}

function isRealKey(spec: KeySpec): boolean {
  return !spec.flags.includes('NOT_KEY');
}

function hasRange(
  spec: KeySpec,
): spec is KeySpec & { find: { lastKey: number; step: number; limit: number } } {
  return spec.find !== 'unknown' && 'lastKey' in spec.find;
}

/** Undefined where a spec can't tell or the arguments don't fit it. */
function keysBySpecs(specs: readonly KeySpec[], request: Request): KeyReference[] | undefined {
  const found: KeyReference[] = [];
  const count = request.count;
  for (const spec of specs) {
    if (!isRealKey(spec)) continue;
    if (spec.begin === 'unknown' || spec.find === 'unknown') return undefined;
    let first = 'index' in spec.begin ? spec.begin.index : indexBehind(spec.begin, request);
    if (first === 0) continue; // the keyword is not there
    let last: number;
    if ('lastKey' in spec.find) {
      const { lastKey, limit } = spec.find;
      if (lastKey >= 0) last = first + lastKey;
      else
        last =
          limit === 0 ? count + lastKey : first + Math.trunc((count - first) / limit) + lastKey;
    } else {
      const at = first + spec.find.keyNumIndex;
      if (at >= count) return undefined;
      const number = parseInteger(request.region.bytes, request.start[at]!, request.end[at]!);
      if (!(number >= 0)) return undefined;
      first += spec.find.firstKey;
      last = first + number - 1;
    }
    if (last >= count || last < first || first >= count) return undefined;
    for (let i = first; i <= last; i += spec.find.step) found.push({ index: i, flags: spec.flags });
    if (spec.flags.includes('INCOMPLETE')) return undefined;
  }
  return found;
}

/** The index behind the keyword, searched from `startFrom` on (negative: from there towards the front); 0: not found. */
function indexBehind(begin: { keyword: string; startFrom: number }, request: Request): number {
  const isForward = begin.startFrom > 0;
  let i = isForward ? begin.startFrom : request.count + begin.startFrom;
  const end = isForward ? request.count - 1 : 1;
  for (; i >= 1 && i < request.count && i !== end; i += isForward ? 1 : -1) {
    if (request.is(i, begin.keyword.toUpperCase())) return i + 1;
  }
  return 0;
}
