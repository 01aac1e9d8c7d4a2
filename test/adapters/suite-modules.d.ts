/** Types of what the tests of adapters use and its packages do not tell. */
declare module 'tape' {
  /** A row of the results as an object. */
  export interface Row {
    readonly type: 'test' | 'assert' | 'end';
    /** Of a test: its own number; of an assertion: the number within the run. */
    readonly id: number;
    readonly name: string;
    /** Of an assertion: the number of its test. */
    readonly test: number;
    readonly ok: boolean;
    readonly skip?: unknown;
    readonly todo?: unknown;
    readonly error?: unknown;
  }

  /** Of the old kind of streams, which cannot be iterated. */
  export interface Rows {
    on(event: 'data', listener: (row: Row) => void): this;
    on(event: 'end', listener: () => void): this;
  }

  export interface Harness {
    (name: string, fn: (t: unknown) => unknown): void;
    createStream(options: { readonly objectMode: true }): Rows;
  }

  export function createHarness(): Harness;
}

declare module 'abstract-level/test' {
  interface Options {
    readonly test: unknown;
    readonly factory: (options?: object) => unknown;
  }

  /** Registers abstract-level's tests with `test`. */
  export default function suite(options: Options): void;
}
