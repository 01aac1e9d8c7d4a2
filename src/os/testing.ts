/**
 * Real files, for tests that can't do with simulated ones: what other programs write and read, modules that are loaded by name, golden files.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { joinPath } from './file-system.ts';
import { NodeFileSystem } from './node-file-system.ts';

export const realFiles: NodeFileSystem = new NodeFileSystem();

/** A directory of a test file's own, which goes when its tests have run. To be called beside the tests, not within one. */
export function realDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvasir-'));
  afterAll(() => fs.rmSync(directory, { recursive: true }));
  return directory;
}

/** Names of the tables in a directory, of LevelDB or of ours. */
export function tableNames(directory: string): string[] {
  return realFiles.readDirectory(directory).filter((name) => name.endsWith('.ldb'));
}

export function readText(file: string | URL): string {
  return fs.readFileSync(file, 'utf8');
}

export function writeText(file: string | URL, text: string): void {
  fs.writeFileSync(file, text);
}

/** Changes bits of one byte of a file; `choose` says which byte of how many. */
export function damage(
  directory: string,
  name: string,
  choose: (bytes: number) => number,
  bits: number,
): void {
  const file = realFiles.open(joinPath(directory, name), 'write');
  const at = choose(file.size());
  const byte = new Uint8Array(1);
  file.read(byte, 0, 1, at);
  byte[0]! ^= bits;
  file.write(byte, 0, 1, at);
  file.close();
}
