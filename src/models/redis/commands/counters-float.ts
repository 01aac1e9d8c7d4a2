/** INCRBYFLOAT, whose sums are those of C's `long double` (bytes/long-double.ts). */
import {
  addLongDouble,
  formatLongDouble,
  LONG_DOUBLE_MAX_CHARS,
  parseLongDouble,
  ZERO,
} from '../../../bytes/long-double.ts';
import type { LongDouble } from '../../../bytes/long-double.ts';
import { Region } from '../../../bytes/region.ts';
import { latin1 } from '../../../bytes/resp-request.ts';
import type { Ref } from '../../../memory/index.ts';
import { keyRange, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { EVENT } from '../notify.ts';
import { STRING_ENCODING } from '../types.ts';
import { rewriteBytes } from './strings-store.ts';

const INCRBYFLOAT: CommandSpec = {
  name: 'incrbyfloat',
  arity: 3,
  flags: ['write', 'denyoom', 'fast'],
  acl: ['string'],
  keys: [keyRange('RW ACCESS UPDATE', 1)],
  group: 'string',
  since: '2.6.0',
  complexity: 'O(1)',
  summary: 'Adds a floating point number to the number a key holds; a missing key counts as 0.',
  syntax: 'key increment:double',
  handler(c) {
    const ref = c.lookupWrite(1);
    if (!c.isString(ref)) return;
    const value = ref === 0 ? ZERO : numberAt(c, ref);
    const increment =
      value &&
      parseLongDouble(c.request.length(2) > LONG_DOUBLE_MAX_CHARS ? '' : c.request.text(2));
    if (value === undefined || increment === undefined) {
      c.reply.error('ERR value is not a valid float');
      return;
    }
    const sum = addLongDouble(value, increment);
    if (sum === undefined || sum.isInfinite) {
      c.reply.error('ERR increment would produce NaN or Infinity');
      return;
    }
    const text = formatLongDouble(sum);
    const stored = rewriteBytes(c, 1, ref, STRING_ENCODING.text, Region.of(text), 0, text.length);
    // The sum itself, so that whoever replays it need not compute it the same way.
    const effects = c.effects;
    const clientFlags = c.engine.clientFlags(stored);
    if (clientFlags !== 0) effects.item(clientFlags, 0);
    effects.begin(c.db.id, 4);
    effects.text('SET');
    effects.argument(c.request, 1);
    effects.text(text);
    effects.text('KEEPTTL');
    c.changed(1);
    c.notify(EVENT.string, 'incrbyfloat', 1);
    c.reply.bulkText(text);
  },
};

function numberAt(c: Context, ref: Ref): LongDouble | undefined {
  const engine = c.engine;
  const length = engine.valueLength(ref);
  if (length > LONG_DOUBLE_MAX_CHARS) return undefined;
  const start = engine.valueStart(ref);
  return parseLongDouble(latin1(engine.segment(ref), start, start + length));
}

export const FLOAT_COUNTER_COMMANDS: readonly CommandSpec[] = [INCRBYFLOAT];
