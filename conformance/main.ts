/**
 * `npm run conformance [-- PART ...] [--seed N] [--streams N] [--commands N] [--suite DIR] [--unit NAME]`: everything that needs the original
 * beside Kvasir. Parts: tables, differential, exchange, tcl, leveldb, memcached (streams), memcached-clients, memcached-suite; without any, all of
 * them. Says what it had to skip.
 */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runExchange } from './aof-exchange.ts';
import { runDifferential } from './differential.ts';
import { runLevelDbLogs } from './leveldb-logs.ts';
import { runLevelDbTables } from './leveldb-tables.ts';
import { runMemcachedClients } from './memcached-clients.ts';
import { runMemcachedDifferential } from './memcached-differential.ts';
import { runMemcachedSuite } from './memcached-suite.ts';
import { runTables } from './tables.ts';
import { runTcl, UNITS } from './tcl.ts';

const PARTS: readonly string[] = [
  'tables',
  'differential',
  'exchange',
  'tcl',
  'leveldb',
  'memcached',
  'memcached-clients',
  'memcached-suite',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string', default: process.env['REDIS_SUITE'] ?? '' },
    'memcached-program': { type: 'string', default: 'memcached' },
    'memcached-suite': { type: 'string', default: process.env['MEMCACHED_SUITE'] ?? '' },
    file: { type: 'string', multiple: true },
    unit: { type: 'string', multiple: true },
    seed: { type: 'string', default: '1' },
    streams: { type: 'string', default: '300' },
    commands: { type: 'string', default: '1000' },
  },
});
const unknown = positionals.find((part) => !PARTS.includes(part));
if (unknown !== undefined) {
  process.stderr.write(`no such part: ${unknown} (there are ${PARTS.join(', ')})\n`);
  process.exit(2);
}

/** The repository, seen from where the compiler put this file. */
const root = new URL('../../', import.meta.url);
const wants = (part: string): boolean => positionals.length === 0 || positionals.includes(part);

// The server reads its version from the package.json above its folder.
fs.copyFileSync(new URL('package.json', root), new URL('../package.json', import.meta.url));

let failures = 0;
if (wants('tables')) failures += await runTables();
if (wants('differential')) {
  failures += await runDifferential({
    seed: Number(values.seed),
    streams: Number(values.streams),
    commands: Number(values.commands),
  });
}
if (wants('exchange')) failures += await runExchange();
if (wants('leveldb')) failures += (await runLevelDbTables()) + runLevelDbLogs();
if (wants('tcl')) {
  failures += await runTcl(
    values.suite,
    values.unit ?? UNITS,
    fileURLToPath(new URL('conformance/tcl-known.txt', root)),
  );
}
if (wants('memcached')) {
  failures += await runMemcachedDifferential({
    program: values['memcached-program'],
    seed: Number(values.seed),
    streams: Number(values.streams),
    commands: Number(values.commands),
  });
}
if (wants('memcached-clients')) failures += await runMemcachedClients();
if (wants('memcached-suite')) {
  failures += await runMemcachedSuite(
    values['memcached-suite'],
    values.file ?? [],
    fileURLToPath(new URL('conformance/memcached-known.txt', root)),
  );
}
process.exit(failures === 0 ? 0 : 1);
