/** A bar on standard error while a command takes its time, where that is a terminal. */
import type { Presets, SingleBar } from 'cli-progress';

interface Library {
  readonly SingleBar: typeof SingleBar;
  readonly Presets: typeof Presets;
}

/** What is over sooner shows no bar. */
const AFTER_MS = 500;
/** How often it is drawn. */
const INTERVAL_MS = 100;
const MB = 1024 * 1024;

export class ProgressBar {
  readonly #library: Library | undefined;
  readonly #unit: string;
  #label: string;
  #bar: SingleBar | undefined = undefined;
  #from: number = performance.now();
  #drawnAt = 0;

  private constructor(library: Library | undefined, label: string, unit: string) {
    this.#library = library;
    this.#label = label;
    this.#unit = unit;
  }

  /** `unit`: `bytes`, or what else is counted. */
  static async create(label: string, unit = 'bytes'): Promise<ProgressBar> {
    if (!process.stderr.isTTY) return new ProgressBar(undefined, label, unit);
    const { default: library } = await import('cli-progress');
    return new ProgressBar(library, label, unit);
  }

  /** Another stage of the work, with a bar of its own. */
  stage(label: string): void {
    if (label === this.#label) return;
    this.hide();
    this.#label = label;
    this.#from = performance.now();
  }

  /** `total` 0: not known. */
  show(done: number, total: number): void {
    if (this.#library === undefined) return;
    const now = performance.now();
    if (now - this.#drawnAt < INTERVAL_MS && done < total) return;
    this.#drawnAt = now;
    const scale = this.#unit === 'bytes' ? MB : 1;
    if (this.#bar === undefined) {
      if (now - this.#from < AFTER_MS) return;
      const unit = scale === MB ? 'MB' : this.#unit;
      const format =
        total > 0
          ? `${this.#label} {bar} {percentage}% | {value}/{total} ${unit} | {eta_formatted} left`
          : `${this.#label} {value} ${unit} | {duration_formatted}`;
      const { SingleBar, Presets } = this.#library;
      this.#bar = new SingleBar({ format, stream: process.stderr }, Presets.shades_classic);
      this.#bar.start(Math.ceil(total / scale), 0);
    }
    this.#bar.update(Math.floor(done / scale));
    // The work keeps the event loop busy: the bar's own timer would not get its turn.
    this.#bar.render();
  }

  hide(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
