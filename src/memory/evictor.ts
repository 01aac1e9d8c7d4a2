/**
 * Chooses the records that go when memory is full. By sampling, as Redis documents it
 * (https://redis.io/docs/latest/develop/reference/eviction/): a look at all records would take as long as there are many.
 *
 *   lru, lfu   each choice looks at `samples` random records of every keyspace and keeps the best candidates in a pool; the best of the pool goes
 *   random     some record, of one keyspace after the other
 *   ttl        the record that expires first, exactly: it is the first of the expiry heap
 *
 * A candidate is remembered by its hash and its reference, and goes only if the index still has that pair: records that were freed or
 * moved meanwhile drop out.
 */
import { NONE, type Ref } from './arena.ts';
import type { MemoryEngine } from './engine.ts';
import { EVICTION_POOL, EVICTION_SAMPLES } from './limits.ts';
import type { Keyspace } from './keyspace.ts';

export type EvictionPolicy =
  | 'noeviction'
  | 'allkeys-lru'
  | 'allkeys-lfu'
  | 'allkeys-random'
  | 'volatile-lru'
  | 'volatile-lfu'
  | 'volatile-random'
  | 'volatile-ttl';

export class Evictor {
  /** Bytes that may be in use (`MemoryEngine.usedBytes`); 0: any number. */
  limitBytes = 0;
  samples: number = EVICTION_SAMPLES;
  /** The keyspace, by its number, of the record that `choose` returned. */
  keyspace = 0;
  /** The hash of that record's key. */
  hash = 0;
  readonly #engine: MemoryEngine;
  #policy: EvictionPolicy = 'noeviction';
  #isVolatileOnly = false;
  #order: 'none' | 'lru' | 'lfu' | 'random' | 'ttl' = 'none';
  /** The pool, the best candidate last: how little each is worth keeping, and what it is. */
  readonly #scores: Int32Array = new Int32Array(EVICTION_POOL);
  readonly #refs: Int32Array = new Int32Array(EVICTION_POOL);
  readonly #hashes: Int32Array = new Int32Array(EVICTION_POOL);
  readonly #keyspaces: Int32Array = new Int32Array(EVICTION_POOL);
  #count = 0;
  #next = 0;

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  get policy(): EvictionPolicy {
    return this.#policy;
  }
  set policy(policy: EvictionPolicy) {
    this.#policy = policy;
    this.#isVolatileOnly = policy.startsWith('volatile-');
    this.#order =
      policy === 'noeviction'
        ? 'none'
        : (policy.slice(policy.indexOf('-') + 1) as 'lru' | 'lfu' | 'random' | 'ttl');
    this.#count = 0;
  }

  /** Whether more would be in use than may be, were `moreBytes` added. */
  isOver(moreBytes: number): boolean {
    if (this.limitBytes === 0) return false;
    // A value that is still arriving, or still leaving with no record any more, is counted as its client's.
    const { usedBytes, stagedBytes, loans } = this.#engine;
    return usedBytes - stagedBytes - loans.orphanBytes + moreBytes > this.limitBytes;
  }

  /**
   * The record that should go, or NONE where the policy lets none go; `keyspace` and `hash` say where it is. The caller removes it: chosen and kept, it
   * would be chosen again.
   */
  choose(): Ref {
    switch (this.#order) {
      case 'none':
        return NONE;
      case 'ttl':
        return this.#chooseFirstToExpire();
      case 'random':
        return this.#chooseRandom();
      default:
        return this.#chooseFromPool();
    }
  }

  #chooseFirstToExpire(): Ref {
    const { keyspaces } = this.#engine;
    let first = Infinity;
    for (let i = 0; i < keyspaces.length; i++) {
      const expiry = keyspaces[i]!.nextExpiry;
      if (expiry >= first) continue;
      first = expiry;
      this.keyspace = i;
    }
    return first === Infinity ? NONE : this.#chosen(keyspaces[this.keyspace]!.firstVolatile());
  }

  #chooseRandom(): Ref {
    const { keyspaces } = this.#engine;
    for (let i = 0; i < keyspaces.length; i++) {
      this.keyspace = this.#next++ % keyspaces.length;
      const ref = this.#sample(keyspaces[this.keyspace]!);
      if (ref !== NONE) return this.#chosen(ref);
    }
    return NONE;
  }

  #chosen(ref: Ref): Ref {
    this.hash = this.#engine.keyspaces[this.keyspace]!.hashOf(ref);
    return ref;
  }

  #chooseFromPool(): Ref {
    const { keyspaces } = this.#engine;
    let isEmpty = true;
    for (let i = 0; i < keyspaces.length; i++) {
      if (this.#populationOf(keyspaces[i]!) === 0) continue;
      isEmpty = false;
      this.#fill(i);
    }
    while (this.#count > 0) {
      const last = --this.#count;
      const ref = this.#refs[last]!;
      this.keyspace = this.#keyspaces[last]!;
      this.hash = this.#hashes[last]!;
      const keyspace = keyspaces[this.keyspace]!;
      if (keyspace.holds(this.hash, ref) && (!this.#isVolatileOnly || this.#engine.isVolatile(ref)))
        return ref;
    }
    // Every candidate was stale: what was sampled first is as good as any.
    return isEmpty ? NONE : this.#chooseRandom();
  }

  #populationOf(keyspace: Keyspace): number {
    return this.#isVolatileOnly ? keyspace.volatileCount : keyspace.size;
  }

  #sample(keyspace: Keyspace): Ref {
    if (this.#populationOf(keyspace) === 0) return NONE;
    return this.#isVolatileOnly ? keyspace.randomVolatile() : keyspace.random();
  }

  /** Samples keyspace `i`: what is worth less than the pool's best-kept candidate enters it. */
  #fill(i: number): void {
    const keyspace = this.#engine.keyspaces[i]!;
    for (let sample = 0; sample < this.samples; sample++) {
      const ref = this.#sample(keyspace);
      const score = this.#score(ref);
      if (this.#count === EVICTION_POOL && score <= this.#scores[0]!) continue;
      const hash = keyspace.hashOf(ref);
      if (!this.#isInPool(hash, ref)) this.#insert(score, ref, hash, i);
    }
  }

  /** How little the record is worth keeping. */
  #score(ref: Ref): number {
    const engine = this.#engine;
    return this.#order === 'lfu' ? 255 - engine.frequency(ref) : engine.idleSeconds(ref);
  }

  #isInPool(hash: number, ref: Ref): boolean {
    for (let i = 0; i < this.#count; i++) {
      if (this.#refs[i] === ref && this.#hashes[i] === hash) return true;
    }
    return false;
  }

  /** Puts a candidate in its place; of a full pool the one most worth keeping drops out. */
  #insert(score: number, ref: Ref, hash: number, keyspace: number): void {
    let place = this.#count;
    if (place === EVICTION_POOL) {
      place--;
      for (let i = 0; i < place; i++) this.#move(i + 1, i);
    } else {
      this.#count++;
    }
    while (place > 0 && this.#scores[place - 1]! > score) {
      this.#move(place - 1, place);
      place--;
    }
    this.#scores[place] = score;
    this.#refs[place] = ref;
    this.#hashes[place] = hash;
    this.#keyspaces[place] = keyspace;
  }

  #move(from: number, to: number): void {
    this.#scores[to] = this.#scores[from]!;
    this.#refs[to] = this.#refs[from]!;
    this.#hashes[to] = this.#hashes[from]!;
    this.#keyspaces[to] = this.#keyspaces[from]!;
  }
}
