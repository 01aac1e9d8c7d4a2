/** WAIT and WAITAOF: until what was written is on replicas, of which there are none, or in the log on disk. */
import type { CommandSpec } from '../command.ts';
import { type Context, NOT_INTEGER } from '../context.ts';
import type { Parked } from '../session.ts';

const TIPS = ['request_policy:all_shards', 'response_policy:agg_min'] as const;
const INT64_MAX = 9223372036854775807n;
const AOF_OFF = 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';
const UNBLOCKED = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';

const WAIT: CommandSpec = {
  name: 'wait',
  arity: 3,
  flags: [],
  acl: ['connection'],
  group: 'generic',
  since: '3.0.0',
  complexity: 'O(1)',
  summary: 'Waits until so many replicas have what the connection wrote before, or the time is up.',
  syntax: 'numreplicas:integer timeout:integer',
  tips: TIPS,
  handler(c) {
    const replicas = c.integer(1);
    if (replicas !== replicas) return;
    const deadlineMs = deadlineArgument(c, 2);
    if (deadlineMs !== deadlineMs) return;
    const answer = (): void => c.reply.integer(0);
    if (replicas <= 0 || c.isInTransaction) answer();
    else park(c, 'wait', deadlineMs, answer);
  },
};

const WAITAOF: CommandSpec = {
  name: 'waitaof',
  arity: 4,
  flags: ['noscript'],
  acl: ['connection'],
  group: 'generic',
  since: '7.2.0',
  complexity: 'O(1)',
  summary:
    'Waits until what was written before is synced to the log here, and by so many replicas, or the time is up.',
  syntax: 'numlocal:integer numreplicas:integer timeout:integer',
  tips: TIPS,
  handler: waitAof,
};

function waitAof(c: Context): void {
  const { model, reply, session } = c;
  const { persistence } = model.host;
  const local = c.integer(1);
  if (local !== local) return;
  if (local < 0 || local > 1) {
    reply.error('ERR value is out of range, value must between 0 and 1');
    return;
  }
  const outOfRange = 'ERR value is out of range, must be positive';
  const replicas = c.integer(2, outOfRange);
  if (replicas !== replicas) return;
  if (replicas < 0) {
    reply.error(outOfRange);
    return;
  }
  const deadlineMs = deadlineArgument(c, 3);
  if (deadlineMs !== deadlineMs) return;
  if (local > 0 && !persistence.isOn) {
    reply.error(AOF_OFF);
    return;
  }

  // All that was logged until now: this connection's writes are part of it.
  const { position } = persistence;
  const answer = (): void => {
    reply.array(2);
    reply.integer(persistence.durable >= position ? 1 : 0);
    reply.integer(0);
  };
  const isDurable = persistence.durable >= position || local === 0;
  if (c.isInTransaction || (isDurable && replicas === 0)) {
    answer();
    return;
  }
  const parked = park(c, 'waitaof', deadlineMs, answer);
  if (replicas > 0) return; // nothing but time ends it
  persistence.whenDurable((durable) => {
    if (session.parked !== parked) return true; // its time was up, or it is gone
    if (!persistence.isOn) model.pauses.serve(session, () => reply.error(AOF_OFF));
    else if (durable >= position) model.pauses.serve(session, answer);
    else return false;
    return true;
  });
}

/** Lets the session wait until `deadlineMs`, when `answer` replies. */
function park(
  c: Context,
  reason: Parked['reason'],
  deadlineMs: number,
  answer: () => void,
): Parked {
  const { reply } = c;
  const parked: Parked = {
    reason,
    deadlineMs,
    expire: answer,
    unblock(withError) {
      if (withError) reply.error(UNBLOCKED);
      else answer();
    },
  };
  c.model.pauses.park(c.session, parked, c.now);
  return parked;
}

/** The end, in ms since the epoch, of the time-out in argument `i`; Infinity for 0. NaN, with the error replied, where it is none. */
function deadlineArgument(c: Context, i: number): number {
  const timeout = c.integer(i, NOT_INTEGER.replace('value', 'timeout'));
  if (timeout !== timeout) return NaN;
  if (timeout < 0) {
    c.reply.error('ERR timeout is negative');
    return NaN;
  }
  if (timeout > Number.MAX_SAFE_INTEGER && BigInt(c.request.text(i)) > INT64_MAX - BigInt(c.now)) {
    c.reply.error('ERR timeout is out of range');
    return NaN;
  }
  return timeout === 0 ? Infinity : c.now + timeout;
}

export const WAIT_COMMANDS: readonly CommandSpec[] = [WAIT, WAITAOF];
