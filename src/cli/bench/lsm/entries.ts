/**
 * The entries of the bench. Key number n is written as 16 decimal digits; entry i has key 2i, so that odd numbers are keys within the range that are
 * missing. Values are those of LevelDB's db_bench: printable random bytes that compress to half. Which value a key has follows from its
 * number and the generation of the write, so that every read is checked.
 */
import { SeededRandomness } from '../../../os/randomness.ts';

export const KEY_BYTES = 16;
/** Values that there are; a power of two. */
const POOL = 1024;
const DIGITS = 10_000;

/** A key that is written in place. */
export interface KeySlot {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export class Entries {
  readonly valueBytes: number;
  readonly values: readonly Buffer[];
  /** Four digits each, as one word. */
  readonly #words = new Uint32Array(DIGITS);

  constructor(seed: number, valueBytes: number) {
    this.valueBytes = valueBytes;
    const random = new SeededRandomness(seed);
    this.values = Array.from({ length: POOL }, () => compressible(random, valueBytes));
    const four = Buffer.allocUnsafeSlow(4);
    for (let i = 0; i < DIGITS; i++) {
      four.write(String(i).padStart(4, '0'), 'latin1');
      this.#words[i] = four.readUInt32LE(0);
    }
  }

  slot(): KeySlot {
    const bytes = Buffer.allocUnsafeSlow(KEY_BYTES).fill('0');
    return { bytes, view: new DataView(bytes.buffer) };
  }

  slots(count: number): KeySlot[] {
    return Array.from({ length: count }, () => this.slot());
  }

  /** Writes key number `number`, below 10^12. */
  write(slot: KeySlot, number: number): Buffer {
    const words = this.#words;
    const high = Math.floor(number / 1e8);
    const low = number - high * 1e8;
    const middle = (low / DIGITS) | 0;
    slot.view.setUint32(4, words[high]!, true);
    slot.view.setUint32(8, words[middle]!, true);
    slot.view.setUint32(12, words[low - middle * DIGITS]!, true);
    return slot.bytes;
  }

  value(number: number, generation: number): Buffer {
    return this.values[((Math.imul(number, 0x9e3779b1) >>> 16) + generation) & (POOL - 1)]!;
  }

  /** Throws where `value` is not what key `number` was given in `generation`. */
  check(value: Uint8Array | undefined, number: number, generation: number): void {
    const right = this.value(number, generation);
    if (
      value === undefined ||
      value.length !== right.length ||
      value[0] !== right[0] ||
      value[1] !== right[1] ||
      value[2] !== right[2]
    ) {
      throw new Error(`key ${number} has not the value of generation ${generation}`);
    }
  }
}

/** Numbers in [0, bound), 2^31 at most, cheaply. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed | 0) === 0 ? 1 : seed | 0;
  }

  below(bound: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return Math.floor(((x >>> 0) * bound) / 4294967296);
  }
}

/** 0 to count - 1, each once: in order, or shuffled. */
export function order(count: number, isRandom: boolean, seed: number): Uint32Array {
  const list = Uint32Array.from({ length: count }, (_, i) => i);
  if (!isRandom) return list;
  const draw = new Draw(seed);
  for (let i = count - 1; i > 0; i--) {
    const j = draw.below(i + 1);
    const swapped = list[i]!;
    list[i] = list[j]!;
    list[j] = swapped;
  }
  return list;
}

/** Half as many random bytes, twice. */
function compressible(random: SeededRandomness, size: number): Buffer {
  const half = Buffer.alloc(Math.ceil(size / 2));
  for (let i = 0; i < half.length; i++) half[i] = 0x20 + random.below(95);
  return Buffer.concat([half, half]).subarray(0, size);
}
