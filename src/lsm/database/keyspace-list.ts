/**
 * The keyspaces of a directory, as KVASIR tells of them (kvasir-file.ts). A directory without that file is raw: its keys have no prefixes. One that
 * has keyspaces has them from its first write on; the default keyspace, whose name is '', is one of them.
 *
 * A keyspace that is made is in KVASIR before it is used. One that is dropped is not there any more before its entries go; its id is never used again, so
 * compactions know by its prefix what may be left out.
 */
import type { DeadRange, KeyspaceJobRules } from '../compaction/job.ts';
import { LsmError } from '../errors.ts';
import type { FilterPrefix, KeyPart } from '../format/filter-prefix.ts';
import { MAX_FILTER_PREFIXES } from '../limits.ts';
import {
  type DirectoryDescription,
  type Json,
  type JsonObject,
  type KeyspaceDescription,
  writeKvasirFileSync,
} from '../manifest/kvasir-file.ts';
import type { Engine } from './engine.ts';
import {
  changedSettings,
  checkKeyspaceOptions,
  filterPrefixOf,
  type KeyspaceOptions,
  type KeyspaceRules,
  rulesOf,
} from './keyspace-options.ts';
import { behindPrefix, keyspacePrefix } from './keyspace-prefix.ts';
import {
  checkLoading,
  DEFAULT_NAME,
  DEFAULT_SETTING,
  featuresOf,
  nameFor,
  settingsOf,
} from './keyspace-rules.ts';

const DEFAULT_ID = 1;

export class KeyspaceList {
  readonly #engine: Engine;
  #description: DirectoryDescription | undefined;
  readonly #byName = new Map<string, KeyspaceDescription>();
  /** By keyspace, those that were asked for. */
  readonly #rules = new Map<string, KeyspaceRules>();
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
    this.#rules.clear();
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

