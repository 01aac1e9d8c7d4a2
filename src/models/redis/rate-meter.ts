/** A rate over the last couple of seconds, as INFO's `instantaneous_*` fields show it: the mean of the last 16 samples of a growing total. */
const SAMPLES = 16;

export class RateMeter {
  readonly #samples: Float64Array = new Float64Array(SAMPLES);
  #next = 0;
  #lastTotal = 0;
  #lastUs = -1;

  /** Notes that the total stood at `total` at `nowUs` (monotonic microseconds). Call it about every 100 ms. */
  sample(total: number, nowUs: number): void {
    if (this.#lastUs >= 0 && nowUs > this.#lastUs) {
      this.#samples[this.#next] = ((total - this.#lastTotal) * 1e6) / (nowUs - this.#lastUs);
      this.#next = (this.#next + 1) % SAMPLES;
    }
    this.#lastTotal = total;
    this.#lastUs = nowUs;
  }

  /** Per second. */
  get perSecond(): number {
    let sum = 0;
    for (const sample of this.#samples) sum += sample;
    return sum / SAMPLES;
  }

  reset(): void {
    this.#samples.fill(0);
    this.#next = 0;
    this.#lastTotal = 0;
    this.#lastUs = -1;
  }
}
