import { compare64 } from '../bytes/unsigned64.ts';

/** Numbers of one second: more changes than can be made in it, and the numbers stay exact in a double until 2038. */
const NUMBERS_A_SECOND: number = 2 ** 22;
const TWO_32 = 0x100000000;

/**
 * The numbers that tell one state of a record from another (compare-and-swap). Every change of a record that carries a CAS gives it the
 * counter's number; the changes of one effect share it, so that whoever applies the effect again under the same number gets the same records.
 *
 *   change, change ... `stamp`   the number stands and is in use
 *   `settle`                     the effect is whole: the next one takes the next number
 *
 * 64 bits, in two halves, each an int32 that holds 32 unsigned bits.
 */
export class CasCounter {
  /** The number that changes take now, in two halves. */
  high = 0;
  low = 1;
  /** Some record has the number. */
  isUsed = false;

  /** Writes the number at `at`. */
  stamp(view: DataView, at: number): void {
    view.setInt32(at, this.low, true);
    view.setInt32(at + 4, this.high, true);
    this.isUsed = true;
  }

  /** Goes on to the next number where this one is in use. */
  settle(): void {
    if (!this.isUsed) return;
    this.isUsed = false;
    this.low = (this.low + 1) | 0;
    if (this.low === 0) this.high = (this.high + 1) | 0;
  }

  /**
   * Goes on from this time, in whole seconds since the epoch, unless it is further already: beyond all numbers that were given out before it.
   * What a client kept from before its server lost data then matches nothing.
   */
  startAt(seconds: number): void {
    if (!(seconds > 0 && seconds < TWO_32)) return;
    const high = Math.floor((seconds * NUMBERS_A_SECOND) / TWO_32);
    const low = seconds * NUMBERS_A_SECOND - high * TWO_32 + 1;
    if (compare64(high | 0, low | 0, this.high, this.low) > 0) this.set(high, low);
  }

  /** Goes on from a number that was recorded, in two halves. */
  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
    this.isUsed = false;
  }
}
