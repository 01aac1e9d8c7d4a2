/** Operations about the server and the connection: version, noop, quit, flush, stat, SASL. */
import { latin1 } from '../../bytes/resp-request.ts';
import type { BinaryContext } from './binary-context.ts';
import { STATUS, writeEmpty, writeHeader, writeText } from './binary-reply.ts';
import type { BinaryCommandSpec } from './binary-table.ts';
import { expiryOf } from './expiry-time.ts';
import { itemClassStats, slabStats } from './stats-classes.ts';
import { generalStats, type StatLine } from './stats-general.ts';
import { settingStats } from './stats-settings.ts';
import { MEMCACHED_VERSION } from './version.ts';

const MECHANISM = 'PLAIN';

function flush(c: BinaryContext): void {
  const { model, options, request, statistics, writer } = c;
  if (!options.mayFlush) {
    c.error(STATUS.authError);
    return;
  }
  const exptime = request.extrasBytes === 4 ? request.extra32(0) : 0;
  model.flush.at(expiryOf(exptime, c.engine.now));
  statistics.flushCommands++;
  if (!c.isQuiet) writeEmpty(writer, request, 0, 0);
}

function quit(c: BinaryContext): void {
  if (!c.isQuiet) writeEmpty(c.writer, c.request, 0, 0);
  c.isClosing = true;
}

// ---- stat

function sendStats(c: BinaryContext, lines: readonly StatLine[]): void {
  const { request, writer } = c;
  for (const [name, value] of lines) writeText(writer, request, name, String(value));
  writeEmpty(writer, request, 0, 0);
}

function stat(c: BinaryContext): void {
  const { model } = c;
  const { prefixes } = model;
  const name = c.keyText();
  if (name === '') sendStats(c, generalStats(model));
  else if (name.startsWith('reset')) {
    model.resetStatistics();
    sendStats(c, []);
  } else if (name.startsWith('settings')) sendStats(c, settingStats(model));
  else if (name === 'items') sendStats(c, itemClassStats(model));
  else if (name === 'slabs') sendStats(c, slabStats(model));
  else if (name === 'sizes') sendStats(c, [['sizes_status', 'disabled']]);
  else if (name.startsWith('detail dump')) {
    const text = [...prefixes.lines(), 'END', ''].join('\r\n');
    sendStats(c, [['detailed', text]]);
  } else if (name.startsWith('detail on') || name.startsWith('detail off')) {
    prefixes.isOn = name.startsWith('detail on');
    sendStats(c, []);
  } else c.error(STATUS.notFound);
}

// ---- SASL

function hasSasl(c: BinaryContext): boolean {
  if (c.model.credentials.isRequired) return true;
  c.error(STATUS.unknownCommand);
  return false;
}

function listMechanisms(c: BinaryContext): void {
  if (hasSasl(c)) writeText(c.writer, c.request, '', MECHANISM);
}

/** A message of SASL PLAIN (RFC 4616): whom to act as, user and password, with a zero byte between. */
function authenticate(c: BinaryContext): void {
  const { client, model, request, statistics } = c;
  if (!hasSasl(c)) return;
  statistics.authCommands++;
  const message = latin1(request.region, request.valueStart, request.valueEnd);
  if (c.keyText() === MECHANISM && message === '' && !client.isAuthenticating) {
    // The message comes with the next step.
    client.isAuthenticating = true;
    writeHeader(c.writer, request, STATUS.authContinue, 0, 0, 0, 0, 0);
    return;
  }
  const [, user, password, ...more] = message.split('\0');
  const isWhole = user !== undefined && password !== undefined && more.length === 0;
  client.isAuthenticating = false;
  if (c.keyText() === MECHANISM && isWhole && model.credentials.check(user, password)) {
    client.isAuthenticated = true;
    writeText(c.writer, request, '', 'Authenticated');
    return;
  }
  statistics.authErrors++;
  c.error(STATUS.authError);
}

/** A further message; there must have been a first one. */
function authenticateFurther(c: BinaryContext): void {
  if (c.client.isAuthenticating || !hasSasl(c)) {
    authenticate(c);
    return;
  }
  c.statistics.authCommands++;
  c.statistics.authErrors++;
  c.error(STATUS.authError);
}

const ABOUT = { extras: [0], key: 'none', isAboutServer: true } as const;

export const BINARY_SERVER_COMMANDS: readonly BinaryCommandSpec[] = [
  { ...ABOUT, opcode: 0x07, name: 'quit', handler: quit },
  { ...ABOUT, opcode: 0x17, name: 'quitq', isQuiet: true, handler: quit },
  { opcode: 0x08, name: 'flush', extras: [0, 4], key: 'none', isWrite: true, handler: flush },
  {
    opcode: 0x18,
    name: 'flushq',
    extras: [0, 4],
    key: 'none',
    isQuiet: true,
    isWrite: true,
    handler: flush,
  },
  {
    ...ABOUT,
    opcode: 0x0a,
    name: 'noop',
    handler: (c) => writeEmpty(c.writer, c.request, 0, 0),
  },
  {
    ...ABOUT,
    opcode: 0x0b,
    name: 'version',
    isOpen: true,
    handler: (c) => writeText(c.writer, c.request, '', MEMCACHED_VERSION),
  },
  {
    opcode: 0x10,
    name: 'stat',
    extras: [0],
    key: 'optional',
    hasValue: true,
    isAboutServer: true,
    handler: stat,
  },
  { ...ABOUT, opcode: 0x20, name: 'sasl list mechs', isOpen: true, handler: listMechanisms },
  {
    opcode: 0x21,
    name: 'sasl auth',
    extras: [0],
    key: 'needed',
    hasValue: true,
    isAboutServer: true,
    isOpen: true,
    handler: authenticate,
  },
  {
    opcode: 0x22,
    name: 'sasl step',
    extras: [0],
    key: 'needed',
    hasValue: true,
    isAboutServer: true,
    isOpen: true,
    handler: authenticateFurther,
  },
];
