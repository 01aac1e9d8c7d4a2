/**
 * What `tls-*` settings mean to Node.js. Every file is read and every value tried here, before anything listens with it, so that what is
 * wrong is told by the name of its setting; a key and a certificate that do not belong together are found too.
 */
import { createPrivateKey, type KeyObject, X509Certificate, constants } from 'node:crypto';
import tls from 'node:tls';
import { FileError, type FileSystem, joinPath, readSmallFile } from '../os/file-system.ts';

/** The settings of the same names; '' where nothing is said. */
export interface TlsOptions {
  certFile: string;
  keyFile: string;
  keyPassphrase: string;
  caFile: string;
  caDirectory: string;
  dhParamsFile: string;
  /** `tls-auth-clients`: whether clients must, may or need not show a certificate. */
  authClients: 'yes' | 'no' | 'optional';
  protocols: string;
  ciphers: string;
  cipherSuites: string;
  preferServerCiphers: boolean;
  /** `tls-session-caching` and `tls-session-cache-timeout`. */
  hasSessions: boolean;
  sessionSeconds: number;
}

/** TLS can't be served as the settings say. The message begins with the setting's name. */
export class TlsError extends Error {
  readonly code = 'ETLS';
  constructor(setting: string, reason: string, cause?: unknown) {
    super(`${setting}: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = 'TlsError';
  }
}

/** Certificates and keys are small. */
const CERTIFICATE_LIMIT_BYTES = 4 * 1024 * 1024;
/** Files of tls-ca-cert-dir; a system's own directory of authorities holds some hundreds. */
const CA_FILE_LIMIT = 4096;
/** What a directory of authorities calls its files: by hand, or by hash as `openssl rehash` does. */
const CA_FILE_NAME = /\.(pem|crt|cer)$|^[0-9a-f]{8}\.\d+$/;

/** In the order of their age, with the option that leaves one out from between two others. */
const VERSIONS: readonly (readonly [tls.SecureVersion, number])[] = [
  ['TLSv1', constants.SSL_OP_NO_TLSv1],
  ['TLSv1.1', constants.SSL_OP_NO_TLSv1_1],
  ['TLSv1.2', constants.SSL_OP_NO_TLSv1_2],
  ['TLSv1.3', constants.SSL_OP_NO_TLSv1_3],
];

/** Node.js's options of a TLS server. Throws TlsError. */
export function tlsServerOptions(files: FileSystem, options: TlsOptions): tls.TlsOptions {
  const { authClients } = options;
  if (options.certFile === '')
    throw new TlsError('tls-cert-file', 'a server of TLS needs a certificate');
  if (options.keyFile === '')
    throw new TlsError('tls-key-file', 'a server of TLS needs the key of its certificate');
  if (authClients !== 'no' && options.caFile === '' && options.caDirectory === '') {
    throw new TlsError(
      'tls-ca-cert-file',
      `with 'tls-auth-clients ${authClients}' it or tls-ca-cert-dir must say whose certificates count ('tls-auth-clients no' asks for none)`,
    );
  }
  const cert = read(files, 'tls-cert-file', options.certFile);
  const certificate = attempt('tls-cert-file', () => new X509Certificate(cert));
  const key = read(files, 'tls-key-file', options.keyFile);
  checkKey(options, certificate, key);
  const ca = readAuthorities(files, options);
  const dhparam = readDhParams(files, options.dhParamsFile);
  const versions = chooseVersions(options.protocols);
  const result: tls.TlsOptions = {
    cert,
    key,
    ...(options.keyPassphrase === '' ? {} : { passphrase: options.keyPassphrase }),
    ...(ca.length > 0 ? { ca } : {}),
    ...(dhparam === undefined ? {} : { dhparam }),
    requestCert: authClients !== 'no',
    rejectUnauthorized: authClients === 'yes',
    minVersion: versions.min,
    maxVersion: versions.max,
    secureOptions: versions.left | (options.hasSessions ? 0 : constants.SSL_OP_NO_TICKET),
    sessionTimeout: options.sessionSeconds,
    ciphers: chooseCiphers(options),
    honorCipherOrder: options.preferServerCiphers,
  };
  const parts: readonly (readonly [string, tls.SecureContextOptions])[] = [
    ['tls-ca-cert-file', ca.length > 0 ? { ca } : {}],
    ['tls-dh-params-file', dhparam === undefined ? {} : { dhparam }],
    [options.ciphers === '' ? 'tls-ciphersuites' : 'tls-ciphers', { ciphers: result.ciphers! }],
    ['tls-cert-file', result],
  ];
  for (const [setting, part] of parts) attempt(setting, () => tls.createSecureContext(part));
  return result;
}

function read(files: FileSystem, setting: string, path: string): Buffer {
  try {
    return Buffer.from(readSmallFile(files, path, CERTIFICATE_LIMIT_BYTES));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new TlsError(setting, `${path}: ${error.reason}`, error);
  }
}

/** Runs what OpenSSL may refuse; the refusal is told by the setting's name. */
function attempt<T>(setting: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new TlsError(setting, error instanceof Error ? error.message : String(error), error);
  }
}

function checkKey(options: TlsOptions, certificate: X509Certificate, key: Buffer): void {
  let parsed: KeyObject;
  try {
    parsed = createPrivateKey({
      key,
      ...(options.keyPassphrase === '' ? {} : { passphrase: options.keyPassphrase }),
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_MISSING_PASSPHRASE' || /bad decrypt|interrupted or cancelled/.test(message)) {
      throw new TlsError(
        'tls-key-file-pass',
        `it does not open ${options.keyFile}, which is encrypted`,
        error,
      );
    }
    throw new TlsError('tls-key-file', `${options.keyFile} holds no private key`, error);
  }
  if (!certificate.checkPrivateKey(parsed)) {
    throw new TlsError(
      'tls-key-file',
      `${options.keyFile} is not the key of the certificate in ${options.certFile}`,
    );
  }
}

function readAuthorities(files: FileSystem, options: TlsOptions): Buffer[] {
  const found: Buffer[] = [];
  if (options.caFile !== '') {
    const bytes = read(files, 'tls-ca-cert-file', options.caFile);
    attempt('tls-ca-cert-file', () => new X509Certificate(bytes)); // Node.js passes over what is none
    found.push(bytes);
  }
  if (options.caDirectory === '') return found;
  const setting = 'tls-ca-cert-dir';
  let names: string[];
  try {
    names = files.readDirectory(options.caDirectory).filter((name) => CA_FILE_NAME.test(name));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new TlsError(setting, `${options.caDirectory}: ${error.reason}`, error);
  }
  if (names.length === 0) {
    throw new TlsError(setting, `${options.caDirectory} holds no certificate (*.pem, *.crt)`);
  }
  if (names.length > CA_FILE_LIMIT) {
    throw new TlsError(setting, `${options.caDirectory} holds more than ${CA_FILE_LIMIT} files`);
  }
  for (const name of names) {
    const bytes = read(files, setting, joinPath(options.caDirectory, name));
    attempt(`${setting}: ${name}`, () => new X509Certificate(bytes));
    found.push(bytes);
  }
  return found;
}

function readDhParams(files: FileSystem, path: string): Buffer | undefined {
  if (path === '') return undefined;
  const bytes = read(files, 'tls-dh-params-file', path);
  if (!bytes.includes('DH PARAMETERS-----')) {
    throw new TlsError('tls-dh-params-file', `${path} holds no DH parameters`);
  }
  return bytes;
}

function chooseVersions(protocols: string): {
  min: tls.SecureVersion;
  max: tls.SecureVersion;
  left: number;
} {
  const words = protocols.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return { min: 'TLSv1.2', max: 'TLSv1.3', left: 0 };
  const wanted = new Set(words.map((word) => word.toLowerCase()));
  const isWanted = VERSIONS.map(([name]) => wanted.delete(name.toLowerCase()));
  if (wanted.size > 0) {
    throw new TlsError(
      'tls-protocols',
      `'${[...wanted].join(' ')}' is none of ${VERSIONS.map(([name]) => name).join(', ')}`,
    );
  }
  const first = isWanted.indexOf(true);
  const last = isWanted.lastIndexOf(true);
  let left = 0;
  for (let i = first; i < last; i++) if (!isWanted[i]!) left |= VERSIONS[i]![1];
  return { min: VERSIONS[first]![0], max: VERSIONS[last]![0], left };
}

/** Node.js takes suites of TLS 1.3 and older ciphers in one list, in which both kinds must stand. */
function chooseCiphers(options: TlsOptions): string {
  const defaults = tls.DEFAULT_CIPHERS.split(':');
  const isSuite = (name: string): boolean => name.startsWith('TLS_');
  const suites = options.cipherSuites || defaults.filter(isSuite).join(':');
  const older = options.ciphers || defaults.filter((name) => !isSuite(name)).join(':');
  return `${suites}:${older}`;
}
