/** Which keyspace a stored key belongs to: in a directory with keyspaces each key begins with the id of one (keyspace-prefix.ts). And what that keyspace does with values. */
import { Region } from '../../bytes/region.ts';
import { keyspacePrefix } from '../database/keyspace-prefix.ts';
import { DEFAULT_NAME, settingsOf } from '../database/keyspace-rules.ts';
import { expiryOf, NO_ENVELOPE, NO_EXPIRY, valueStartOf } from '../expiry.ts';
import type { DirectoryDescription, JsonObject } from '../manifest/kvasir-file.ts';
import { bytesText } from './bytes-text.ts';

export interface NamedKey {
  /** '' is the default keyspace; undefined without keyspaces, and for a prefix that is nobody's (a keyspace that was dropped). */
  readonly keyspace: string | undefined;
  /** Without the prefix, where that is somebody's. */
  readonly key: Uint8Array;
  /** Values are in envelopes (expiry.ts). */
  readonly hasExpiries: boolean;
  readonly hasMergeOperator: boolean;
}

/** A stored value: taken out of its envelope where it is in one. */
export interface NamedValue {
  readonly value: Uint8Array;
  /** When it expires, in milliseconds since 1970: Infinity for never; undefined where values of the keyspace have no envelopes, or this one has none. */
  readonly expiresAtMs: number | undefined;
}

interface Place {
  readonly name: string | undefined;
  readonly prefix: Uint8Array;
  readonly hasExpiries: boolean;
  readonly hasMergeOperator: boolean;
}

export class KeyNames {
  readonly #places: readonly Place[];
  /** For keys that have no prefix, or nobody's. */
  readonly #rest: Place;

  constructor(description: DirectoryDescription | undefined) {
    const isKeyspaced = description?.layout === 'keyspaced';
    this.#places = isKeyspaced
      ? description.keyspaces.map(({ id, name, settings }) =>
          placeOf(name, keyspacePrefix(id), settings),
        )
      : [];
    const isRaw = description !== undefined && !isKeyspaced;
    const settings = isRaw ? settingsOf(description, DEFAULT_NAME) : {};
    this.#rest = placeOf(undefined, new Uint8Array(0), settings);
  }

  /** What the keys of a keyspace begin with; undefined where there is none of this name. */
  prefixOf(keyspace: string): Uint8Array | undefined {
    return this.#places.find(({ name }) => name === keyspace)?.prefix;
  }

  split(key: Uint8Array): NamedKey {
    const found = this.#places.find(({ prefix }) => prefix.every((byte, i) => byte === key[i]));
    const { name, prefix, hasExpiries, hasMergeOperator } = found ?? this.#rest;
    return { keyspace: name, key: key.subarray(prefix.length), hasExpiries, hasMergeOperator };
  }

  /** Whether it is known what the keyspace of a key that was split does with its values. Not where it was dropped. */
  isKnown(keyspace: string | undefined): boolean {
    return keyspace !== undefined || this.#places.length === 0;
  }

  /** The value of an entry of type 1, by its stored key. */
  unwrap(key: Uint8Array, stored: Uint8Array): NamedValue {
    const plain = { value: stored, expiresAtMs: undefined };
    if (!this.split(key).hasExpiries) return plain;
    const region = Region.of(stored);
    const expiresAtMs = expiryOf(region, 0, stored.length);
    if (expiresAtMs === NO_ENVELOPE) return plain;
    const value = stored.subarray(valueStartOf(region, 0));
    return { value, expiresAtMs: expiresAtMs === NO_EXPIRY ? Infinity : expiresAtMs };
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

function placeOf(name: string | undefined, prefix: Uint8Array, settings: JsonObject): Place {
  const hasExpiries = 'ttl' in settings;
  return { name, prefix, hasExpiries, hasMergeOperator: 'mergeOperator' in settings };
}
