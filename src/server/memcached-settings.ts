/** What `memcached-*` settings mean to the memcached side: read at the start, and followed where they may change. */
import { type Credentials, CredentialsError } from '../models/memcached/credentials.ts';
import { MemcachedOptions, type Protocol } from '../models/memcached/options.ts';
import type { Settings } from '../models/redis/settings/settings.ts';
import { FileError, type FileSystem, readSmallFile } from '../os/file-system.ts';
import { addressesIn, tlsOptions } from './apply-settings.ts';
import type { ListenOptions } from './listeners.ts';

/** Who may authenticate stands in a small file. */
const AUTH_FILE_LIMIT_BYTES = 1024 * 1024;

const LISTENING: readonly string[] = ['memcached-port', 'memcached-tls-port', 'memcached-udp-port'];

/** The memcached side can't be had as the settings say. The message begins with the setting's name. */
export class MemcachedSettingError extends Error {
  readonly code = 'BAD_SETTING';
}

/** Whether memcached's clients are listened for anywhere. */
export function isMemcachedOn(settings: Settings): boolean {
  return (
    settings.text('memcached-unixsocket') !== '' ||
    LISTENING.some((name) => settings.number(name) !== 0)
  );
}

/** The addresses that memcached's clients are listened for at. */
export function memcachedAddresses(settings: Settings): string[] {
  const own = addressesIn(settings.text('memcached-bind'));
  return own.length > 0 ? own : addressesIn(settings.text('bind'));
}

/** The sockets of the memcached side, UDP apart. */
export function memcachedListenOptions(settings: Settings): ListenOptions {
  const tlsPort = settings.number('memcached-tls-port');
  return {
    bind: memcachedAddresses(settings),
    port: settings.number('memcached-port'),
    tlsPort,
    tls: tlsPort === 0 ? undefined : tlsOptions(settings),
    unixSocket: settings.text('memcached-unixsocket'),
    unixSocketMode: settings.number('memcached-unixsocketperm'),
    backlog: settings.number('memcached-backlog'),
  };
}

/** What is fixed at the start. */
export function readMemcachedOptions(settings: Settings): MemcachedOptions {
  const options = new MemcachedOptions();
  options.hasCas = settings.flag('memcached-cas');
  options.prefixDelimiter = settings.text('memcached-prefix-delimiter');
  options.isDetailed = settings.flag('memcached-detail');
  options.tcpPort = settings.number('memcached-port') || settings.number('memcached-tls-port');
  options.udpPort = settings.number('memcached-udp-port');
  options.bind = settings.text('memcached-bind').replaceAll(' ', ',');
  options.unixSocket = settings.text('memcached-unixsocket');
  options.unixSocketMode = settings.number('memcached-unixsocketperm');
  options.backlog = settings.number('memcached-backlog');
  return options;
}

/** Sets `options` as the settings say, now and whenever they change; `apply` is called each time. */
export function followMemcachedOptions(
  settings: Settings,
  options: MemcachedOptions,
  apply: () => void,
): void {
  const read = (): void => {
    options.itemSizeMax = settings.number('memcached-item-size-max');
    options.maxConnections = settings.number('memcached-maxclients');
    options.idleTimeoutSeconds = settings.number('memcached-idle-timeout');
    options.protocol = settings.text('memcached-protocol') as Protocol;
    options.mayFlush = settings.flag('memcached-flush-all');
    options.mayDump = settings.flag('memcached-dump');
    options.mayWatch = settings.flag('memcached-watch');
    options.mayShutDown = settings.flag('memcached-shutdown');
    apply();
  };
  read();
  for (const directive of settings.directives()) {
    if (directive.name.startsWith('memcached-') && directive.isFixed !== true) {
      settings.onChange(directive.name, read);
    }
  }
}

/** Who may come in by `memcached-auth-file` and `requirepass`, now and whenever they change. Throws MemcachedSettingError. */
export function followCredentials(
  settings: Settings,
  files: FileSystem,
  credentials: Credentials,
  options: MemcachedOptions,
): void {
  const load = (): string | undefined => {
    const path = settings.text('memcached-auth-file');
    options.authFile = path;
    if (path === '') {
      credentials.clear();
      return undefined;
    }
    try {
      const bytes = readSmallFile(files, path, AUTH_FILE_LIMIT_BYTES);
      credentials.load(Buffer.from(bytes).toString('latin1'));
      return undefined;
    } catch (error) {
      if (error instanceof CredentialsError) return `${path}: ${error.message}`;
      if (error instanceof FileError) return `${path}: ${error.reason}`;
      throw error;
    }
  };
  const error = load();
  if (error !== undefined) throw new MemcachedSettingError(`memcached-auth-file: ${error}`);
  settings.onChange('memcached-auth-file', load);
  const follow = (): void => {
    credentials.serverPassword = settings.text('requirepass');
  };
  follow();
  settings.onChange('requirepass', follow);
}
