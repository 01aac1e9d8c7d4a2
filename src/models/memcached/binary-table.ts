/** The binary protocol's operations, by opcode: what a request may hold, and who answers it. */
import type { BinaryContext } from './binary-context.ts';

export interface BinaryCommandSpec {
  opcode: number;
  name: string;
  /** Bytes of extras: these numbers are right. */
  extras: readonly number[];
  /** Whether there must be a key, may be one, or must be none. */
  key: 'needed' | 'optional' | 'none';
  /** Whether a value may follow. */
  hasValue?: boolean;
  /** Answers nothing that was to be expected. */
  isQuiet?: boolean;
  isWrite?: boolean;
  /** Neither reads nor changes data. */
  isAboutServer?: boolean;
  /** Before the client has authenticated. */
  isOpen?: boolean;
  handler: (c: BinaryContext) => void;
}

export class BinaryTable {
  readonly all: readonly BinaryCommandSpec[];
  readonly #byOpcode: (BinaryCommandSpec | undefined)[] = new Array<BinaryCommandSpec | undefined>(
    256,
  ).fill(undefined);

  constructor(specs: readonly BinaryCommandSpec[]) {
    this.all = specs;
    for (const spec of specs) this.#byOpcode[spec.opcode] = spec;
  }

  lookup(opcode: number): BinaryCommandSpec | undefined {
    return this.#byOpcode[opcode];
  }
}
