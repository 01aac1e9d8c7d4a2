/**
 * Keys that are about to be looked up one after the other, known some time before: the keys of a retrieval, or of a pipeline.
 *
 * A lookup in many keys mostly waits for memory, once for the index's slot and once for the record. One after the other the waits add up, since what the
 * command does with the record stands in between. So all keys are hashed first, then all slots are read, then the records that they
 * name: loads that do not depend on each other, whose waits the processor overlaps. The lookups that follow find everything in its caches.
 *
 *   begin(region)   add(start, end) ...   warm()   then for each key, in the same order: hash(region, start, end)
 *
 * It remembers hashes and nothing else, so keys may be changed, added and removed in between; a key that was not added is hashed when it is asked for, and
 * one that is not asked for is passed over. What was added is valid as long as the region's bytes stay.
 */
import type { Region } from '../bytes/region.ts';
import type { Keyspace } from './keyspace.ts';
import { LOOK_AHEAD_KEYS } from './limits.ts';

export class LookAhead {
  /** How many keys were added; at most LOOK_AHEAD_KEYS. */
  count = 0;
  #keys: Keyspace;
  readonly #starts: Int32Array = new Int32Array(LOOK_AHEAD_KEYS);
  readonly #ends: Int32Array = new Int32Array(LOOK_AHEAD_KEYS);
  readonly #hashes: Int32Array = new Int32Array(LOOK_AHEAD_KEYS);
  readonly #refs: Int32Array = new Int32Array(LOOK_AHEAD_KEYS);
  #region: Region | undefined = undefined;
  #next = 0;

  constructor(keys: Keyspace) {
    this.#keys = keys;
  }

  /** Forgets what was added; keys of `region` follow, to be looked up in `keys`. */
  begin(region: Region, keys: Keyspace = this.#keys): void {
    this.#region = region;
    this.#keys = keys;
    this.count = 0;
    this.#next = 0;
  }

  /** Forgets what was added: the region's bytes may change. */
  end(): void {
    this.#region = undefined;
    this.count = 0;
  }

  get isFull(): boolean {
    return this.count === LOOK_AHEAD_KEYS;
  }

  keyStart(i: number): number {
    return this.#starts[i]!;
  }

  keyEnd(i: number): number {
    return this.#ends[i]!;
  }

  /** To be called only while it is not full, with ascending places. */
  add(start: number, end: number): void {
    const i = this.count;
    this.#starts[i] = start;
    this.#ends[i] = end;
    this.#hashes[i] = this.#keys.hash(this.#region!, start, end);
    this.count = i + 1;
  }

  /** Reads slots and records of all keys added. */
  warm(): void {
    this.#keys.warm(this.#hashes, this.#refs, this.count);
  }

  /** The hash of a key, which is the same in all keyspaces of an engine. */
  hash(region: Region, start: number, end: number): number {
    if (this.#region !== region) return this.#keys.hash(region, start, end);
    const { count } = this;
    let i = this.#next;
    while (i < count && this.#starts[i]! < start) i++;
    this.#next = i;
    if (i < count && this.#starts[i] === start && this.#ends[i] === end) return this.#hashes[i]!;
    return this.#keys.hash(region, start, end);
  }
}
