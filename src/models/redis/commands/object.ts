/** OBJECT: how a value is kept, and how it has been used. */
import { parseInteger } from '../../../bytes/integer.ts';
import type { Ref } from '../../../memory/index.ts';
import { helpCommand } from '../command-help.ts';
import { keyRange, type CommandFlag, type CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { stringEncodingName } from '../string-encoding.ts';

const FLAGS: readonly CommandFlag[] = ['readonly'];
const TIPS = ['nondeterministic_output'] as const;

/** Redis keeps the integers below this once, for all keys. */
const SHARED_INTEGERS = 10000;
/** The reference count of what is shared. */
const SHARED_COUNT = 2147483647;

const ENCODING: CommandSpec = {
  name: 'encoding',
  arity: 3,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RO', 2)],
  group: 'generic',
  since: '2.2.3',
  complexity: 'O(1)',
  summary: 'Tells how the value of a key is kept in memory.',
  syntax: 'key',
  tips: TIPS,
  handler(c) {
    const ref = lookup(c);
    if (ref !== 0) c.reply.bulkText(stringEncodingName(c.engine, ref));
  },
};

const FREQ: CommandSpec = {
  name: 'freq',
  arity: 3,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RO', 2)],
  group: 'generic',
  since: '4.0.0',
  complexity: 'O(1)',
  summary: 'Tells how often a key was used lately, as a logarithm (LFU policies only).',
  syntax: 'key',
  tips: TIPS,
  handler(c) {
    const ref = lookup(c);
    if (ref === 0) return;
    if (isLfu(c)) {
      c.reply.integer(c.engine.frequency(ref));
      return;
    }
    c.reply.error(
      'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching ' +
        'between policies at runtime LRU and LFU data will take some time to adjust.',
    );
  },
};

const IDLETIME: CommandSpec = {
  name: 'idletime',
  arity: 3,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RO', 2)],
  group: 'generic',
  since: '2.2.3',
  complexity: 'O(1)',
  summary: 'Tells for how many seconds a key was not used (not with LFU policies).',
  syntax: 'key',
  tips: TIPS,
  handler(c) {
    const ref = lookup(c);
    if (ref === 0) return;
    if (!isLfu(c)) {
      c.reply.integer(c.engine.idleSeconds(ref));
      return;
    }
    c.reply.error(
      'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching ' +
        'between policies at runtime LRU and LFU data will take some time to adjust.',
    );
  },
};

const REFCOUNT: CommandSpec = {
  name: 'refcount',
  arity: 3,
  flags: FLAGS,
  acl: ['keyspace'],
  keys: [keyRange('RO', 2)],
  group: 'generic',
  since: '2.2.3',
  complexity: 'O(1)',
  summary: 'Tells how many references there are to the value of a key.',
  syntax: 'key',
  tips: TIPS,
  handler(c) {
    const ref = lookup(c);
    if (ref !== 0) c.reply.integer(isShared(c, ref) ? SHARED_COUNT : 1);
  },
};

/** The record of the key in argument 2; replies null where there is none. Counted as a look-up, but no use of the key. */
function lookup(c: Context): Ref {
  const ref = c.peek(2);
  if (ref === 0) {
    c.model.stats.keyspaceMisses++;
    c.reply.nil();
  } else {
    c.model.stats.keyspaceHits++;
  }
  return ref;
}

function isLfu(c: Context): boolean {
  return c.model.settings.get('maxmemory-policy').endsWith('-lfu');
}

/** Whether Redis would share the value: a small integer. */
function isShared(c: Context, ref: Ref): boolean {
  const { engine } = c;
  if (stringEncodingName(engine, ref) !== 'int') return false;
  const start = engine.valueStart(ref);
  const value = parseInteger(engine.segment(ref).bytes, start, start + engine.valueLength(ref));
  return value >= 0 && value < SHARED_INTEGERS;
}

const OBJECT: CommandSpec = {
  name: 'object',
  arity: -2,
  flags: [],
  group: 'generic',
  since: '2.2.3',
  complexity: 'Depends on the subcommand',
  summary: 'Questions about the value of a key.',
  subcommands: [
    ENCODING,
    FREQ,
    IDLETIME,
    REFCOUNT,
    helpCommand('OBJECT', 'generic', '6.2.0', ['keyspace']),
  ],
};

export const OBJECT_COMMANDS: readonly CommandSpec[] = [OBJECT];
