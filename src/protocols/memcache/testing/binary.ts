/** Requests and answers of the binary protocol, for tests. */

export interface BinaryParts {
  opcode: number;
  key?: string;
  value?: string | Uint8Array;
  extras?: Uint8Array;
  opaque?: number;
  cas?: bigint;
}

export interface BinaryAnswer {
  opcode: number;
  status: number;
  opaque: number;
  cas: bigint;
  extras: string;
  key: string;
  value: string;
}

export const OPCODE = {
  get: 0x00,
  set: 0x01,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  increment: 0x05,
  decrement: 0x06,
  quit: 0x07,
  flush: 0x08,
  getq: 0x09,
  noop: 0x0a,
  version: 0x0b,
  getk: 0x0c,
  getkq: 0x0d,
  append: 0x0e,
  prepend: 0x0f,
  stat: 0x10,
  setq: 0x11,
  addq: 0x12,
  replaceq: 0x13,
  deleteq: 0x14,
  incrementq: 0x15,
  decrementq: 0x16,
  quitq: 0x17,
  flushq: 0x18,
  appendq: 0x19,
  prependq: 0x1a,
  touch: 0x1c,
  gat: 0x1d,
  gatq: 0x1e,
  saslList: 0x20,
  saslAuth: 0x21,
  saslStep: 0x22,
  gatk: 0x23,
  gatkq: 0x24,
} as const;

/** One request as bytes; text has one byte a character. */
export function binaryRequest(parts: BinaryParts): Buffer {
  const { opcode, key = '', value = '', extras = Buffer.alloc(0), opaque = 0, cas = 0n } = parts;
  const body = Buffer.concat([
    extras,
    Buffer.from(key, 'latin1'),
    typeof value === 'string' ? Buffer.from(value, 'latin1') : value,
  ]);
  const header = Buffer.alloc(24);
  header[0] = 0x80;
  header[1] = opcode;
  header.writeUInt16BE(key.length, 2);
  header[4] = extras.length;
  header.writeUInt32BE(body.length, 8);
  header.writeUInt32BE(opaque, 12);
  header.writeBigUInt64BE(cas, 16);
  return Buffer.concat([header, body]);
}

/** Extras of SET, ADD and REPLACE. */
export function storeExtras(flags = 0, exptime = 0): Buffer {
  return numbers(flags, exptime);
}

/** Extras of INCREMENT and DECREMENT. */
export function countExtras(delta: bigint, initial = 0n, exptime = 0): Buffer {
  const extras = Buffer.alloc(20);
  extras.writeBigUInt64BE(delta, 0);
  extras.writeBigUInt64BE(initial, 8);
  extras.writeUInt32BE(exptime, 16);
  return extras;
}

/** Numbers of 32 bits. */
export function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, i * 4);
  return bytes;
}

/** All answers in `text` (one byte a character), which must end with the last one's end; extras are hexadecimal. */
export function binaryAnswers(text: string): BinaryAnswer[] {
  const bytes = Buffer.from(text, 'latin1');
  const answers: BinaryAnswer[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== 0x81) throw new Error(`no answer begins with ${bytes[at]}`);
    const keyBytes = bytes.readUInt16BE(at + 2);
    const extrasBytes = bytes[at + 4]!;
    const bodyBytes = bytes.readUInt32BE(at + 8);
    const body = bytes.subarray(at + 24, at + 24 + bodyBytes);
    if (body.length < bodyBytes) throw new Error('an answer is cut off');
    answers.push({
      opcode: bytes[at + 1]!,
      status: bytes.readUInt16BE(at + 6),
      opaque: bytes.readUInt32BE(at + 12),
      cas: bytes.readBigUInt64BE(at + 16),
      extras: body.toString('hex', 0, extrasBytes),
      key: body.toString('latin1', extrasBytes, extrasBytes + keyBytes),
      value: body.toString('latin1', extrasBytes + keyBytes),
    });
    at += 24 + bodyBytes;
  }
  return answers;
}
