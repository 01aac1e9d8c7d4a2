/** Everybody who takes part, by name. */
import type { Contestant } from './contestant.ts';
import { KvasirContestant } from './kvasir.ts';
import { ClassicLevelContestant } from './peers/classic-level.ts';
import { LmdbContestant } from './peers/lmdb.ts';
import type { PeerPackages } from './peers/peer-packages.ts';
import { RocksLevelContestant } from './peers/rocks-level.ts';
import { RocksContestant } from './peers/rocksdb.ts';
import { SqliteContestant } from './peers/sqlite.ts';

export const OURS = 'kvasir';
/** RocksDB's own tool, in C++. */
export const NATIVE = 'db_bench';

const PEERS: Readonly<Record<string, new (packages: PeerPackages) => Contestant>> = {
  'classic-level': ClassicLevelContestant,
  rocksdb: RocksContestant,
  '@nxtedition/rocksdb': RocksLevelContestant,
  lmdb: LmdbContestant,
  'better-sqlite3': SqliteContestant,
};

export const PEER_NAMES: readonly string[] = Object.keys(PEERS);

/** Throws where the package of a peer cannot be loaded. */
export function makeContestant(name: string, packages: PeerPackages): Contestant {
  if (name === OURS) return new KvasirContestant();
  const peer = PEERS[name];
  if (peer === undefined) throw new RangeError(`there is no contestant ${name}`);
  return new peer(packages);
}
