/** Which keyspace a stored key belongs to: in a directory with keyspaces each key begins with the id of one (keyspace-prefix.ts). */
import { keyspacePrefix } from '../database/keyspace-prefix.ts';
import type { DirectoryDescription } from '../manifest/kvasir-file.ts';
import { bytesText } from './bytes-text.ts';

export interface NamedKey {
  /** '' is the default keyspace; undefined without keyspaces, and for a prefix that is nobody's (a keyspace that was dropped). */
  readonly keyspace: string | undefined;
  /** Without the prefix, where that is somebody's. */
  readonly key: Uint8Array;
}

export class KeyNames {
  readonly #prefixes: readonly { readonly name: string; readonly prefix: Uint8Array }[];

  constructor(description: DirectoryDescription | undefined) {
    const keyspaces = description?.layout === 'keyspaced' ? description.keyspaces : [];
    this.#prefixes = keyspaces.map(({ id, name }) => ({ name, prefix: keyspacePrefix(id) }));
  }

  /** What the keys of a keyspace begin with; undefined where there is none of this name. */
  prefixOf(keyspace: string): Uint8Array | undefined {
    return this.#prefixes.find(({ name }) => name === keyspace)?.prefix;
  }

  split(key: Uint8Array): NamedKey {
    for (const { name, prefix } of this.#prefixes) {
      if (prefix.every((byte, i) => byte === key[i])) {
        return { keyspace: name, key: key.subarray(prefix.length) };
      }
    }
    return { keyspace: undefined, key };
  }

  /** The key for people: behind the name of its keyspace, where it has one with a name. */
  text(key: Uint8Array, limit?: number): string {
    const named = this.split(key);
    const text = bytesText(named.key, limit);
    return named.keyspace === undefined || named.keyspace === ''
      ? text
      : `${named.keyspace}:${text}`;
  }
}
