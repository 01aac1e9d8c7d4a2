/**
 * The inner loops of CRC-32C as a WebAssembly module, put together here byte by byte. One memory:
 *
 *   tables (16 KiB) | zeros (16 bytes for each row that is left) | bytes whose checksum is asked for
 *
 * The module has one function, `(at, end, crc) -> crc`, over a multiple of sixteen bytes; `crc` is inverted by who calls it. The bytes are spent by it:
 *
 *   1. Where there are many, they are folded sixteen at a time, as rows. The checksum is the remainder of the bytes, as a polynomial, by the generator P. P
 *      divides F = x^82 + x^79 + x^73 + x^44 + x^38 + x^9 + x^2 + 1 (found by search: no lower multiple of P has so few terms), and so it divides F^128, which is
 *      F with x^128, a row, in the place of x. The remainder therefore stays the same when a row is added to those 3, 9, 38, 44, 73, 80 and 82 rows behind it
 *      and left out itself. That is done until 82 rows are left: each row needs seven additions and no look-up.
 *   2. What is left takes sixteen table look-ups for sixteen bytes, as in crc32c.ts, without the checks of bounds that a typed array costs.
 */
const PAGE_BYTES = 65536;

export interface CrcKernel {
  /** All of the memory. */
  readonly bytes: Uint8Array;
  /** Bytes to be summed go here, from `start` on. */
  readonly start: number;
  readonly capacity: number;
  readonly run: (at: number, end: number, crc: number) => number;
}

/** What is needed of the global of this name. */
interface WebAssemblyGlobal {
  readonly Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { exports: Record<string, unknown> };
}

/** Where the terms of F are, and its degree: the rows that folding leaves. */
const TERMS = [0, 2, 9, 38, 44, 73, 79];
const ROWS_LEFT = 82;
const ROW_BYTES = 16;
/** Folding fewer bytes than this does not pay. */
const FOLD_FROM_BYTES = 2048;

/** undefined where WebAssembly is missing or forbidden. `pages`: of 64 KiB. */
export function makeCrcKernel(tables: Int32Array, pages: number): CrcKernel | undefined {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyGlobal };
  if (WebAssembly === undefined) return undefined;
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const instance = new WebAssembly.Instance(compile(WebAssembly, pages), { m: { m: memory } });
    new Int32Array(memory.buffer).set(tables);
    const start = tables.byteLength + ROWS_LEFT * ROW_BYTES;
    return {
      bytes: new Uint8Array(memory.buffer),
      start,
      capacity: pages * PAGE_BYTES - start,
      run: instance.exports['f'] as CrcKernel['run'],
    };
  } catch {
    // A policy that forbids to compile, or no address space for the memory.
    return undefined;
  }
}

/** Without folding where the processor has no vectors for it. */
function compile({ Module }: WebAssemblyGlobal, pages: number): object {
  try {
    return new Module(assemble(pages, fold()));
  } catch {
    return new Module(assemble(pages, []));
  }
}

// ---- the module

const I32 = 0x7f;
const EMPTY_BLOCK = 0x40;
const BLOCK = 0x02;
const IF = 0x04;
const LOOP = 0x03;
const END = 0x0b;
const BRANCH = 0x0c;
const BRANCH_IF = 0x0d;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const I32_LOAD = 0x28;
const I32_STORE = 0x36;
const I32_CONST = 0x41;
const I32_GREATER_OR_EQUAL_UNSIGNED = 0x4f;
const I32_ADD = 0x6a;
const I32_SUBTRACT = 0x6b;
const I32_AND = 0x71;
const I32_XOR = 0x73;
const I32_SHIFT_LEFT = 0x74;
const I32_SHIFT_RIGHT_UNSIGNED = 0x76;
const V128_LOAD = [0xfd, 0x00];
const V128_STORE = [0xfd, 0x0b];
const V128_XOR = [0xfd, 0x51];

/** Parameters: where the next sixteen bytes are, the end, the crc. Then the word that is looked up; and what lies 82 rows behind a row, up to where that goes. */
const AT = 0;
const LAST = 1;
const CRC = 2;
const WORD = 3;
const BASE = 4;
const STOP = 5;

