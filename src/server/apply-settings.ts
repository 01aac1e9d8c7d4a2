/** Settings of the socket layer: read at start, and followed when CONFIG SET changes them. */
import { MAX_LENGTH_BYTES } from '../memory/index.ts';
import { MAX_PENDING_BYTES, READ_BYTES } from '../protocols/limits.ts';
import type { Settings } from '../models/redis/settings/settings.ts';
import type { OutputLimit } from './client-limits.ts';
import type { Door } from './door.ts';
import { ListenError, type Listeners, type ListenOptions } from './listeners.ts';
import type { Shard } from './shard.ts';
import { TlsError, type TlsOptions } from './tls-options.ts';

/** What the listeners need, from `bind`, `port`, `tls-*`, `unixsocket` and their like. */
export function listenOptions(settings: Settings): ListenOptions {
  const tlsPort = settings.number('tls-port');
  return {
    bind: addressesIn(settings.text('bind')),
    port: settings.number('port'),
    tlsPort,
    tls: tlsPort === 0 ? undefined : tlsOptions(settings),
    unixSocket: settings.text('unixsocket'),
    unixSocketMode: settings.number('unixsocketperm'),
    backlog: settings.number('tcp-backlog'),
  };
}

/** The addresses in a setting. */
export function addressesIn(text: string): string[] {
  return text.split(/\s+/).filter((address) => address !== '');
}

/** What `tls-*` say. */
export function tlsOptions(settings: Settings): TlsOptions {
  const authClients = settings.text('tls-auth-clients');
  return {
    certFile: settings.text('tls-cert-file'),
    keyFile: settings.text('tls-key-file'),
    keyPassphrase: settings.text('tls-key-file-pass'),
    caFile: settings.text('tls-ca-cert-file'),
    caDirectory: settings.text('tls-ca-cert-dir'),
    dhParamsFile: settings.text('tls-dh-params-file'),
    authClients: authClients === 'no' || authClients === 'optional' ? authClients : 'yes',
    protocols: settings.text('tls-protocols'),
    ciphers: settings.text('tls-ciphers'),
    cipherSuites: settings.text('tls-ciphersuites'),
    preferServerCiphers: settings.flag('tls-prefer-server-ciphers'),
    hasSessions: settings.flag('tls-session-caching'),
    sessionSeconds: settings.number('tls-session-cache-timeout'),
  };
}

/** Sets the limits of `shard` as the settings say, now and whenever they change. */
export function applyServerSettings(settings: Settings, shard: Shard): void {
  const follow = (name: string, apply: () => void): void => {
    apply();
    settings.onChange(name, () => {
      apply();
      return undefined;
    });
  };
  const { limits, parser } = shard;
  follow('proto-max-bulk-len', () => {
    // Longer ones than a record can hold are of no use to any command.
    parser.maxBulkBytes = Math.min(settings.number('proto-max-bulk-len'), MAX_LENGTH_BYTES);
  });
  follow('client-query-buffer-limit', () => {
    const limit = settings.number('client-query-buffer-limit');
    shard.maxQueryBytes = Math.min(limit, MAX_PENDING_BYTES - READ_BYTES);
  });
  follow('maxmemory-clients', () => {
    limits.maxMemoryBytes = settings.number('maxmemory-clients');
  });
  follow('timeout', () => {
    shard.idleSeconds = settings.number('timeout');
  });
  follow('client-output-buffer-limit', () => {
    const classes = parseOutputLimits(settings.text('client-output-buffer-limit'));
    limits.normal = classes.get('normal') ?? limits.normal;
    limits.pubsub = classes.get('pubsub') ?? limits.pubsub;
  });
}

const TLS_SETTINGS: readonly string[] = [
  'tls-cert-file',
  'tls-key-file',
  'tls-key-file-pass',
  'tls-ca-cert-file',
  'tls-ca-cert-dir',
  'tls-dh-params-file',
  'tls-auth-clients',
  'tls-protocols',
  'tls-ciphers',
  'tls-ciphersuites',
  'tls-prefer-server-ciphers',
  'tls-session-caching',
  'tls-session-cache-timeout',
];

/** Follows the settings of the sockets, which `read` reads, once those of the start are open. Clients that are there stay as they are. */
export function followListenSettings(
  settings: Settings,
  listeners: Listeners,
  log: (message: string) => void,
  read: (settings: Settings) => ListenOptions = listenOptions,
): void {
  const follow = (names: readonly string[], refusal: string): void => {
    const change = (): string | undefined => {
      try {
        listeners.change(read(settings));
        return undefined;
      } catch (error) {
        if (!(error instanceof TlsError) && !(error instanceof ListenError)) throw error;
        log(error.message);
        return error instanceof TlsError ? TLS_REFUSAL : refusal;
      }
    };
    for (const name of names) settings.onChange(name, change);
  };
  follow(['port', 'tls-port'], 'Unable to listen on this port. Check server logs.');
  follow(['bind'], 'Failed to bind to specified addresses.');
  follow(TLS_SETTINGS, TLS_REFUSAL);
}

/** Follows `tcp-keepalive`. */
export function followKeepAlive(settings: Settings, door: Door): void {
  const follow = (): void => {
    door.keepAliveSeconds = settings.number('tcp-keepalive');
  };
  follow();
  settings.onChange('tcp-keepalive', follow);
}

const TLS_REFUSAL = 'Unable to update TLS configuration. Check server logs.';

/** `normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60`, as CONFIG GET prints it. */
function parseOutputLimits(text: string): Map<string, OutputLimit> {
  const words = text.split(/\s+/);
  const classes = new Map<string, OutputLimit>();
  for (let i = 0; i + 3 < words.length; i += 4) {
    classes.set(words[i]!, {
      hardBytes: Number(words[i + 1]),
      softBytes: Number(words[i + 2]),
      softSeconds: Number(words[i + 3]),
    });
  }
  return classes;
}
