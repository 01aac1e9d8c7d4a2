/** Databases in directories of their own, for tests. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { KvasirLevel } from '../kvasir-level.ts';
import type { DatabaseOptions } from '../options.ts';

export class Scenes {
  readonly #root: string = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-level-'));
  readonly #databases: KvasirLevel<never, never>[] = [];
  #directories = 0;

  /** A directory that is not there yet. */
  directory(): string {
    this.#directories++;
    return path.join(this.#root, String(this.#directories));
  }

  /** A database that opens by itself; `end` closes it. */
  create<K = string, V = string>(
    options?: DatabaseOptions<K, V>,
    directory: string = this.directory(),
  ): KvasirLevel<K, V> {
    const db = new KvasirLevel<K, V>(directory, options);
    this.#databases.push(db as unknown as KvasirLevel<never, never>);
    return db;
  }

  async end(): Promise<void> {
    for (const db of this.#databases) await db.close();
    fs.rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Bytes of all files in a directory. */
export function bytesIn(directory: string): number {
  let sum = 0;
  for (const name of fs.readdirSync(directory)) sum += fs.statSync(path.join(directory, name)).size;
  return sum;
}
