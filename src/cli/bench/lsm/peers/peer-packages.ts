/** Where the peers' packages are: they are no dependencies of Kvasir but installed by `npm run bench:peers` into a folder of their own. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export class PeerPackages {
  readonly #require: NodeJS.Require;

  constructor(directory: string) {
    this.#require = createRequire(path.join(path.resolve(directory), 'package.json'));
  }

  has(name: string): boolean {
    return this.#directoryOf(name) !== undefined;
  }

  /** What the package exports. The caller states its shape. */
  load(name: string): unknown {
    return this.#require(name);
  }

  version(name: string): string {
    const directory = this.#directoryOf(name);
    if (directory === undefined) return '';
    const text = fs.readFileSync(path.join(directory, 'package.json'), 'utf8');
    return String((JSON.parse(text) as { version: unknown }).version);
  }

  #directoryOf(name: string): string | undefined {
    return (this.#require.resolve.paths(name) ?? [])
      .map((folder) => path.join(folder, name))
      .find((directory) => fs.existsSync(path.join(directory, 'package.json')));
  }
}
