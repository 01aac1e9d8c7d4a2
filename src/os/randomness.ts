/** Random numbers: keys of hash functions, run identifiers, sampling. */
import { randomFillSync } from 'node:crypto';

export interface Randomness {
  /** `count` bytes; from the real source unpredictable, fit for keys. */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1), for sampling; not for secrets. */
  uniform(): number;
}

export class SystemRandomness implements Randomness {
  bytes(count: number): Uint8Array {
    return randomFillSync(new Uint8Array(count));
  }

  uniform(): number {
    return Math.random();
  }
}

/** The same numbers for the same seed (a 32-bit state, sfc32). */
export class SeededRandomness implements Randomness {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = Math.floor(seed / 0x100000000) | 0;
    this.#c = 0x2545f491;
    for (let i = 0; i < 12; i++) this.#next();
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.#next() & 0xff;
    return bytes;
  }

  uniform(): number {
    return (this.#next() >>> 0) / 0x100000000;
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum;
  }
}