  /** The prefix of a keyspace, which is made where it is not there, or told what to do. Blocks for that. Throws LsmError. */
  open(name: string, options: KeyspaceOptions = {}): Uint8Array {
    checkKeyspaceOptions(options);
    const there = this.#byName.get(name);
    if (there !== undefined) {
      this.#change(name, options);
      return keyspacePrefix(there.id);
    }
    const failure = this.#engine.writeFailure;
    if (failure !== undefined) throw failure;
    const settings = this.#settingsWith({}, options, name, true);
    const description = this.isKeyspaced ? this.#description! : this.#becomeKeyspaced();
    const keyspace = { id: description.nextKeyspaceId, name, settings };
    this.#write({
      ...description,
      nextKeyspaceId: keyspace.id + 1,
      keyspaces: [...description.keyspaces, keyspace],
    });
    this.#byName.set(name, keyspace);
    return keyspacePrefix(keyspace.id);
  }

  /** Tells the default keyspace what to do. Blocks where it did otherwise. Throws LsmError UNSUPPORTED for what cannot be changed. */
  openDefault(options: KeyspaceOptions): void {
    this.#change(DEFAULT_NAME, options);
  }

  /** What a keyspace does. Throws LsmError UNSUPPORTED where its merge operator cannot be loaded. */
  rules(name: string): KeyspaceRules {
    let found = this.#rules.get(name);
    if (found === undefined) {
      found = rulesOf(this.#settingsOf(name), nameFor(name), this.#engine.directory);
      this.#rules.set(name, found);
    }
    return found;
  }

  /** Of keyspaces that do more than keep values, by ascending prefix. */
  jobRules(): KeyspaceJobRules[] {
    if (this.#description === undefined) return [];
    const places = this.isKeyspaced
      ? this.#description.keyspaces.map(({ id, name }) => ({
          id,
          name,
          prefix: keyspacePrefix(id),
        }))
      : [{ id: DEFAULT_ID, name: DEFAULT_NAME, prefix: new Uint8Array(0) }];
    places.sort((a, b) => a.id - b.id);
    return places.flatMap(({ name, prefix }) => {
      const { mergeOperator, ttl, compactionFilter } = this.rules(name);
      const hasExpiries = ttl !== undefined;
      if (mergeOperator === undefined && !hasExpiries && compactionFilter === undefined) return [];
      return [{ prefix, name: nameFor(name), mergeOperator, hasExpiries, compactionFilter }];
    });
  }

  filterPrefixOf(name: string): KeyPart | undefined {
    return filterPrefixOf(this.#settingsOf(name));
  }

  /** Which parts of keys go into the filters of tables. */
  filterPrefix(): FilterPrefix | undefined {
    if (!this.isKeyspaced) return this.filterPrefixOf(DEFAULT_NAME);
    const places = this.#description!.keyspaces.flatMap(({ id, settings }) => {
      const part = filterPrefixOf(settings);
      return part === undefined ? [] : [{ behind: keyspacePrefix(id), part }];
    });
    return places.length === 0 ? undefined : { places };
  }

  #settingsOf(name: string): JsonObject {
    return this.#description === undefined ? {} : settingsOf(this.#description, name);
  }

  #change(name: string, options: KeyspaceOptions): void {
    const before = this.#settingsOf(name);
    const isNew = name === DEFAULT_NAME && this.#isEmpty;
    const settings = this.#settingsWith(before, options, name, isNew);
    if (JSON.stringify(settings) === JSON.stringify(before)) return;
    const failure = this.#engine.writeFailure;
    if (failure !== undefined) throw failure;
    this.#rules.delete(name);
    if (!this.isKeyspaced) {
      this.changeSetting(
        DEFAULT_SETTING,
        Object.keys(settings).length === 0 ? undefined : settings,
      );
      return;
    }
    const keyspace = { ...this.#byName.get(name)!, settings };
    const description = this.#description!;
    const others = description.keyspaces.filter(({ id }) => id !== keyspace.id);
    this.#write({ ...description, keyspaces: [...others, keyspace] });
    this.#byName.set(name, keyspace);
  }

  /** Throws LsmError UNSUPPORTED for what cannot be, and what cannot be loaded. */
  #settingsWith(
    before: JsonObject,
    options: KeyspaceOptions,
    name: string,
    isNew: boolean,
  ): JsonObject {
    if (options.mergeOperator !== undefined) this.#engine.checkLevel2('merge operators');
    if (options.filterPrefix && !('filterPrefix' in before)) this.#checkPlaces();
    const settings = changedSettings(before, options, nameFor(name), isNew);
    checkLoading(settings, name, this.#engine.directory, this.#engine.settings.readOnly);
    return settings;
  }

  /** Throws LsmError LIMIT where no further keyspace may have a part of its keys in the filters. */
  #checkPlaces(): void {
    const all = this.#description?.keyspaces ?? [];
    const count = all.filter(({ settings }) => 'filterPrefix' in settings).length;
    if (count < MAX_FILTER_PREFIXES) return;
    const expected = `at most ${MAX_FILTER_PREFIXES}`;
    throw new LsmError('LIMIT', 'too many keyspaces with prefixes for filters', { expected });
  }

  /** Nothing was ever written. */
  get #isEmpty(): boolean {
    const { lastSequence, versions, writes } = this.#engine;
    return lastSequence === 0 && versions.current.fileCount === 0 && !writes.isWaiting;
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
    if (!this.#isEmpty || this.#isRawForGood) throw this.#isRaw();
    // What the default keyspace does it does as one of several too.
    const { [DEFAULT_SETTING]: own = {}, ...settings } = this.settings;
    const { versions } = this.#engine;
    const plain = describe(versions.formatLevel, 'keyspaced', settings);
    const keyspaces = plain.keyspaces.map((one) => ({ ...one, settings: own as JsonObject }));
    const description = { ...plain, keyspaces };
    this.#write(description);
    for (const keyspace of description.keyspaces) this.#byName.set(keyspace.name, keyspace);
    return description;
  }

  #write(changed: DirectoryDescription): void {
    const { files, directory, versions } = this.#engine;
    const description = { ...changed, features: featuresOf(changed) };
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
