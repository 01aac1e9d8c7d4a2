/**
 * The engine against a Map: random operations over few keys of all sizes, with expiry, resizing, renames, swaps, clearing, defragmentation and
 * snapshots, eviction, values that arrive in pieces and loans interleaved, invariants checked along the way. KVASIR_SOAK multiplies the length; KVASIR_SEED repeats a run.
 */
import { expect, test } from 'vitest';
import { Region } from '../bytes/region.ts';
import { SeededRandomness } from '../os/randomness.ts';
import { MemoryEngine } from './engine.ts';
import type { EvictionPolicy } from './evictor.ts';
import type { Keyspace } from './keyspace.ts';
import { INLINE_RECORD_BYTES } from './limits.ts';
import type { Loan } from './loans.ts';
import { StagedValue } from './staged-value.ts';

interface Held {
  value: Buffer;
  type: number;
  expiry: number;
  clientFlags: number;
  /** Of a record that has one of its own: `high,low`. */
  cas: string | undefined;
}

type Model = Map<string, Held>[];

const SOAK = Number(process.env['KVASIR_SOAK'] ?? 1);
const SEED = Number(process.env['KVASIR_SEED'] ?? 20261123);
const SPACES = 3;
const POLICIES: readonly EvictionPolicy[] = [
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-ttl',
  'volatile-random',
];

class Run {
  readonly random: SeededRandomness;
  readonly engine: MemoryEngine;
  readonly spaces: Keyspace[];
  readonly model: Model;
  #expected: Model | undefined = undefined;
  readonly #saved: Model;
  readonly keys: Buffer[];
  /** Loans, each with what it must read yet. */
  readonly loans: { loan: Loan; left: Buffer }[] = [];

  constructor(seed: number, keys: number) {
    this.random = new SeededRandomness(seed);
    this.engine = new MemoryEngine({
      hashKey: this.random.bytes(16),
      random: () => this.random.uniform(),
      segmentBits: 20,
    });
    this.engine.now = 1000;
    this.spaces = Array.from({ length: SPACES }, () => this.engine.createKeyspace());
    this.spaces[0]!.carriesCas = true;
    this.engine.cas.set(7, -5); // the low half overflows soon
    this.model = Array.from({ length: SPACES }, () => new Map());
    this.#saved = Array.from({ length: SPACES }, () => new Map());
    this.keys = Array.from({ length: keys }, (_, i) => this.#key(i));
  }

  #key(i: number): Buffer {
    if (i % 97 === 96) return Buffer.alloc(17_000 + this.random.below(150_000), `long${i}-`);
    return Buffer.from(`k${i}`.padEnd(this.random.below(40), '-'));
  }

  value(): Buffer {
    const kind = this.random.below(100);
    const length =
      kind < 60
        ? this.random.below(100)
        : kind < 90
          ? this.random.below(3000)
          : kind < 97
            ? this.random.below(80_000)
            : this.random.below(300_000);
    return Buffer.alloc(length, String(this.random.below(1e9)));
  }

