/** The options of `kvasir cli`, which are redis-cli's where it has them, and what they say about the connection. */
import { readSmallFile } from '../os/file-system.ts';
import { realSystem } from '../os/system.ts';

/** As commander gives them. */
export interface ClientOptions {
  host: string;
  port: string;
  socket?: string;
  uri?: string;
  pass?: string;
  user?: string;
  askpass?: boolean;
  authWarning: boolean;
  db?: string;
  repeat: string;
  interval: string;
  2?: boolean;
  3?: boolean;
  tls?: boolean;
  sni?: string;
  cacert?: string;
  cert?: string;
  key?: string;
  insecure?: boolean;
  raw?: boolean;
  csv?: boolean;
  json?: boolean;
  delimiter: string;
  x?: boolean;
  X?: string;
  pipe?: boolean;
  scan?: boolean;
  pattern?: string;
  count?: string;
}

/** Where to connect, and as whom. */
export interface Target {
  host: string;
  port: number;
  /** A Unix socket instead of host and port. */
  path: string | undefined;
  /** One byte a character, as the password. */
  user: string | undefined;
  password: string | undefined;
  database: string;
  resp: 2 | 3;
  tls: TlsTarget | undefined;
}

export interface TlsTarget {
  servername: string | undefined;
  ca: Buffer | undefined;
  cert: Buffer | undefined;
  key: Buffer | undefined;
  isUnchecked: boolean;
}

/** The options are wrong; the message says how. */
export class UsageError extends Error {}

const CERTIFICATE_LIMIT_BYTES = 1024 * 1024;

/** Throws UsageError, and FileError where a certificate can't be read. */
export function targetOf(options: ClientOptions): Target {
  const target: Target = {
    host: options.host,
    port: portOf(options.port),
    path: options.socket,
    user: bytesOf(options.user),
    password: bytesOf(options.pass ?? process.env['REDISCLI_AUTH']),
    database: databaseOf(options.db ?? '0'),
    // JSON tells maps from arrays, so it asks for them.
    resp: options[3] === true || (options.json === true && options[2] !== true) ? 3 : 2,
    tls: undefined,
  };
  let isTls = options.tls === true;
  if (options.uri !== undefined) isTls = applyUri(target, options.uri) || isTls;
  if (isTls) target.tls = tlsOf(options);
  return target;
}

/** `host:port`, or the Unix socket's path, as the prompt shows it. */
export function nameOf({ path, host, port }: Target): string {
  return path ?? `${host}:${port}`;
}

/** `redis://[[user]:password@]host[:port][/database]`; true for `rediss`, which is TLS. */
function applyUri(target: Target, uri: string): boolean {
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    throw new UsageError(`Invalid URI: ${uri.replace(/\/\/.*@/, '//...@')}`);
  }
  const [, tlsMark] = /^(?:redis|valkey|kvasir)(s?):$/.exec(url.protocol) ?? [];
  if (tlsMark === undefined) {
    throw new UsageError(`Invalid URI scheme: ${url.protocol.slice(0, -1)} (redis or rediss)`);
  }
  if (url.hostname !== '') target.host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.port !== '') target.port = portOf(url.port);
  if (url.username !== '') target.user = bytesOf(decodeURIComponent(url.username));
  if (url.password !== '') target.password = bytesOf(decodeURIComponent(url.password));
  if (url.pathname.length > 1) target.database = databaseOf(url.pathname.slice(1));
  return tlsMark === 's';
}

/** One byte a character, as requests are made of. */
function bytesOf<T extends string | undefined>(text: T): T {
  return (text === undefined ? text : Buffer.from(text).toString('latin1')) as T;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new UsageError(`Invalid server port: ${text}`);
  }
  return port;
}

function databaseOf(text: string): string {
  if (!/^\d+$/.test(text)) throw new UsageError(`Invalid database number: ${text}`);
  return text;
}

function tlsOf(options: ClientOptions): TlsTarget {
  const read = (path: string | undefined): Buffer | undefined =>
    path === undefined
      ? undefined
      : Buffer.from(readSmallFile(realSystem().files, path, CERTIFICATE_LIMIT_BYTES));
  return {
    servername: options.sni,
    ca: read(options.cacert),
    cert: read(options.cert),
    key: read(options.key),
    isUnchecked: options.insecure === true,
  };
}
