/** What the memcached bench asks, and how many bytes that is answered with. Keys have 16 bytes, values 64. */

export interface LoadKind {
  /** Requests in a batch. */
  readonly pipeline: number;
  /** One batch, for keys by number. */
  batch(keys: readonly number[]): string;
  /** Bytes that answer a batch, where all keys are there. */
  readonly answerBytes: number;
}

export type LoadName = 'get' | 'set' | 'multi-get' | 'meta get' | 'meta set';

export interface LoadSpec {
  kind: LoadName;
  port: number;
  clients: number;
  keys: number;
  requests: number;
}

const PIPELINE = 16;
const VALUE: string = 'x'.repeat(64);

export function benchKey(i: number): string {
  return `key:${String(i).padStart(12, '0')}`;
}

/** `VALUE key 0 64`, the value and their line ends. */
const ITEM_BYTES: number = `VALUE ${benchKey(0)} 0 64\r\n${VALUE}\r\n`.length;

export const LOAD_KINDS: Readonly<Record<LoadName, LoadKind>> = {
  get: {
    pipeline: 1,
    batch: ([key]) => `get ${benchKey(key!)}\r\n`,
    answerBytes: ITEM_BYTES + 'END\r\n'.length,
  },
  set: {
    pipeline: 1,
    batch: ([key]) => `set ${benchKey(key!)} 0 0 64\r\n${VALUE}\r\n`,
    answerBytes: 'STORED\r\n'.length,
  },
  'multi-get': {
    pipeline: PIPELINE,
    batch: (keys) => `get ${keys.map(benchKey).join(' ')}\r\n`,
    answerBytes: PIPELINE * ITEM_BYTES + 'END\r\n'.length,
  },
  'meta get': {
    pipeline: PIPELINE,
    batch: (keys) => `${keys.map((key) => `mg ${benchKey(key)} q v\r\n`).join('')}mn\r\n`,
    answerBytes: PIPELINE * `VA 64\r\n${VALUE}\r\n`.length + 'MN\r\n'.length,
  },
  'meta set': {
    pipeline: PIPELINE,
    batch: (keys) =>
      `${keys.map((key) => `ms ${benchKey(key)} 64 q\r\n${VALUE}\r\n`).join('')}mn\r\n`,
    answerBytes: 'MN\r\n'.length,
  },
};
