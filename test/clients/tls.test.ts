/** TLS: node-redis and ioredis with the server's certificate checked, and clients' certificates as tls-auth-clients says. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningServer } from '../../src/server/server.ts';
import { RawClient } from '../support/raw-client.ts';
import { freePort, serverInProcess, temporaryDirectory } from '../support/server.ts';

const FOLDER = fileURLToPath(new URL('../fixtures/tls', import.meta.url));
const file = (name: string): string => path.join(FOLDER, name);
const read = (name: string): Buffer => fs.readFileSync(file(name));

let server: RunningServer | undefined;
let tlsPort = 0;

async function serve(values: Readonly<Record<string, string>> = {}): Promise<void> {
  tlsPort = await freePort();
  server = await serverInProcess({
    'tls-port': String(tlsPort),
    'tls-cert-file': file('server.crt'),
    'tls-key-file': file('server.key'),
    'tls-ca-cert-file': file('ca.crt'),
    'tls-auth-clients': 'no',
    ...values,
  });
}

/** A TLS client; rejects where the handshake fails, on either side. */
async function dial(options: tls.ConnectionOptions = {}): Promise<RawClient> {
  const socket = tls.connect({
    host: '127.0.0.1',
    servername: 'localhost',
    port: tlsPort,
    ca: read('ca.crt'),
    ...options,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return RawClient.connect(socket);
}

/** Whether a client with these options is served. In TLS 1.3 a client learns only later that its certificate was refused. */
async function isServed(options: tls.ConnectionOptions): Promise<boolean> {
  const client = await dial(options).catch(() => undefined);
  if (client === undefined) return false;
  const isServed = await Promise.race([
    client.call('PING').then((reply) => reply === 'PONG'),
    client.closed.then(() => false),
  ]);
  client.close();
  return isServed;
}

const withCertificate = (name: string): tls.ConnectionOptions => ({
  cert: read(`${name}.crt`),
  key: read(`${name}.key`),
});

afterEach(async () => {
  await server?.stop();
  server = undefined;
});

test.each([2, 3] as const)('node-redis over TLS, RESP%i', async (RESP) => {
  await serve({ requirepass: 'secret' });
  const client = await createClient({
    RESP,
    password: 'secret',
    socket: { tls: true, port: tlsPort, host: 'localhost', ca: read('ca.crt') },
  }).connect();
  const value = 'x'.repeat(3_000_000);
  await client.set('big', value);
  expect(await client.get('big')).toBe(value);
  const replies = await Promise.all(Array.from({ length: 2000 }, () => client.incr('n')));
  expect(replies).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
  client.destroy();
});

test('ioredis over TLS: pipelines and messages', async () => {
  await serve();
  const options = { port: tlsPort, host: 'localhost', tls: { ca: read('ca.crt') } };
  const redis = new Redis(options);
  const pipeline = redis.pipeline();
  for (let i = 0; i < 3000; i++) pipeline.set(`k${i}`, 'v'.repeat(200)).get(`k${i}`);
  const replies = (await pipeline.exec())!;
  expect(replies.filter(([error]) => error !== null)).toEqual([]);
  expect(replies[5999]).toEqual([null, 'v'.repeat(200)]);
  const subscriber = new Redis(options);
  const got: string[] = [];
  subscriber.on('message', (_channel: string, message: string) => got.push(message));
  await subscriber.subscribe('c');
  await redis.publish('c', 'over TLS');
  await expect.poll(() => got).toEqual(['over TLS']);
  subscriber.disconnect();
  redis.disconnect();
});

test('a server whose certificate the client does not know is not trusted', async () => {
  await serve();
  await expect(dial({ ca: [] })).rejects.toThrow(/verify|certificate/);
});

describe('certificates of clients', () => {
  test('tls-auth-clients yes: only with one of the authority', async () => {
    await serve({ 'tls-auth-clients': 'yes' });
    expect(await isServed(withCertificate('client'))).toBe(true);
    expect(await isServed({})).toBe(false);
    expect(await isServed(withCertificate('stranger'))).toBe(false);
  });

  test('tls-auth-clients optional: none, or one of the authority', async () => {
    await serve({ 'tls-auth-clients': 'optional' });
    expect(await isServed(withCertificate('client'))).toBe(true);
    expect(await isServed({})).toBe(true);
    expect(await isServed(withCertificate('stranger'))).toBe(false);
  });

  test('tls-auth-clients no: nobody is asked', async () => {
    await serve({ 'tls-auth-clients': 'no' });
    expect(await isServed(withCertificate('stranger'))).toBe(true);
  });

  test.each(['ca.pem', '0a1b2c3d.0'])('an authority from a directory: %s', async (name) => {
    const dir = temporaryDirectory();
    fs.copyFileSync(file('ca.crt'), path.join(dir, name));
    fs.copyFileSync(fileURLToPath(import.meta.url), path.join(dir, 'README'));
    await serve({
      'tls-auth-clients': 'yes',
      'tls-ca-cert-file': '',
      'tls-ca-cert-dir': dir,
    });
    expect(await isServed(withCertificate('client'))).toBe(true);
    expect(await isServed(withCertificate('stranger'))).toBe(false);
  });
});

describe('what the settings say', () => {
  test('a key with a passphrase', async () => {
    await serve({
      'tls-key-file': file('server-locked.key'),
      'tls-key-file-pass': 'open-sesame',
    });
    expect(await isServed({})).toBe(true);
  });

  test('TLS 1.3 alone', async () => {
    await serve({ 'tls-protocols': 'TLSv1.3' });
    expect(await isServed({ maxVersion: 'TLSv1.2' })).toBe(false);
    expect(await isServed({ minVersion: 'TLSv1.3' })).toBe(true);
  });

  test('versions of TLS, one left out from between two others too', async () => {
    await serve({ 'tls-protocols': 'TLSv1.1 TLSv1.3', 'tls-ciphers': 'ALL@SECLEVEL=0' });
    const old = { ciphers: 'ALL@SECLEVEL=0', minVersion: 'TLSv1' } as const;
    expect(await isServed({ ...old, maxVersion: 'TLSv1.1' })).toBe(true);
    expect(await isServed({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).toBe(false);
    expect(await isServed({ minVersion: 'TLSv1.3' })).toBe(true);
  });

  test('ciphers and cipher suites are chosen apart', async () => {
    await serve({
      'tls-ciphers': 'ECDHE-ECDSA-AES256-GCM-SHA384',
      'tls-ciphersuites': 'TLS_CHACHA20_POLY1305_SHA256',
    });
    const cipher = async (options: tls.ConnectionOptions): Promise<string> => {
      const client = await dial(options);
      const { standardName } = (client.socket as tls.TLSSocket).getCipher();
      client.close();
      return standardName;
    };
    expect(await cipher({ maxVersion: 'TLSv1.2' })).toBe('TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384');
    expect(await cipher({ minVersion: 'TLSv1.3' })).toBe('TLS_CHACHA20_POLY1305_SHA256');
    expect(await isServed({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' })).toBe(
      false,
    );
  });

  test.each(['yes', 'no'])('sessions go on where tls-session-caching is %s', async (caching) => {
    await serve({ 'tls-session-caching': caching });
    const options: tls.ConnectionOptions = { maxVersion: 'TLSv1.2' };
    const first = await dial(options);
    const session = (first.socket as tls.TLSSocket).getSession();
    first.close();
    const second = await dial({ ...options, ...(session === undefined ? {} : { session }) });
    expect((second.socket as tls.TLSSocket).isSessionReused()).toBe(caching === 'yes');
    second.close();
  });

  const notPem = fileURLToPath(import.meta.url);
  test.each([
    [{ 'tls-cert-file': '' }, /^tls-cert-file: /],
    [{ 'tls-key-file': '' }, /^tls-key-file: /],
    [{ 'tls-cert-file': '/no/such.crt' }, /^tls-cert-file: \/no\/such\.crt: No such file/],
    [{ 'tls-cert-file': notPem }, /^tls-cert-file: /],
    [{ 'tls-key-file': notPem }, /^tls-key-file: .* holds no private key/],
    [{ 'tls-key-file': file('client.key') }, /^tls-key-file: .* is not the key of the certificate/],
    [{ 'tls-key-file': file('server-locked.key') }, /^tls-key-file-pass: /],
    [
      { 'tls-key-file': file('server-locked.key'), 'tls-key-file-pass': 'wrong' },
      /^tls-key-file-pass: /,
    ],
    [{ 'tls-auth-clients': 'yes', 'tls-ca-cert-file': '' }, /^tls-ca-cert-file: /],
    [{ 'tls-ca-cert-file': notPem }, /^tls-ca-cert-file: /],
    [{ 'tls-ca-cert-dir': '/no/such' }, /^tls-ca-cert-dir: \/no\/such: No such file/],
    [{ 'tls-ca-cert-dir': path.dirname(notPem) }, /^tls-ca-cert-dir: .* holds no certificate/],
    [{ 'tls-dh-params-file': notPem }, /^tls-dh-params-file: /],
    [{ 'tls-protocols': 'TLSv1.2 SSLv3' }, /^tls-protocols: 'sslv3'/],
    [{ 'tls-ciphers': 'nonsense' }, /^tls-ciphers: /],
    [{ 'tls-ciphersuites': 'TLS_NONSENSE' }, /^tls-ciphersuites: /],
  ])('what cannot be served stops the start, by the name of the setting: %j', async (v, reason) => {
    await expect(serve(v)).rejects.toThrow(reason);
  });
});

describe('CONFIG SET', () => {
  const isRefused = expect.stringContaining('Unable to update TLS configuration');

  async function set(...pairs: readonly string[]): Promise<string> {
    const client = await RawClient.connect(server!.port);
    const reply = await client.call('CONFIG', 'SET', ...pairs);
    client.close();
    return reply instanceof Error ? reply.message : String(reply);
  }

  /** Whose certificate the server shows. */
  async function shown(): Promise<string> {
    const client = await dial({ rejectUnauthorized: false });
    const { subject } = (client.socket as tls.TLSSocket).getPeerCertificate();
    client.close();
    return subject.CN as string;
  }

  test('a certificate and its key go over together, or neither; who is in stays in', async () => {
    await serve();
    const inside = await dial();
    expect(await shown()).toBe('localhost');
    const [cert, key] = [file('client.crt'), file('client.key')];
    expect(await set('tls-cert-file', cert)).toEqual(isRefused);
    expect(await shown()).toBe('localhost');
    expect(await set('tls-cert-file', cert, 'tls-key-file', key)).toBe('OK');
    expect(await shown()).toBe('test client');
    expect(await inside.call('CONFIG', 'GET', 'tls-cert-file')).toEqual(['tls-cert-file', cert]);
    inside.close();
  });

  test('the same names again: the files are read again', async () => {
    const dir = temporaryDirectory();
    const copy = (name: string): void => {
      for (const kind of ['crt', 'key']) {
        fs.copyFileSync(file(`${name}.${kind}`), path.join(dir, `its.${kind}`));
      }
    };
    copy('server');
    const [cert, key] = [path.join(dir, 'its.crt'), path.join(dir, 'its.key')];
    await serve({ 'tls-cert-file': cert, 'tls-key-file': key });
    copy('client');
    expect(await shown()).toBe('localhost');
    expect(await set('tls-cert-file', cert)).toBe('OK');
    expect(await shown()).toBe('test client');
    fs.rmSync(key);
    expect(await set('tls-key-file', key)).toEqual(isRefused);
    expect(await shown()).toBe('test client');
  });

  test('tls-auth-clients', async () => {
    await serve({ 'tls-auth-clients': 'no' });
    expect(await isServed({})).toBe(true);
    expect(await set('tls-auth-clients', 'yes')).toBe('OK');
    expect(await isServed({})).toBe(false);
    expect(await isServed(withCertificate('client'))).toBe(true);
    expect(await set('tls-ca-cert-file', '')).toEqual(isRefused);
    expect(await isServed(withCertificate('stranger'))).toBe(false);
  });

  test('tls-port: on, to another, off', async () => {
    server = await serverInProcess();
    tlsPort = await freePort();
    expect(await set('tls-port', String(tlsPort))).toEqual(isRefused);
    const files = ['tls-cert-file', file('server.crt'), 'tls-key-file', file('server.key')];
    const settings = ['tls-auth-clients', 'no', ...files];
    expect(await set('tls-port', String(tlsPort), ...settings)).toBe('OK');
    expect(server.addresses).toContain(`tls 127.0.0.1:${tlsPort}`);
    expect(await isServed({})).toBe(true);
    const before = tlsPort;
    tlsPort = await freePort();
    expect(await set('tls-port', String(tlsPort))).toBe('OK');
    expect(await isServed({})).toBe(true);
    await expect(RawClient.connect(before)).rejects.toThrow('ECONNREFUSED');
    expect(await set('tls-port', '0')).toBe('OK');
    expect(await isServed({})).toBe(false);
    expect(server.addresses).toEqual([`127.0.0.1:${server.port}`]);
  });
});

test('plain text on the TLS port, and a handshake that is never finished, disturb nobody', async () => {
  await serve();
  const plain = await RawClient.connect(tlsPort);
  plain.send('PING\r\n');
  await plain.closed;
  expect(plain.received).not.toContain('PONG');
  const silent = await RawClient.connect(tlsPort);
  expect(await isServed({})).toBe(true);
  silent.close();
});

test('maxclients counts those who have not finished their handshake; who is too many is dropped', async () => {
  await serve({ maxclients: '2' });
  const silent = await RawClient.connect(tlsPort);
  const inside = await dial();
  expect(await inside.call('PING')).toBe('PONG');
  const late = await RawClient.connect(tlsPort);
  await late.closed;
  expect(late.received).toBe('');
  expect(String(await inside.call('INFO', 'stats'))).toContain('rejected_connections:1\r\n');
  silent.close();
  await expect.poll(() => isServed({})).toBe(true);
  inside.close();
});

test('a server that stops does not wait for a handshake', async () => {
  await serve();
  const silent = await RawClient.connect(tlsPort);
  await server!.stop();
  await silent.closed;
  expect(silent.received).toBe('');
});

const outside = Object.values(os.networkInterfaces())
  .flat()
  .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

test.runIf(outside !== undefined)('protected mode, told through TLS', async () => {
  await serve({ bind: '*' });
  const stranger = await dial({ host: outside! });
  await stranger.closed;
  expect(stranger.received).toMatch(/^-DENIED .*\r\n$/);
  expect(await isServed({})).toBe(true);
});