function assemble(pages: number, folding: readonly number[]): Uint8Array {
  const type = [0x60, 3, I32, I32, I32, 1, I32];
  const memoryImport = [...text('m'), ...text('m'), 2, 1, ...unsigned(pages), ...unsigned(pages)];
  const body = [1, 3, I32, ...folding, ...loop(), LOCAL_GET, CRC, END];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, ...type]),
    ...section(2, [1, ...memoryImport]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('f'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

/** if (end - at >= FOLD_FROM_BYTES) { crc goes into the first word; all rows but the last 82 are folded; at = end - 82 rows } */
function fold(): number[] {
  const left = ROWS_LEFT * ROW_BYTES;
  // Towards the end a term counts only as long as the row that it brings is none of those that are left.
  const steps = TERMS.toReversed().map((term, i) => {
    const next = TERMS[TERMS.length - 2 - i] ?? 0;
    return [...rows(TERMS.slice(0, TERMS.length - i)), ...moved(STOP, (term - next) * ROW_BYTES)];
  });
  return [
    ...[LOCAL_GET, LAST, LOCAL_GET, AT, I32_SUBTRACT, I32_CONST, ...signed(FOLD_FROM_BYTES)],
    ...[I32_GREATER_OR_EQUAL_UNSIGNED, IF, EMPTY_BLOCK],
    ...[LOCAL_GET, AT, LOCAL_GET, AT, I32_LOAD, 0, 0, LOCAL_GET, CRC, I32_XOR, I32_STORE, 0, 0],
    ...[I32_CONST, 0, LOCAL_SET, CRC],
    ...[LOCAL_GET, AT, I32_CONST, ...signed(left), I32_SUBTRACT, LOCAL_SET, BASE],
    ...[LOCAL_GET, LAST, I32_CONST, ...signed(left), I32_SUBTRACT, LOCAL_SET, AT],
    ...[
      LOCAL_GET,
      AT,
      I32_CONST,
      ...signed(TERMS.at(-1)! * ROW_BYTES),
      I32_SUBTRACT,
      LOCAL_SET,
      STOP,
    ],
    ...steps.flat(),
    END,
  ];
}

/** while (base < stop) { the row 82 behind base += the rows of the terms behind base; base += 16 } */
function rows(terms: readonly number[]): number[] {
  const load = (row: number): number[] => [
    ...[LOCAL_GET, BASE, ...V128_LOAD, 0, ...unsigned(row * ROW_BYTES)],
  ];
  return [
    ...[BLOCK, EMPTY_BLOCK, LOOP, EMPTY_BLOCK],
    ...[LOCAL_GET, BASE, LOCAL_GET, STOP, I32_GREATER_OR_EQUAL_UNSIGNED, BRANCH_IF, 1],
    ...[LOCAL_GET, BASE, ...load(ROWS_LEFT)],
    ...terms.flatMap((term) => [...load(term), ...V128_XOR]),
    ...[...V128_STORE, 0, ...unsigned(ROWS_LEFT * ROW_BYTES)],
    ...[...moved(BASE, ROW_BYTES), BRANCH, 0, END, END],
  ];
}

function moved(local: number, bytes: number): number[] {
  return [LOCAL_GET, local, I32_CONST, ...signed(bytes), I32_ADD, LOCAL_SET, local];
}

/** while (at < end) { crc = the sum over sixteen bytes; at += 16 } */
function loop(): number[] {
  return [
    ...[BLOCK, EMPTY_BLOCK, LOOP, EMPTY_BLOCK],
    ...[LOCAL_GET, AT, LOCAL_GET, LAST, I32_GREATER_OR_EQUAL_UNSIGNED, BRANCH_IF, 1],
    // The word that the last step's result goes into comes last, so that the rest does not wait for it.
    ...[1, 2, 3, 0].flatMap(word),
    ...[I32_XOR, I32_XOR, I32_XOR, LOCAL_SET, CRC],
    ...[LOCAL_GET, AT, I32_CONST, 16, I32_ADD, LOCAL_SET, AT, BRANCH, 0],
    ...[END, END],
  ];
}

/** Four bytes, looked up and summed in pairs; the first word takes the crc in. */
function word(n: number): number[] {
  const load = [LOCAL_GET, AT, I32_LOAD, 0, ...unsigned(n * 4)];
  const taken = n === 0 ? [...load, LOCAL_GET, CRC, I32_XOR] : load;
  const [a, b, c, d] = [0, 1, 2, 3].map((byte) => {
    const table = 15 - n * 4 - byte;
    return [...place(byte), I32_LOAD, 2, ...unsigned(table * 1024)];
  });
  return [...taken, LOCAL_SET, WORD, ...a!, ...b!, I32_XOR, ...c!, ...d!, I32_XOR, I32_XOR];
}

/** Four times byte `byte` of the word: its place in a table. */
function place(byte: number): number[] {
  const word = [LOCAL_GET, WORD];
  if (byte === 0)
    return [...word, I32_CONST, ...signed(255), I32_AND, I32_CONST, 2, I32_SHIFT_LEFT];
  const shift = [I32_CONST, byte * 8 - 2, I32_SHIFT_RIGHT_UNSIGNED];
  return [...word, ...shift, I32_CONST, ...signed(1020), I32_AND];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function text(name: string): number[] {
  return [name.length, ...Buffer.from(name, 'latin1')];
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value >>>= 7) bytes.push((value & 127) | 128);
  bytes.push(value);
  return bytes;
}

/** Of a value that is not negative: its last byte must not have the sign's bit. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 64; value >>>= 7) bytes.push((value & 127) | 128);
  bytes.push(value);
  return bytes;
}
