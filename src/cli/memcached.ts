/** `kvasir memcached`: a memcached, called as memcached is. Nothing is kept on disk, and no Redis clients are listened for. */
import { execFileSync, spawn } from 'node:child_process';
import net from 'node:net';
import { MEMCACHED_VERSION } from '../models/memcached/version.ts';
import { Settings } from '../models/redis/settings/settings.ts';
import type { FileSystem } from '../os/file-system.ts';
import { realSystem } from '../os/system.ts';
import { createLogger, type Logger } from '../server/logger.ts';
import { packageVersion } from '../server/process-host.ts';
import { type RunningServer, startServer } from '../server/server.ts';
import { FlagError, type MemcachedCall } from './memcached-call.ts';
import { FLAGS, readFlags } from './memcached-flags.ts';
import { removePidFile, stopOnSignals, writePidFile } from './process.ts';

/** sysexits.h: called wrongly. */
const USAGE = 64;
const DEFAULT_PORT = 11211;
const MB = 1024 * 1024;
const MIN_ITEM_BYTES = 1024;
const MAX_ITEM_BYTES: number = 1024 * MB;
/** How long a daemon may take to be there. */
const DAEMON_MS = 10_000;
const STAY_MS = 3_600_000;

/** Runs until the server ends; returns the exit code. */
export async function memcached(words: readonly string[]): Promise<number> {
  let call: MemcachedCall;
  const settings = new Settings();
  try {
    call = readFlags(words);
    if (call.ask !== undefined) {
      process.stdout.write(answerOf(call.ask));
      return 0;
    }
    checkUser(call.user);
    await applyCall(call, settings);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return USAGE;
  }
  if (call.isDaemon && process.send === undefined) return startDaemon(words);
  return await run(call, settings);
}

async function run(call: MemcachedCall, settings: Settings): Promise<number> {
  const system = realSystem();
  const logger = await createLogger({
    level: ['warning', 'verbose', 'debug'][Math.min(2, call.verbosity)]!,
    file: '',
    isReadable: process.stdout.isTTY,
  });
  let server: RunningServer;
  try {
    server = await startServer({
      ...{ settings, logger, system, tunables: call.tunables },
      memoryOnly: true,
    });
    stopOnSignals(server, logger);
    await server.ready;
    becomeUser(call.user);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
  process.on('SIGHUP', () => readAgain(settings, server, logger));
  writePidFile(settings, system.files, logger);
  writePortFile(settings, system.files);
  if (call.isDaemon) process.send?.('ready', () => process.disconnect());
  if (server.addresses.length === 0)
    logger.warning('There is nothing to listen on: no -p, -U nor -s.');
  // As memcached, it stays all the same; without a socket nothing else keeps the process.
  const stay = setInterval(() => {}, STAY_MS);
  const code = await server.stopped;
  clearInterval(stay);
  removePidFile(settings, system.files);
  return code;
}

function answerOf(ask: 'help' | 'version' | 'license'): string {
  if (ask === 'version') return `memcached ${MEMCACHED_VERSION}\n`;
  if (ask === 'license') return `Kvasir ${packageVersion()}: see the file LICENSE.\n`;
  const lines = FLAGS.map(({ letter, name, value, help }) => {
    const long = value === undefined ? name : `${name}=<${value}>`;
    return `-${letter}, --${long.padEnd(26)} ${help}`;
  });
  return [
    `memcached ${MEMCACHED_VERSION} as Kvasir ${packageVersion()} speaks it`,
    ...lines,
    '',
  ].join('\n');
}

/** Says in settings what was said in flags. */
async function applyCall(call: MemcachedCall, settings: Settings): Promise<void> {
  const { itemSizeBytes } = call;
  const memoryBytes = call.memoryMegabytes * MB;
  if (itemSizeBytes < MIN_ITEM_BYTES) {
    throw new FlagError('Item max size cannot be less than 1024 bytes.');
  }
  if (memoryBytes > 0 && itemSizeBytes > memoryBytes / 2) {
    throw new FlagError('Cannot set item size limit higher than 1/2 of memory max.');
  }
  if (itemSizeBytes > MAX_ITEM_BYTES) {
    throw new FlagError('Cannot set item size limit higher than a gigabyte.');
  }
  const values = new Map<string, string>([
    ['appendonly', 'no'],
    ['port', '0'],
    // Who says where to listen says so for other machines too.
    ['protected-mode', call.listen.length > 0 ? 'no' : 'yes'],
    ['maxmemory', String(memoryBytes)],
    ['maxmemory-scope', 'data'],
    ['maxmemory-policy', call.evicts ? 'allkeys-lru' : 'noeviction'],
    ['memcached-item-size-max', String(itemSizeBytes)],
    ['pidfile', call.pidFile],
    ...(await listening(call)),
    ...authentication(call),
    ...call.settings,
  ]);
  if (call.hasTls) withTls(values);
  for (const [name, value] of values) {
    const error = settings.initialise(name, [value]);
    if (error !== undefined) throw new FlagError(`${name} ${value}: ${error}`);
  }
}

async function listening(call: MemcachedCall): Promise<[string, string][]> {
  if (call.unixSocket !== '') return [['memcached-unixsocket', call.unixSocket]];
  const { addresses, port: named } = splitAddresses(call.listen);
  const udp = call.udpPort ?? 0;
  const port = named ?? call.port ?? (udp !== 0 ? udp : DEFAULT_PORT);
  if (port > 65535 || udp > 65535) {
    throw new FlagError(`ERROR: Invalid port number ${Math.max(port, udp)}.`);
  }
  return [
    ['memcached-port', String(port === -1 ? await freePort() : port)],
    ['memcached-udp-port', String(udp === -1 ? await freePort() : udp)],
    ['memcached-bind', addresses.length === 0 ? '127.0.0.1' : addresses.join(' ')],
  ];
}

/** `address`, `address:port`, `[address]:port`; all ports must be one. */
function splitAddresses(listen: readonly string[]): {
  addresses: string[];
  port: number | undefined;
} {
  const ports = new Set<number>();
  const addresses = listen.map((text) => {
    const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text);
    if (match === null) return text;
    if (match[3] !== undefined) ports.add(Number(match[3]));
    return match[1] ?? match[2]!;
  });
  if (ports.size > 1) throw new FlagError('-l: one port for all addresses');
  return { addresses: [...new Set(addresses)], port: [...ports][0] };
}

