/** delete, touch, incr, decr, flush_all: one line, one answer. */
import { expiryOf } from './expiry-time.ts';
import { NO_MEMORY, NON_NUMERIC } from './items.ts';
import { parseSigned, parseUnsigned64 } from './numbers.ts';
import { BAD_FORMAT, type TextContext } from './text-context.ts';
import type { TextCommandSpec } from './text-table.ts';

const BAD_DELETE = `${BAD_FORMAT}.  Usage: delete <key> [noreply]`;
export const NOT_A_NUMBER = 'CLIENT_ERROR cannot increment or decrement non-numeric value';

function remove(c: TextContext): void {
  const { items, model, request, statistics } = c;
  if (request.count > 2) {
    // An old form says how long the key is locked, of which only 0 was ever kept.
    const isZero = request.is(2, '0');
    const isQuiet = c.readQuiet();
    const isRight = request.count === 3 ? isZero || isQuiet : isZero && isQuiet;
    if (!isRight) {
      c.say(BAD_DELETE);
      return;
    }
  }
  if (!c.isKey(1)) {
    c.say(BAD_FORMAT);
    return;
  }
  if (model.prefixes.isOn) {
    model.prefixes.delete(request.region, request.start[1]!, request.end[1]!);
  }
  c.find(1);
  if (items.ref === 0) {
    statistics.deleteMisses++;
    c.say('NOT_FOUND');
    return;
  }
  statistics.deleteHits++;
  items.remove();
  c.say('DELETED');
}

function touch(c: TextContext): void {
  const { items, request, statistics } = c;
  c.readQuiet();
  if (!c.isKey(1)) {
    c.say(BAD_FORMAT);
    return;
  }
  const exptime = parseSigned(request.region.bytes, request.start[2]!, request.end[2]!);
  if (exptime !== exptime) {
    c.say('CLIENT_ERROR invalid exptime argument');
    return;
  }
  const ref = c.find(1);
  if (ref === 0) {
    statistics.touchMisses++;
    c.say('NOT_FOUND');
    return;
  }
  statistics.touchHits++;
  items.use(ref);
  items.expireAt(c.expiryOf(exptime));
  c.say('TOUCHED');
}

function add(c: TextContext, isIncrement: boolean): void {
  const { items, request, statistics, writer } = c;
  c.readQuiet();
  if (!c.isKey(1)) {
    c.say(BAD_FORMAT);
    return;
  }
  const delta = request.cas;
  if (!parseUnsigned64(request.region.bytes, request.start[2]!, request.end[2]!, delta)) {
    c.say('CLIENT_ERROR invalid numeric delta argument');
    return;
  }
  if (c.find(1) === 0) {
    if (isIncrement) statistics.incrementMisses++;
    else statistics.decrementMisses++;
    c.say('NOT_FOUND');
    return;
  }
  const outcome = items.add(isIncrement, delta.high, delta.low);
  if (outcome === NON_NUMERIC) {
    c.say(NOT_A_NUMBER);
  } else if (outcome === NO_MEMORY) {
    c.say('SERVER_ERROR out of memory');
  } else if (!c.isQuiet) {
    writer.raw(items.digits, 0, items.digitCount);
    writer.crlf();
  }
}

function flush(c: TextContext): void {
  const { model, options, request, statistics } = c;
  c.readQuiet();
  statistics.flushCommands++;
  if (!options.mayFlush) {
    c.say('CLIENT_ERROR flush_all not allowed');
    return;
  }
  let exptime = 0;
  if (request.count !== (c.isQuiet ? 2 : 1)) {
    exptime = parseSigned(request.region.bytes, request.start[1]!, request.end[1]!);
    if (exptime !== exptime) {
      c.say('CLIENT_ERROR invalid exptime argument');
      return;
    }
  }
  model.flush.at(expiryOf(exptime, c.now));
  c.say('OK');
}

export const ITEM_COMMANDS: readonly TextCommandSpec[] = [
  {
    name: 'delete',
    words: [2, 4],
    isWrite: true,
    syntax: 'key [noreply]',
    summary: 'Deletes an item.',
    handler: remove,
  },
  {
    name: 'touch',
    words: [3, 4],
    isWrite: true,
    syntax: 'key exptime [noreply]',
    summary: 'Gives an item another expiration.',
    handler: touch,
  },
  {
    name: 'incr',
    words: [3, 4],
    isWrite: true,
    syntax: 'key delta [noreply]',
    summary: 'Adds to a number, which wraps at 2^64.',
    handler: (c) => add(c, true),
  },
  {
    name: 'decr',
    words: [3, 4],
    isWrite: true,
    syntax: 'key delta [noreply]',
    summary: 'Subtracts from a number, down to 0.',
    handler: (c) => add(c, false),
  },
  {
    name: 'flush_all',
    words: [1, 3],
    isWrite: true,
    syntax: '[delay] [noreply]',
    summary: 'Deletes all items, now or after a delay.',
    handler: flush,
  },
];
