/** Databases for tests of tools: written by the engine on the simulated machine, with what they hold, and damaged. */
import { SeededRandomness } from '../../../os/randomness.ts';
import { SimulatedFileSystem } from '../../../os/simulated-file-system.ts';
import { SimulatedLoop } from '../../../os/simulated-loop.ts';
import { type Database, open } from '../../database/database.ts';
import type { OpenOptions } from '../../database/options.ts';
import { Resources } from '../../database/resources.ts';
import { readCurrent } from '../../manifest/current.ts';
import { readManifest } from '../../manifest/manifest-state.ts';
import { ManifestWriter } from '../../manifest/manifest-writer.ts';
import type { VersionEdit } from '../../manifest/version-edit.ts';
import { SimulatedSystem } from '../../testing/simulated-system.ts';

export const DIRECTORY = '/db';

/** Much happens with little data: several levels of tables of a few kilobytes. */
export const SMALL: OpenOptions = {
  memtableBytes: 8192,
  blockBytes: 256,
  level0Files: 2,
  level0SlowFiles: 4,
  level0StopFiles: 8,
  level1Bytes: 8192,
  fileBytes: 4096,
  cacheBytes: 65_536,
};

export interface Scene {
  readonly system: SimulatedSystem;
  /** What the database holds. */
  readonly contents: Map<string, string>;
}

export interface SceneOptions {
  readonly seed?: number;
  readonly writes?: number;
  readonly keys?: number;
  /** Written at the end, into the log alone. */
  readonly logged?: number;
  readonly isSynced?: boolean;
  readonly open?: OpenOptions;
}

/** Puts and deletions at random, and a process that ends: what was written last is in the log. */
export async function writeScene(options: SceneOptions = {}): Promise<Scene> {
  const { seed = 1, writes = 3000, keys = 1000, logged = 20, isSynced = true } = options;
  const random = new SeededRandomness(seed);
  const system = new SimulatedSystem();
  const contents = new Map<string, string>();
  const db = await openScene(system, options.open);
  for (let i = 0; i < writes + logged; i++) {
    if (i === writes) {
      await system.until(db.flush());
      await system.until(db.idle());
    }
    const key = `key${String(random.below(keys)).padStart(5, '0')}`;
    const value = `${i}:${'v'.repeat(random.below(60))}`;
    if (random.below(5) === 0) {
      contents.delete(key);
      await system.until(db.delete(Buffer.from(key), { sync: isSynced }));
    } else {
      contents.set(key, value);
      await system.until(db.put(Buffer.from(key), Buffer.from(value), { sync: isSynced }));
    }
  }
  return { system: system.restart(), contents };
}

export function openScene(system: SimulatedSystem, options: OpenOptions = {}): Promise<Database> {
  const resources = new Resources({ workers: 0, memoryBytes: 64 * 1024 * 1024 });
  return system.until(open(DIRECTORY, { ...SMALL, resources, ...options, system }));
}

/** All that a database holds, by the engine. */
export async function contentsOf(
  system: SimulatedSystem,
  options: OpenOptions = {},
): Promise<Map<string, string>> {
  const db = await openScene(system, options);
  const contents = new Map<string, string>();
  for (const [key, value] of db.range()) contents.set(key.toString(), value.toString());
  await system.until(db.close());
  return contents;
}

/** The same files on a machine of their own, changed by `change`, which returns undefined for a file that goes. */
export function copyScene(
  { system }: Scene,
  change: (name: string, bytes: Uint8Array) => Uint8Array | undefined = (_, bytes) => bytes,
): SimulatedSystem {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  files.makeDirectory(DIRECTORY);
  for (const [path, bytes] of system.files.dump()) {
    const changed = change(path.slice(DIRECTORY.length + 1), bytes.slice());
    if (changed !== undefined) files.put(path, changed);
  }
  return new SimulatedSystem(files);
}

/** The scene with one file changed. */
export function damageScene(
  scene: Scene,
  name: string,
  damage: (bytes: Uint8Array) => Uint8Array | undefined,
): SimulatedSystem {
  return copyScene(scene, (other, bytes) => (other === name ? damage(bytes) : bytes));
}

/** Files of a scene whose names match, in their order. */
export function filesLike({ system }: Scene, pattern: RegExp): string[] {
  return system.files.readDirectory(DIRECTORY).filter((name) => pattern.test(name));
}

/** The manifest of a scene written anew, its only edit changed. */
export function withManifest(scene: Scene, change: (edit: VersionEdit) => void): SimulatedSystem {
  const system = copyScene(scene);
  const number = readCurrent(system.files, DIRECTORY)!;
  const edit = readManifest(system.files, DIRECTORY, number).toEdit();
  for (const [i, file] of edit.newFiles.entries()) edit.newFiles[i] = { ...file, facts: undefined };
  change(edit);
  const manifest = new ManifestWriter(system.files, DIRECTORY, number);
  manifest.append(edit);
  manifest.close();
  return system;
}
