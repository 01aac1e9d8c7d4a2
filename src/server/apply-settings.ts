/** Settings of the socket layer: read at start, and followed when CONFIG SET changes them. */
import type { Settings } from '../models/redis/settings/settings.ts';
import type { OutputLimit } from './client-limits.ts';
import type { ListenOptions } from './listeners.ts';
import type { Shard } from './shard.ts';

/** What the listeners need, from `bind`, `port`, `tls-*`, `unixsocket` and their like. */
export function listenOptions(settings: Settings): ListenOptions {
  const tlsPort = settings.number('tls-port');
  const authClients = settings.text('tls-auth-clients');
  return {
    bind: settings
      .text('bind')
      .split(/\s+/)
      .filter((address) => address !== ''),
    port: settings.number('port'),
    tlsPort,
    tls:
      tlsPort === 0
        ? undefined
        : {
            certFile: settings.text('tls-cert-file'),
            keyFile: settings.text('tls-key-file'),
            keyPassphrase: settings.text('tls-key-file-pass'),
            caFile: settings.text('tls-ca-cert-file'),
            caDirectory: settings.text('tls-ca-cert-dir'),
            authClients: authClients === 'no' || authClients === 'optional' ? authClients : 'yes',
            protocols: settings.text('tls-protocols'),
            ciphers: settings.text('tls-ciphers'),
            cipherSuites: settings.text('tls-ciphersuites'),
            preferServerCiphers: settings.flag('tls-prefer-server-ciphers'),
          },
    unixSocket: settings.text('unixsocket'),
    unixSocketMode: settings.number('unixsocketperm'),
    backlog: settings.number('tcp-backlog'),
    keepAliveSeconds: settings.number('tcp-keepalive'),
  };
}

/** Settings of the listeners: they can't change while the server runs, and CONFIG SET says so. */
const AT_START: readonly string[] = [
  'bind',
  'port',
  'tls-port',
  'tls-cert-file',
  'tls-key-file',
  'tls-key-file-pass',
  'tls-ca-cert-file',
  'tls-ca-cert-dir',
  'tls-auth-clients',
  'tls-protocols',
  'tls-ciphers',
  'tls-ciphersuites',
  'tls-prefer-server-ciphers',
  'tcp-keepalive',
];

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
    parser.maxBulkBytes = settings.number('proto-max-bulk-len');
  });
  follow('client-query-buffer-limit', () => {
    shard.maxQueryBytes = settings.number('client-query-buffer-limit');
  });
  follow('maxmemory-clients', () => {
    limits.maxMemoryBytes = settings.number('maxmemory-clients');
  });
  for (const name of AT_START) {
    settings.onChange(
      name,
      () => 'the listeners are opened at the start: restart the server to change it',
    );
  }
  follow('timeout', () => {
    limits.timeoutSeconds = settings.number('timeout');
  });
  follow('client-output-buffer-limit', () => {
    const classes = parseOutputLimits(settings.text('client-output-buffer-limit'));
    limits.normal = classes.get('normal') ?? limits.normal;
    limits.pubsub = classes.get('pubsub') ?? limits.pubsub;
  });
}

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