  /** Half of the values have no client flags. */
  #clientFlags(): number {
    return this.random.below(2) === 0 ? 0 : this.random.below(2 ** 32) | 0;
  }

  /** What the record's CAS must be once it was changed in `s`. */
  #renewed(s: number, entry: Held | undefined): string | undefined {
    const { high, low } = this.engine.cas;
    return entry?.cas !== undefined || this.spaces[s]!.carriesCas ? `${high},${low}` : undefined;
  }

  step(): void {
    this.#step();
    this.engine.cas.settle();
  }

  #step(): void {
    const s = this.random.below(SPACES);
    const space = this.spaces[s]!;
    const held = this.model[s]!;
    const key = this.keys[this.random.below(this.keys.length)]!;
    const name = key.toString('latin1');
    const region = Region.of(key);
    const hash = space.hash(region, 0, key.length);
    const ref = space.find(hash, region, 0, key.length);
    const entry = held.get(name);
    expect(ref !== 0).toBe(entry !== undefined);
    const op = this.random.below(100);
    if (entry === undefined) {
      if (op < 70) this.#insert(s, hash, region, name);
      return;
    }
    const { engine } = this;
    // A record that came by a swap has no CAS, and may have no room for one where it lies.
    const mayLack = space.carriesCas && entry.cas === undefined;
    if (op < 25) {
      const value = this.value();
      entry.clientFlags = this.#clientFlags();
      if (value.length > INLINE_RECORD_BYTES && entry.clientFlags === 0) {
        space.replaceStaged(hash, ref, 2, 1, this.#stage(value));
      } else {
        space.replace(hash, ref, 2, 1, Region.of(value), 0, value.length, entry.clientFlags);
      }
      entry.value = value;
      entry.type = 2;
      entry.cas = this.#renewed(s, entry);
    } else if (op < 40) {
      space.remove(hash, ref);
      held.delete(name);
    } else if (op < 50) {
      const more = this.value();
      const place = space.append(hash, ref, Region.of(more), 0, more.length);
      entry.cas = mayLack && !engine.hasCas(place) ? undefined : this.#renewed(s, entry);
      entry.value = Buffer.concat([entry.value, more]).subarray(0);
      if (entry.value.length > 700_000) {
        space.remove(hash, space.find(hash, region, 0, key.length));
        held.delete(name);
      }
    } else if (op < 56) {
      const length = this.random.below(entry.value.length * 2 + 10);
      const place = space.resizeValue(hash, ref, length);
      entry.cas = mayLack && !engine.hasCas(place) ? undefined : this.#renewed(s, entry);
      const value = Buffer.alloc(length);
      entry.value.copy(value);
      entry.value = value;
    } else if (op < 62 && entry.value.length > 0) {
      const offset = this.random.below(entry.value.length);
      const isByteAlone = this.random.below(2) === 0;
      const bytes = Buffer.alloc(
        isByteAlone ? 0 : this.random.below(entry.value.length - offset + 1),
        'w',
      );
      if (!isByteAlone) space.writeValue(ref, offset, Region.of(bytes), 0, bytes.length);
      space.setValueByte(ref, offset, 7);
      entry.value = Buffer.from(entry.value);
      bytes.copy(entry.value, offset);
      entry.value[offset] = 7;
      if (!mayLack) entry.cas = this.#renewed(s, entry);
      expect(engine.valueByte(ref, offset)).toBe(7);
    } else if (op < 66) {
      entry.clientFlags = this.#clientFlags();
      const [high, low] = [this.random.below(2 ** 32) | 0, this.random.below(2 ** 32) | 0];
      entry.cas = `${high},${low}`;
      space.setItemFields(hash, ref, entry.clientFlags, high, low);
    } else if (op < 72) {
      entry.expiry = this.engine.now + this.random.below(500);
      space.setExpiry(ref, entry.expiry);
    } else if (op < 75) {
      entry.expiry = -1;
      space.clearExpiry(ref);
    } else if (op < 85) {
      this.#move(op, s, hash, ref, name);
    } else {
      expect(engine.valueLength(ref)).toBe(entry.value.length);
      expect(engine.type(ref)).toBe(entry.type);
      expect(engine.expiry(ref)).toBe(entry.expiry);
      expect(engine.clientFlags(ref)).toBe(entry.clientFlags);
      expect(this.#casOf(s, ref)).toBe(entry.cas);
      expect(Buffer.compare(engine.copyValue(ref), entry.value)).toBe(0);
      if (entry.value.length > INLINE_RECORD_BYTES && this.loans.length < 20)
        this.#lend(ref, entry);
    }
  }

  #casOf(s: number, ref: number): string | undefined {
    const space = this.spaces[s]!;
    return this.engine.hasCas(ref) ? `${space.casHigh(ref)},${space.casLow(ref)}` : undefined;
  }

  #lend(ref: number, entry: Held): void {
    const from = this.random.below(entry.value.length);
    const to = from + this.random.below(entry.value.length - from + 1);
    const loan = this.engine.loans.lend(ref, from, to);
    this.loans.push({ loan, left: entry.value.subarray(from, to) });
  }

  /** Reads on in some loan, or ends it. */
  readLoan(): void {
    const place = this.random.below(this.loans.length);
    const lent = this.loans[place];
    if (lent === undefined) return;
    expect(lent.loan.left).toBe(lent.left.length);
    const length = this.random.below(Math.min(lent.left.length, 200_000) + 1);
    const target = Region.allocate(length + 10);
    lent.loan.read(target, 5, length);
    const got = Buffer.from(target.bytes.subarray(5, 5 + length));
    expect(Buffer.compare(got, lent.left.subarray(0, length))).toBe(0);
    lent.left = lent.left.subarray(length);
    if (lent.left.length > 0 && this.random.below(5) > 0) return;
    lent.loan.release();
    this.loans.splice(place, 1);
  }

  /** A value as it arrives: in pieces; now and then another is begun that nobody takes. */
  #stage(value: Buffer): StagedValue {
    const region = Region.of(value);
    const staged = new StagedValue(this.engine);
    for (let from = 0; from < value.length;) {
      const to = Math.min(value.length, from + 1 + this.random.below(100_000));
      staged.append(region, from, to);
      from = to;
    }
    if (this.random.below(4) > 0) return staged;
    staged.free();
    staged.append(region, 0, value.length);
    return staged;
  }

  #insert(s: number, hash: number, key: Region, name: string): void {
    const value = this.value();
    const clientFlags = this.#clientFlags();
    const length = key.bytes.length;
    const bytes = Region.of(value);
    const space = this.spaces[s]!;
    if (value.length > INLINE_RECORD_BYTES && clientFlags === 0) {
      space.insertStaged(hash, key, 0, length, 1, 3, this.#stage(value));
    } else {
      space.insert(hash, key, 0, length, 1, 3, bytes, 0, value.length, clientFlags);
    }
    const cas = this.#renewed(s, undefined);
    this.model[s]!.set(name, { value, type: 1, expiry: -1, clientFlags, cas });
  }

  /** RENAME, COPY or MOVE to a key or keyspace where it is absent. */
  #move(op: number, s: number, hash: number, ref: number, name: string): void {
    const t = op < 79 ? s : this.random.below(SPACES);
    const target = this.spaces[t]!;
    const key =
      op >= 82 ? Buffer.from(name, 'latin1') : this.keys[this.random.below(this.keys.length)]!;
    const newName = key.toString('latin1');
    if (this.model[t]!.has(newName)) return;
    const region = Region.of(key);
    const newHash = target.hash(region, 0, key.length);
    const entry = this.model[s]!.get(name)!;
    if (op < 79) {
      this.spaces[s]!.rename(hash, ref, newHash, region, 0, key.length);
      entry.cas = this.#renewed(s, entry);
      this.model[s]!.delete(name);
      this.model[s]!.set(newName, entry);
    } else if (op < 82) {
      this.spaces[s]!.copyTo(ref, target, newHash, region, 0, key.length);
      this.model[t]!.set(newName, { ...entry, cas: this.#renewed(t, undefined) });
    } else {
      this.spaces[s]!.moveTo(hash, ref, target);
      entry.cas = this.#renewed(t, entry);
      this.model[s]!.delete(name);
      this.model[t]!.set(newName, entry);
    }
  }

  /** Now and then: time, whole keyspaces, background work. */
  background(): void {
    const op = this.random.below(60);
    this.engine.now += 1;
    for (const [s, space] of this.spaces.entries()) {
      while (space.nextExpiry < this.engine.now) {
        const ref = space.firstVolatile();
        const name = Buffer.from(this.engine.copyKey(ref)).toString('latin1');
        expect(this.model[s]!.get(name)!.expiry).toBe(this.engine.expiry(ref));
        expect(this.engine.isExpired(ref)).toBe(true);
        space.removeRef(ref);
        this.model[s]!.delete(name);
      }
    }
    if (op === 0) {
      const s = this.random.below(SPACES);
      this.spaces[s]!.clear(this.random.below(2) === 0);
      this.model[s]!.clear();
    } else if (op === 1) {
      const [a, b] = [this.random.below(SPACES), this.random.below(SPACES)];
      this.engine.swap(this.spaces[a]!, this.spaces[b]!);
      [this.model[a], this.model[b]] = [this.model[b]!, this.model[a]!];
    } else if (op === 2) {
      this.engine.defragment(true);
    } else if (op < 20) {
      this.engine.step(this.random.below(50));
    } else if (op < 24 && !this.engine.isSnapshotActive) {
      this.#startSnapshot();
    } else if (op === 24 && this.engine.isSnapshotActive) {
      this.engine.abortSnapshot();
      this.#expected = undefined;
    } else if (op < 50 && this.engine.isSnapshotActive) {
      if (this.engine.snapshotStep(this.random.below(40))) this.#compareSnapshot();
    } else if (op >= 50 && op < 53) {
      this.#evict();
    }
  }

  #evict(): void {
    const { evictor } = this.engine;
    evictor.policy = POLICIES[this.random.below(POLICIES.length)]!;
    const ref = evictor.choose();
    if (ref === 0) return;
    const name = Buffer.from(this.engine.copyKey(ref)).toString('latin1');
    expect(this.model[evictor.keyspace]!.delete(name)).toBe(true);
    this.spaces[evictor.keyspace]!.remove(evictor.hash, ref);
  }

  #startSnapshot(): void {
    for (const saved of this.#saved) saved.clear();
    this.#expected = this.model.map((m) => new Map([...m].map(([k, h]) => [k, { ...h }])));
    this.engine.startSnapshot((keyspace, ref) => {
      const name = Buffer.from(this.engine.copyKey(ref)).toString('latin1');
      const saved = this.#saved[this.spaces.indexOf(keyspace)]!;
      expect(saved.has(name)).toBe(false);
      saved.set(name, this.#held(keyspace, ref));
    });
  }

  #held(keyspace: Keyspace, ref: number): Held {
    const { engine } = this;
    return {
      value: Buffer.from(engine.copyValue(ref)),
      type: engine.type(ref),
      expiry: engine.expiry(ref),
      clientFlags: engine.clientFlags(ref),
      cas: this.#casOf(this.spaces.indexOf(keyspace), ref),
    };
  }

  #compareSnapshot(): void {
    for (let s = 0; s < SPACES; s++) compare(this.#saved[s]!, this.#expected![s]!);
  }

  checkAll(): void {
    this.engine.checkInvariants();
    for (const [s, space] of this.spaces.entries()) {
      expect(space.size).toBe(this.model[s]!.size);
      const found = new Map<string, Held>();
      space.forEach((ref) => {
        found.set(Buffer.from(this.engine.copyKey(ref)).toString('latin1'), this.#held(space, ref));
      });
      compare(found, this.model[s]!);
    }
  }
}

function compare(found: Map<string, Held>, expected: Map<string, Held>): void {
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, held] of expected) {
    const other = found.get(name)!;
    expect({ ...other, value: other.value.length }).toEqual({
      ...held,
      value: held.value.length,
    });
    expect(Buffer.compare(other.value, held.value)).toBe(0);
  }
}

for (const [seed, keys, steps] of [
  [SEED, 200, 20_000],
  [SEED + 1, 20, 10_000],
  [SEED + 2, 2000, 30_000],
] as const) {
  test(`${keys} keys, seed ${seed}`, { timeout: 60_000 * SOAK }, () => {
    const run = new Run(seed, keys);
    for (let i = 0; i < steps * SOAK; i++) {
      run.step();
      if (i % 7 === 0) run.background();
      if (i % 5 === 0) run.readLoan();
      if (i % 4000 === 0) run.checkAll();
    }
    run.checkAll();
    for (const space of run.spaces) space.clear(true);
    run.engine.abortSnapshot();
    run.engine.checkInvariants();
    while (run.loans.length > 0) run.readLoan();
    while (run.engine.step(1000));
    expect(run.engine.usedBytes).toBe(0);
    expect(run.engine.pendingFrees).toBe(0);
    run.engine.checkInvariants();
  });
}
