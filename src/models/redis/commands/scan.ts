/**
 * SCAN: a walk over the keys in steps. What is there all the time is returned at least once, however the table is resized
 * meanwhile (the engine's cursor). A step visits buckets until it has seen COUNT keys; pattern and type are asked of those, so a
 * step's work is bounded and its answer may be empty.
 */
import type { Ref } from '../../../memory/index.ts';
import type { CommandSpec } from '../command.ts';
import { type Context, SYNTAX_ERROR } from '../context.ts';
import { TYPE_NAMES } from '../types.ts';
import { endExpiry, isKeyMatching, patternArgument, RefList, replyKey } from './keys-collect.ts';

const DEFAULT_COUNT = 10;
/** At most so many buckets are visited for each key that was asked for: most may be empty. */
const BUCKETS_PER_KEY = 10;
/** A type that no key has. */
const UNKNOWN_TYPE = -1;
const UINT64_MAX = 18446744073709551615n;

const SCAN: CommandSpec = {
  name: 'scan',
  arity: -2,
  flags: ['readonly', 'touches_arbitrary_keys'],
  acl: ['keyspace'],
  group: 'generic',
  since: '2.8.0',
  complexity: 'O(1) for a step, O(N) for the whole walk, N being the number of keys',
  summary: 'Names some keys, and the cursor with which the next call goes on.',
  syntax: 'cursor:integer [MATCH pattern:pattern] [COUNT count:integer] [TYPE type^6.0.0]',
  tips: ['nondeterministic_output', 'request_policy:special', 'response_policy:special'],
  history: [['6.0.0', 'The option `TYPE`.']],
  handler: scan,
};

function scan(c: Context): void {
  const { request, reply } = c;
  const from = cursorArgument(c, 1);
  if (from < 0) return;
  let count = DEFAULT_COUNT;
  let pattern: Uint8Array | undefined;
  let type: number | undefined;
  for (let i = 2; i < request.count; i += 2) {
    const hasValue = i + 1 < request.count;
    if (hasValue && request.is(i, 'COUNT')) {
      count = c.integer(i + 1);
      if (count !== count) return;
      if (count < 1) {
        reply.error(SYNTAX_ERROR);
        return;
      }
    } else if (hasValue && request.is(i, 'MATCH')) {
      pattern = patternArgument(c, i + 1);
    } else if (hasValue && request.is(i, 'TYPE')) {
      type = TYPE_NAMES.indexOf(request.text(i + 1).toLowerCase());
      if (type < 0) type = UNKNOWN_TYPE;
    } else {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }

  const found = new RefList();
  const next = collect(c, from, count, pattern, found);
  keepLive(c, found, type);
  reply.array(2);
  reply.bulkInteger(next);
  reply.array(found.count);
  for (let i = 0; i < found.count; i++) replyKey(c, found.refs[i]!);
}

/** Walks on from cursor `from` until `count` keys were seen, adding those that match; returns the next cursor. */
function collect(
  c: Context,
  from: number,
  count: number,
  pattern: Uint8Array | undefined,
  found: RefList,
): number {
  let seen = 0;
  let buckets = 0;
  const visit = (ref: Ref): void => {
    seen++;
    if (pattern === undefined || isKeyMatching(c, ref, pattern)) found.add(ref);
  };
  let cursor = from;
  do {
    cursor = c.db.keys.scan(cursor, visit);
    buckets++;
  } while (cursor !== 0 && seen < count && buckets <= count * BUCKETS_PER_KEY);
  return cursor;
}

/** Drops expired keys, which are deleted, and those of another type from `found`. */
function keepLive(c: Context, found: RefList, type: number | undefined): void {
  const { engine, model } = c;
  let kept = 0;
  for (let i = 0; i < found.count; i++) {
    const ref = found.refs[i]!;
    const isGone = engine.isVolatile(ref) && model.expireIfDue(c.db, ref);
    if (isGone) endExpiry(c);
    if (type !== undefined) {
      // Redis looks each key up once more.
      if (isGone) model.stats.keyspaceMisses++;
      else model.stats.keyspaceHits++;
    }
    if (!isGone && (type === undefined || engine.type(ref) === type)) found.refs[kept++] = ref;
  }
  found.count = kept;
}

/** The cursor in argument `i`: what C's strtoul takes. -1, with the error replied, where it is none. */
function cursorArgument(c: Context, i: number): number {
  const text = c.request.text(i);
  const parts = /^([+-]?)(\d+)$/.exec(text);
  if (parts !== null) {
    const value = Number(text);
    if (value >= 0 && Number.isSafeInteger(value)) return value;
    const large = BigInt(parts[2]!);
    // No walk gives such a cursor; of any other number the low bits count.
    if (large <= UINT64_MAX) return Number(BigInt.asUintN(53, parts[1] === '-' ? -large : large));
  } else if (text === '') {
    return 0;
  }
  c.reply.error('ERR invalid cursor');
  return -1;
}

export const SCAN_COMMANDS: readonly CommandSpec[] = [SCAN];