function authentication(call: MemcachedCall): [string, string][] {
  const { authFile, hasSasl, protocol } = call;
  if (hasSasl && (protocol ?? 'binary') !== 'binary') {
    throw new FlagError('ERROR: You cannot allow the ASCII protocol while using SASL.');
  }
  if (hasSasl && (call.udpPort ?? 0) !== 0) {
    throw new FlagError('ERROR: Cannot enable UDP while using binary SASL authentication.');
  }
  if (authFile !== '' && (protocol ?? 'ascii') !== 'ascii') {
    throw new FlagError(
      'ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.',
    );
  }
  const users = hasSasl ? (process.env['MEMCACHED_SASL_PWDB'] ?? '') : authFile;
  if (hasSasl && users === '') {
    throw new FlagError('-S: MEMCACHED_SASL_PWDB must name a file of user:password lines');
  }
  const usual = hasSasl ? 'binary' : authFile === '' ? 'auto' : 'ascii';
  return [
    ['memcached-protocol', protocol ?? usual],
    ['memcached-auth-file', users],
  ];
}

function withTls(values: Map<string, string>): void {
  const port = values.get('memcached-port');
  if (port === undefined || port === '0') {
    throw new FlagError('ERROR: You cannot enable SSL without a TCP port.');
  }
  values.set('memcached-tls-port', port);
  values.set('memcached-port', '0');
  if (!values.has('tls-key-file')) values.set('tls-key-file', values.get('tls-cert-file') ?? '');
  if (!values.has('tls-auth-clients')) values.set('tls-auth-clients', 'no');
}

// ---- the process

/** Throws where the user can't be changed to. */
function checkUser(user: string): void {
  if (process.getuid?.() !== 0) return;
  if (user === '') throw new FlagError("can't run as root without the -u switch");
  if (groupOf(user) === undefined) {
    throw new FlagError(`can't find the user ${user} to switch to`);
  }
}

/** The user's own group; undefined where nobody has this name. */
function groupOf(user: string): number | undefined {
  try {
    return Number(execFileSync('id', ['-g', '--', user], { stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

/** Goes on as `user`, when this is root. */
function becomeUser(user: string): void {
  if (process.getuid?.() !== 0 || user === 'root') return;
  const group = groupOf(user)!;
  (process as { initgroups?: (user: string, group: number) => void }).initgroups!(user, group);
  process.setgid!(group);
  process.setuid!(user);
}

/** SIGHUP: users and certificates may have changed. */
function readAgain(settings: Settings, server: RunningServer, logger: Logger): void {
  const file = settings.text('memcached-auth-file');
  const error =
    (file === '' ? undefined : settings.set([['memcached-auth-file', file]])) ??
    server.memcached?.refreshCertificates();
  if (error !== undefined) logger.warning(error);
}

/** Starts this command again, without a terminal, and waits until it is there. */
async function startDaemon(words: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [process.argv[1]!, 'memcached', ...words], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return await new Promise<number>((resolve) => {
    const timer = setTimeout(() => resolve(1), DAEMON_MS);
    const done = (code: number): void => {
      clearTimeout(timer);
      child.unref();
      resolve(code);
    };
    child.once('message', () => done(0));
    child.once('exit', (code) => done(code ?? 1));
  });
}

/** Tells whoever started this which ports are in use, in the file that the environment names. */
function writePortFile(settings: Settings, files: FileSystem): void {
  const path = process.env['MEMCACHED_PORT_FILENAME'];
  if (path === undefined || path === '') return;
  const port = settings.number('memcached-port') || settings.number('memcached-tls-port');
  const udpPort = settings.number('memcached-udp-port');
  const lines = [
    ...(port === 0 ? [] : [`TCP INET: ${port}\n`]),
    ...(udpPort === 0 ? [] : [`UDP INET: ${udpPort}\n`]),
  ];
  const text = Buffer.from(lines.join(''));
  const temporary = `${path}.lck`;
  const file = files.open(temporary, 'replace');
  file.write(text, 0, text.length, 0);
  file.close();
  files.rename(temporary, path);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
