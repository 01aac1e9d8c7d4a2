/** get, gets, gat, gats: any number of keys, an answer for each that is there. */
import type { LookAhead } from '../../memory/index.ts';
import { expiryOf } from './expiry-time.ts';
import { roomOf } from './long-values.ts';
import { parseSigned } from './numbers.ts';
import { MAX_KEY_BYTES } from './options.ts';
import { BAD_FORMAT, type TextContext } from './text-context.ts';
import type { TextRequest } from './text-request.ts';
import type { TextCommandSpec } from './text-table.ts';

/** Whether a key of the line is too long. Only a line that is longer than such a key is looked at. */
function hasLongKey(request: TextRequest): boolean {
  if (request.lineEnd - request.rest <= MAX_KEY_BYTES) return false;
  for (let at = request.rest; request.nextWord(at); at = request.wordEnd) {
    if (request.wordEnd - request.wordStart > MAX_KEY_BYTES) return true;
  }
  return false;
}

function end(c: TextContext): void {
  const { writer } = c;
  writer.reserve(8);
  const { view } = writer.region;
  view.setInt32(writer.at, 0x0d444e45, true); // 'END\r'
  view.setUint8(writer.at + 4, 10);
  writer.at += 5;
}

function tooMuch(c: TextContext): void {
  c.fail('SERVER_ERROR out of memory writing get response');
  c.isClosing = true;
}

function get(c: TextContext, withCas: boolean): void {
  const { items, request } = c;
  if (!request.nextWord(request.rest)) {
    c.say('ERROR');
    return;
  }
  const isOne = request.wordEnd === request.lineEnd;
  if (hasLongKey(request)) {
    c.say(BAD_FORMAT);
    return;
  }
  const { ahead } = items;
  let room = roomOf(c.client);
  if (isOne) {
    room = answer(c, request.wordStart, request.wordEnd, withCas, room);
  } else {
    let at = request.rest;
    while (room >= 0 && request.nextWord(at)) {
      at = lookAhead(request, ahead, at);
      const { count } = ahead;
      for (let i = 0; i < count && room >= 0; i++) {
        room = answer(c, ahead.keyStart(i), ahead.keyEnd(i), withCas, room);
      }
    }
  }
  if (room < 0) tooMuch(c);
  else end(c);
}

/** Looks at the keys from `at` on, as many as are looked at ahead; returns where the next ones are. */
function lookAhead(request: TextRequest, ahead: LookAhead, at: number): number {
  ahead.begin(request.region);
  while (!ahead.isFull && request.nextWord(at)) {
    ahead.add(request.wordStart, request.wordEnd);
    at = request.wordEnd;
  }
  ahead.warm();
  return at;
}

/** Answers one key's item if it is there; returns what is left of `room`. */
function answer(
  c: TextContext,
  start: number,
  end: number,
  withCas: boolean,
  room: number,
): number {
  const { items, model, request } = c;
  const { region } = request;
  const ref = items.read(region, start, end, true);
  if (model.prefixes.isOn) model.prefixes.get(region, start, end, ref !== 0);
  return ref === 0 ? room : room - c.value(ref, region, start, end, withCas);
}

function getAndTouch(c: TextContext, withCas: boolean): void {
  const { items, model, request, statistics } = c;
  const { region } = request;
  const exptime = parseSigned(region.bytes, request.start[1]!, request.end[1]!);
  if (exptime !== exptime) {
    c.say('CLIENT_ERROR invalid exptime argument');
    return;
  }
  if (hasLongKey(request)) {
    c.say(BAD_FORMAT);
    return;
  }
  const expiry = expiryOf(exptime, c.now);
  let room = roomOf(c.client);
  for (let at = request.rest; request.nextWord(at); at = request.wordEnd) {
    const { wordStart, wordEnd } = request;
    const ref = items.find(region, wordStart, wordEnd);
    if (ref === 0) {
      statistics.touchMisses++;
    } else {
      statistics.touchHits++;
      statistics.getHits++;
      items.use(ref);
      room -= c.value(ref, region, wordStart, wordEnd, withCas);
      items.expireAt(expiry);
    }
    if (room < 0) {
      tooMuch(c);
      return;
    }
    if (model.prefixes.isOn) model.prefixes.get(region, wordStart, wordEnd, ref !== 0);
  }
  end(c);
}

export const RETRIEVAL_COMMANDS: readonly TextCommandSpec[] = [
  {
    name: 'get',
    words: [1, Infinity],
    wordsBeforeKeys: 1,
    syntax: 'key...',
    summary: 'Answers the items of these keys that are there.',
    handler: (c) => get(c, false),
  },
  {
    name: 'gets',
    words: [1, Infinity],
    wordsBeforeKeys: 1,
    syntax: 'key...',
    summary: 'As get, with the CAS of each item.',
    handler: (c) => get(c, true),
  },
  {
    name: 'bget',
    words: [1, Infinity],
    wordsBeforeKeys: 1,
    syntax: 'key...',
    summary: 'As get; a name that very old clients use.',
    handler: (c) => get(c, false),
  },
  {
    name: 'gat',
    words: [2, Infinity],
    wordsBeforeKeys: 2,
    isWrite: true,
    syntax: 'exptime key...',
    summary: 'As get, and gives the items another expiration.',
    handler: (c) => getAndTouch(c, false),
  },
  {
    name: 'gats',
    words: [2, Infinity],
    wordsBeforeKeys: 2,
    isWrite: true,
    syntax: 'exptime key...',
    summary: 'As gets, and gives the items another expiration.',
    handler: (c) => getAndTouch(c, true),
  },
];
