/** MULTI, EXEC, DISCARD, WATCH, UNWATCH. What they share with dispatch is in ../transaction.ts, watches are in ../watch.ts. */
import { keyRange, type CommandFlag, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { discardTransaction } from '../transaction.ts';
import { hasExpiredWatch, watchKey } from '../watch.ts';

const FLAGS: readonly CommandFlag[] = ['noscript', 'loading', 'stale', 'fast', 'allow_busy'];

const MULTI: CommandSpec = {
  name: 'multi',
  arity: 1,
  flags: FLAGS,
  acl: ['transaction'],
  group: 'transactions',
  since: '1.2.0',
  complexity: 'O(1)',
  summary: 'Begins a transaction: the commands that follow wait for EXEC.',
  handler(c) {
    if (c.session.queue !== undefined) {
      c.reply.error('ERR MULTI calls can not be nested');
      return;
    }
    c.session.queue = [];
    c.reply.ok();
  },
};

const EXEC: CommandSpec = {
  name: 'exec',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
  acl: ['transaction'],
  group: 'transactions',
  since: '1.2.0',
  complexity: 'That of the commands in the transaction',
  summary: 'Runs the commands of a transaction, with no other in between.',
  handler: exec,
};

function exec(c: Context): void {
  const { session, reply } = c;
  const queue = session.queue;
  if (queue === undefined) {
    reply.error('ERR EXEC without MULTI');
    return;
  }
  if (session.isTransactionBroken) {
    reply.error('EXECABORT Transaction discarded because of previous errors.');
  } else if (session.isTransactionDirty || hasExpiredWatch(session)) {
    reply.nilArray();
  } else {
    c.model.unwatch(session);
    c.isInTransaction = true;
    c.model.pauses.enterTransaction();
    reply.array(queue.length);
    for (const queued of queue) c.run(queued.command, queued.request);
    c.model.pauses.leaveTransaction();
    c.isInTransaction = false;
  }
  discardTransaction(c);
}

const DISCARD: CommandSpec = {
  name: 'discard',
  arity: 1,
  flags: FLAGS,
  acl: ['transaction'],
  group: 'transactions',
  since: '2.0.0',
  complexity: 'O(N), N being the number of queued commands',
  summary: 'Leaves a transaction without running it.',
  handler(c) {
    if (c.session.queue === undefined) {
      c.reply.error('ERR DISCARD without MULTI');
      return;
    }
    discardTransaction(c);
    c.reply.ok();
  },
};

const WATCH: CommandSpec = {
  name: 'watch',
  arity: -2,
  flags: FLAGS,
  acl: ['transaction'],
  keys: [keyRange('RO', 1, -1)],
  group: 'transactions',
  since: '2.2.0',
  complexity: 'O(1) for each key',
  summary: 'Makes the next transaction fail if one of the keys is changed before it runs.',
  syntax: 'key...',
  handler(c) {
    const { session, request } = c;
    if (session.queue !== undefined) {
      c.reply.error('ERR WATCH inside MULTI is not allowed');
      return;
    }
    if (!session.isTransactionDirty) {
      for (let i = 1; i < request.count; i++) watchKey(session, c.db, request.text(i));
    }
    c.reply.ok();
  },
};

const UNWATCH: CommandSpec = {
  name: 'unwatch',
  arity: 1,
  flags: FLAGS,
  acl: ['transaction'],
  group: 'transactions',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: 'Forgets the keys that WATCH named.',
  handler(c) {
    c.model.unwatch(c.session);
    c.session.isTransactionDirty = false;
    c.reply.ok();
  },
};

export const TRANSACTION_COMMANDS: readonly CommandSpec[] = [MULTI, EXEC, DISCARD, WATCH, UNWATCH];
