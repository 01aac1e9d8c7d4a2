/**
 * The keyspaces of a directory, as KVASIR tells of them (kvasir-file.ts). A directory without that file is raw: its keys have no prefixes. One that
 * has keyspaces has them from its first write on; the default keyspace, whose name is '', is one of them.
 *
 * A keyspace that is made is in KVASIR before it is used. One that is dropped is not there any more before its entries go; its id is never used again, so
 * compactions know by its prefix what may be left out.
 */
import type { DeadRange } from '../compaction/job.ts';
import { LsmError } from '../errors.ts';
import {
  type DirectoryDescription,
  type Json,
  type JsonObject,
  type KeyspaceDescription,
  writeKvasirFileSync,
} from '../manifest/kvasir-file.ts';
import type { Engine } from './engine.ts';
import { behindPrefix, keyspacePrefix } from './keyspace-prefix.ts';

/** The default keyspace's. */
const DEFAULT_NAME = '';
const DEFAULT_ID = 1;

export class KeyspaceList {
  readonly #engine: Engine;
  #description: DirectoryDescription | undefined;
  readonly #byName = new Map<string, KeyspaceDescription>();
  /** Set where a batch was begun with keys that have no prefix. */
  #isRawForGood = false;

  constructor(engine: Engine, description: DirectoryDescription | undefined) {
    this.#engine = engine;
    this.#description = description;
    for (const keyspace of description?.keyspaces ?? []) this.#byName.set(keyspace.name, keyspace);
  }

  get isKeyspaced(): boolean {
    return this.#description?.layout === 'keyspaced';
  }

  /** Without the default one. */
  names(): string[] {
    return [...this.#byName.keys()].filter((name) => name !== DEFAULT_NAME);
  }

  /** Of the default keyspace. */
  defaultPrefix(): Uint8Array {
    return this.isKeyspaced ? keyspacePrefix(DEFAULT_ID) : new Uint8Array(0);
  }

  /** KVASIR, as whoever writes to the directory has left it. */
  replace(description: DirectoryDescription | undefined): void {
    this.#description = description;
    this.#byName.clear();
    for (const keyspace of description?.keyspaces ?? []) this.#byName.set(keyspace.name, keyspace);
  }

  /** Keys without prefixes are about to be written. */
  stayRaw(): void {
    this.#isRawForGood = true;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** The prefix of a keyspace, which is made where it is not there. Blocks for that. Throws LsmError. */
  open(name: string): Uint8Array {
    const there = this.#byName.get(name);
    if (there !== undefined) return keyspacePrefix(there.id);
    const failure = this.#engine.writeFailure;
    if (failure !== undefined) throw failure;
    const description = this.isKeyspaced ? this.#description! : this.#becomeKeyspaced();
    const keyspace = { id: description.nextKeyspaceId, name, settings: {} };
    this.#write({
      ...description,
      nextKeyspaceId: keyspace.id + 1,
      keyspaces: [...description.keyspaces, keyspace],
    });
    this.#byName.set(name, keyspace);
    return keyspacePrefix(keyspace.id);
  }

  /** Forgets a keyspace; the range of its keys, undefined where it was not there. Blocks. Throws LsmError. */
  drop(name: string): DeadRange | undefined {
    const there = this.#byName.get(name);
    if (there === undefined || name === DEFAULT_NAME) return undefined;
    const failure = this.#engine.writeFailure;
    if (failure !== undefined) throw failure;
    const description = this.#description!;
    const keyspaces = description.keyspaces.filter(({ id }) => id !== there.id);
    this.#write({ ...description, keyspaces });
    this.#byName.delete(name);
    const from = keyspacePrefix(there.id);
    return { from, to: behindPrefix(from) };
  }

  /** What dropped keyspaces have left, ascending. */
  deadRanges(): DeadRange[] {
    if (!this.isKeyspaced) return [];
    const { keyspaces, nextKeyspaceId } = this.#description!;
    const ids = keyspaces.map(({ id }) => id).sort((a, b) => a - b);
    const dead: DeadRange[] = [];
    let next = 1;
    for (const id of [...ids, nextKeyspaceId]) {
      if (id > next) dead.push({ from: keyspacePrefix(next), to: keyspacePrefix(id) });
      next = id + 1;
    }
    return dead;
  }

  /** Of the whole directory. */
  get settings(): JsonObject {
    return this.#description?.settings ?? {};
  }

  /** Makes a setting of the whole directory be this; undefined: the default. Blocks where it was not. Throws LsmError. */
  changeSetting(name: string, value: Json | undefined): void {
    const { [name]: before, ...others } = this.settings;
    if (JSON.stringify(before) === JSON.stringify(value)) return;
    const settings = value === undefined ? others : { ...others, [name]: value };
    const { formatLevel } = this.#engine.versions;
    this.#write({ ...(this.#description ?? describe(formatLevel, 'raw', {})), settings });
  }

  /** Makes KVASIR name the format level that the manifest has, which is higher where it was raised. Blocks where it did not. Throws LsmError. */
  raiseFormatLevel(): void {
    const { formatLevel } = this.#engine.versions;
    const description = this.#description ?? describe(1, 'raw', {});
    if (description.formatLevel < formatLevel) this.#write({ ...description, formatLevel });
  }

  /** Makes a new directory what the options say. */
  begin(isKeyspaced: boolean | undefined, formatLevel: number): void {
    if (isKeyspaced === true) this.#becomeKeyspaced();
    else if (isKeyspaced === false || formatLevel > 1) {
      if (formatLevel > 1) this.#write(describe(formatLevel, 'raw', {}));
      if (isKeyspaced === false) this.#isRawForGood = true;
    }
  }

  /** Makes a directory one with keyspaces if it can become one. Blocks where it was not. Throws LsmError UNSUPPORTED where it has entries without. */
  beKeyspaced(): void {
    if (!this.isKeyspaced) this.#becomeKeyspaced();
  }

  /** A directory in which nothing was ever written may still become one with keyspaces. */
  #becomeKeyspaced(): DirectoryDescription {
    const { lastSequence, versions, writes } = this.#engine;
    const isEmpty = lastSequence === 0 && versions.current.fileCount === 0 && !writes.isWaiting;
    if (!isEmpty || this.#isRawForGood) throw this.#isRaw();
    const description = describe(versions.formatLevel, 'keyspaced', this.settings);
    this.#write(description);
    for (const keyspace of description.keyspaces) this.#byName.set(keyspace.name, keyspace);
    return description;
  }

  #write(description: DirectoryDescription): void {
    const { files, directory, versions } = this.#engine;
    try {
      writeKvasirFileSync(files, directory, description, versions.allocateFileNumbers(1));
    } catch (error) {
      // Whether the old description or the new one counts is not known.
      throw this.#engine.poison('KVASIR could not be written', error);
    }
    this.#description = description;
  }

  #isRaw(): LsmError {
    return new LsmError(
      'UNSUPPORTED',
      'the database was written to without keyspaces; they are there from the first write on, or not at all (`keyspaced: true`)',
      { path: this.#engine.directory },
    );
  }
}

function describe(
  formatLevel: number,
  layout: 'raw' | 'keyspaced',
  settings: JsonObject,
): DirectoryDescription {
  const keyspaces = layout === 'raw' ? [] : [{ id: DEFAULT_ID, name: DEFAULT_NAME, settings: {} }];
  const nextKeyspaceId = DEFAULT_ID + 1;
  return { formatLevel, layout, features: [], settings, nextKeyspaceId, keyspaces };
}
