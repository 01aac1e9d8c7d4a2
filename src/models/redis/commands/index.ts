/** All commands of the Redis model, by group. A new file of commands is added here and nowhere else. */
import type { CommandSpec } from '../command.ts';
import { ACL } from './acl.ts';
import { BIT_FIELD_COMMANDS } from './bits-field.ts';
import { BIT_OPERATION_COMMANDS } from './bits-op.ts';
import { BIT_RANGE_COMMANDS } from './bits-range.ts';
import { BIT_COMMANDS } from './bits-single.ts';
import { CLIENT } from './client.ts';
import { COMMAND } from './command.ts';
import { CONFIG } from './config.ts';
import { CONNECTION_COMMANDS } from './connection.ts';
import { FLOAT_COUNTER_COMMANDS } from './counters-float.ts';
import { COUNTER_COMMANDS } from './counters.ts';
import { DEBUG } from './debug.ts';
import { EXPIRY_INSPECT_COMMANDS } from './expiry-inspect.ts';
import { EXPIRY_COMMANDS } from './expiry.ts';
import { FUNCTION } from './function.ts';
import { INFO } from './info.ts';
import { KEY_COMMANDS } from './keys-basic.ts';
import { DATABASE_COMMANDS } from './keys-database.ts';
import { KEY_LIST_COMMANDS } from './keys-list.ts';
import { KEY_MOVE_COMMANDS } from './keys-move.ts';
import { LATENCY } from './latency.ts';
import { LCS_COMMANDS } from './lcs.ts';
import { MEMORY } from './memory.ts';
import { MODULE } from './module.ts';
import { MONITOR } from './monitor.ts';
import { OBJECT_COMMANDS } from './object.ts';
import { PUBSUB_INSPECT_COMMANDS } from './pubsub-inspect.ts';
import { PUBSUB_COMMANDS } from './pubsub.ts';
import { SCAN_COMMANDS } from './scan.ts';
import { SERVER_COMMANDS } from './server.ts';
import { SLOWLOG } from './slowlog.ts';
import { STRING_EDIT_COMMANDS } from './strings-edit.ts';
import { STRING_GET_COMMANDS } from './strings-get.ts';
import { STRING_MANY_COMMANDS } from './strings-many.ts';
import { STRING_SET_COMMANDS } from './strings-set.ts';
import { TRANSACTION_COMMANDS } from './transactions.ts';
import { WAIT_COMMANDS } from './wait.ts';

export const COMMANDS: readonly CommandSpec[] = [
  ...STRING_SET_COMMANDS,
  ...STRING_GET_COMMANDS,
  ...STRING_MANY_COMMANDS,
  ...STRING_EDIT_COMMANDS,
  ...COUNTER_COMMANDS,
  ...FLOAT_COUNTER_COMMANDS,
  ...LCS_COMMANDS,
  ...BIT_COMMANDS,
  ...BIT_RANGE_COMMANDS,
  ...BIT_OPERATION_COMMANDS,
  ...BIT_FIELD_COMMANDS,
  ...KEY_COMMANDS,
  ...KEY_MOVE_COMMANDS,
  ...KEY_LIST_COMMANDS,
  ...SCAN_COMMANDS,
  ...OBJECT_COMMANDS,
  ...EXPIRY_COMMANDS,
  ...EXPIRY_INSPECT_COMMANDS,
  ...DATABASE_COMMANDS,
  ...TRANSACTION_COMMANDS,
  ...PUBSUB_COMMANDS,
  ...PUBSUB_INSPECT_COMMANDS,
  ...WAIT_COMMANDS,
  ...CONNECTION_COMMANDS,
  ...SERVER_COMMANDS,
  ACL,
  CLIENT,
  COMMAND,
  CONFIG,
  DEBUG,
  FUNCTION,
  INFO,
  LATENCY,
  MEMORY,
  MODULE,
  MONITOR,
  SLOWLOG,
];
