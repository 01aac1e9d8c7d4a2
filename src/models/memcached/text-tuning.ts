/** slabs, lru, extstore: memcached's memory tuning. It is taken and shown, and turns nothing: memory is not divided by slab classes here. */
import { parseSigned, parseUnsigned32 } from './numbers.ts';
import { BAD_FORMAT, type TextContext } from './text-context.ts';
import type { TextCommandSpec } from './text-table.ts';

const MAX_HOT_AND_WARM = 80;

function unsigned(c: TextContext, i: number): number {
  const { request } = c;
  return parseUnsigned32(request.region.bytes, request.start[i]!, request.end[i]!);
}

/** A number with decimals; NaN where it is none. */
function decimal(c: TextContext, i: number): number {
  const text = c.request.text(i);
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
}

function slabs(c: TextContext): void {
  const { request } = c;
  if (request.count === 4 && request.is(1, 'reassign')) {
    c.say('CLIENT_ERROR slab reassignment disabled');
  } else if (request.count >= 3 && request.is(1, 'automove')) {
    automove(c);
  } else {
    c.say('ERROR');
  }
}

function automove(c: TextContext): void {
  const { request } = c;
  const { tunables } = c.model;
  c.readQuiet();
  if (request.is(2, 'ratio')) {
    const ratio = request.count >= 4 ? decimal(c, 3) : NaN;
    if (ratio !== ratio) {
      c.say('ERROR');
      return;
    }
    tunables.slabAutomoveRatio = ratio;
  } else {
    const level = unsigned(c, 2);
    if (level !== level || level > 2) {
      c.say(level !== level ? BAD_FORMAT : 'ERROR');
      return;
    }
    tunables.slabAutomove = level;
  }
  c.say('OK');
}

function lru(c: TextContext): void {
  const { request } = c;
  const { tunables } = c.model;
  c.readQuiet();
  if (request.is(1, 'tune') && request.count >= 6) {
    tune(c);
  } else if (request.is(1, 'mode') && request.count >= 3 && tunables.hasMaintainer) {
    if (!request.is(2, 'flat') && !request.is(2, 'segmented')) {
      c.say('ERROR');
      return;
    }
    tunables.isSegmented = request.is(2, 'segmented');
    c.say('OK');
  } else if (request.is(1, 'temp_ttl') && request.count >= 3 && tunables.hasMaintainer) {
    const ttl = parseSigned(request.region.bytes, request.start[2]!, request.end[2]!);
    if (ttl !== ttl) {
      c.say('ERROR');
      return;
    }
    tunables.hasTemporaryLru = ttl >= 0;
    if (ttl >= 0) tunables.temporaryTtl = ttl;
    c.say('OK');
  } else {
    c.say('ERROR');
  }
}

function tune(c: TextContext): void {
  const { tunables } = c.model;
  const hot = unsigned(c, 2);
  const warm = unsigned(c, 3);
  const hotFactor = decimal(c, 4);
  const warmFactor = decimal(c, 5);
  if (hot !== hot || warm !== warm || hotFactor !== hotFactor || warmFactor !== warmFactor) {
    c.say('ERROR');
  } else if (hot + warm > MAX_HOT_AND_WARM) {
    c.say('ERROR hot and warm pcts must not exceed 80');
  } else if (hotFactor <= 0 || warmFactor <= 0) {
    c.say('ERROR hot/warm age factors must be greater than 0');
  } else {
    tunables.hotPercent = hot;
    tunables.warmPercent = warm;
    tunables.hotMaxFactor = hotFactor;
    tunables.warmMaxFactor = warmFactor;
    c.say('OK');
  }
}

export const TUNING_COMMANDS: readonly TextCommandSpec[] = [
  {
    name: 'slabs',
    words: [1, Infinity],
    isAboutServer: true,
    syntax: 'automove 0|1|2 | automove ratio r | reassign from to',
    summary: 'Taken without effect; `reassign` is refused.',
    handler: slabs,
  },
  {
    name: 'lru',
    words: [2, Infinity],
    isAboutServer: true,
    syntax: 'tune hot warm hotfactor warmfactor | mode flat|segmented | temp_ttl s',
    summary: 'Taken without effect.',
    handler: lru,
  },
];
