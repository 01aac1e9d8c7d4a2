/** set, add, replace, append, prepend, cas: a line, a data block, one word of answer. */
import { EXISTS, MODE, NO_MEMORY, NOT_FOUND, NOT_STORED, STORED } from './items.ts';
import { parseSigned, parseUnsigned32, parseUnsigned64 } from './numbers.ts';
import { MAX_KEY_BYTES } from './options.ts';
import { BAD_FORMAT, OUT_OF_MEMORY, type TextContext, TOO_LARGE } from './text-context.ts';
import { BLOCK, type TextRequest } from './text-request.ts';
import type { TextCommandSpec } from './text-table.ts';

/** A length above this is no length: with CR LF it must fit 31 bits. */
const MAX_BLOCK_BYTES: number = 2 ** 31 - 3;

/** `name key flags exptime bytes [noreply]`: the block's length, or -1 where the line is not so. */
function readStorageLine(request: TextRequest): number {
  return request.count === 5 || request.count === 6 ? readFields(request) : -1;
}

/** `cas key flags exptime bytes unique [noreply]`. */
function readCasLine(request: TextRequest): number {
  if (request.count !== 6 && request.count !== 7) return -1;
  const { bytes } = request.region;
  if (!parseUnsigned64(bytes, request.start[5]!, request.end[5]!, request.cas)) return -1;
  return readFields(request);
}

function readFields(request: TextRequest): number {
  const { bytes } = request.region;
  const { start, end } = request;
  if (request.length(1) > MAX_KEY_BYTES) return -1;
  const flags = parseUnsigned32(bytes, start[2]!, end[2]!);
  const exptime = parseSigned(bytes, start[3]!, end[3]!);
  const length = parseSigned(bytes, start[4]!, end[4]!);
  if (flags !== flags || exptime !== exptime) return -1;
  if (!(length >= 0 && length <= MAX_BLOCK_BYTES)) return -1;
  request.clientFlags = flags | 0;
  request.exptime = exptime;
  return length;
}

function store(c: TextContext, mode: number): void {
  const { request, items } = c;
  c.readQuiet();
  if (request.block === BLOCK.none) {
    c.say(BAD_FORMAT);
    return;
  }
  const { region, clientFlags } = request;
  const start = request.start[1]!;
  const end = request.end[1]!;
  const error = c.blockError(end - start, clientFlags);
  if (error !== undefined) {
    c.say(error);
    // What can't be replaced must not be served any more.
    if (error === TOO_LARGE && mode === MODE.set) {
      items.find(region, start, end);
      if (items.ref !== 0) items.remove();
    }
    return;
  }
  if (c.model.prefixes.isOn) c.model.prefixes.set(region, start, end);
  const { terms } = items;
  if (mode === MODE.cas) {
    terms.hasCas = true;
    terms.casHigh = request.cas.high;
    terms.casLow = request.cas.low;
  }
  items.find(region, start, end);
  const expiry = c.expiryOf(request.exptime);
  const outcome = items.store(
    mode,
    region,
    request.valueStart,
    request.valueEnd,
    clientFlags,
    expiry,
  );
  terms.hasCas = false;
  c.model.watchers.stored(outcome, mode, region, start, end, request.blockBytes);
  c.say(ANSWERS[outcome]!);
}

const ANSWERS: readonly string[] = answers();

function answers(): string[] {
  const texts: string[] = [];
  texts[STORED] = 'STORED';
  texts[NOT_STORED] = 'NOT_STORED';
  texts[EXISTS] = 'EXISTS';
  texts[NOT_FOUND] = 'NOT_FOUND';
  texts[NO_MEMORY] = OUT_OF_MEMORY;
  return texts;
}

function storage(name: string, mode: number, summary: string): TextCommandSpec {
  return {
    name,
    words: [5, 6],
    isWrite: true,
    syntax: 'key flags exptime bytes [noreply] + data block',
    summary,
    readLine: readStorageLine,
    handler: (c) => store(c, mode),
  };
}

export const STORAGE_COMMANDS: readonly TextCommandSpec[] = [
  storage('set', MODE.set, 'Stores an item, whatever is there.'),
  storage('add', MODE.add, 'Stores an item where there is none.'),
  storage('replace', MODE.replace, 'Stores an item where there is one.'),
  storage(
    'append',
    MODE.append,
    "Puts data behind an item's value; its flags and expiration stay.",
  ),
  storage(
    'prepend',
    MODE.prepend,
    "Puts data in front of an item's value; its flags and expiration stay.",
  ),
  {
    name: 'cas',
    words: [6, 7],
    isWrite: true,
    syntax: 'key flags exptime bytes unique [noreply] + data block',
    summary: 'Stores an item that has not changed since `gets` answered `unique`.',
    readLine: readCasLine,
    handler: (c) => store(c, MODE.cas),
  },
];
