// Installs the stores that `npm run bench -- lsm` measures beside Kvasir into bench/peers/, which is no part of the package.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PEERS = {
  '@nxtedition/rocksdb': '12.2.12',
  'better-sqlite3': '12.11.1',
  'classic-level': '3.0.0',
  lmdb: '3.5.6',
  rocksdb: '5.2.1',
};

const directory = fileURLToPath(new URL('../bench/peers/', import.meta.url));
mkdirSync(directory, { recursive: true });
const names = Object.keys(PEERS);
const own = {
  private: true,
  dependencies: PEERS,
  // They are native: each has a script that fetches or finds its prebuilt binary.
  allowScripts: Object.fromEntries([...names, 'msgpackr-extract'].map((name) => [name, true])),
};
writeFileSync(`${directory}package.json`, `${JSON.stringify(own, null, 2)}\n`);
execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: directory, stdio: 'inherit' });
