/** Replies as a client receives them: a reader of RESP2 and RESP3 that takes bytes as they come, and ways to print a reply. */

export type Reply =
  | { kind: 'status' | 'error' | 'bulk' | 'verbatim' | 'double' | 'bignum'; text: Buffer }
  | { kind: 'integer'; value: string }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'nil' }
  | { kind: 'array' | 'set' | 'push'; items: Reply[] }
  | { kind: 'map'; pairs: [Reply, Reply][] };

/** The server sent what is no reply. */
export class ReplyError extends Error {
  readonly code = 'BAD_REPLY';
}

/** Replies nested deeper are refused. */
const MAX_DEPTH = 64;

/** An aggregate of which `count` replies are still to come. */
interface Frame {
  kind: 'array' | 'set' | 'push' | 'map' | 'attribute';
  left: number;
  items: Reply[];
}

/** Each byte is looked at once: what is read of an unfinished reply is kept. */
export class ReplyReader {
  readonly #chunks: Buffer[] = [];
  #waitingBytes = 0;
  /** Chunks that were searched for a line's end. */
  #searched = 0;
  /** What can be read now, from `#at` on; more waits in `#chunks` until enough has come to be worth putting together. */
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  readonly #frames: Frame[] = [];
  /** The mark and length of a bulk whose bytes have not all come. */
  #mark = '';
  #length = -1;

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#waitingBytes += chunk.length;
  }

  /** The next whole reply, or undefined until more bytes have come. Throws ReplyError. */
  next(): Reply | undefined {
    for (;;) {
      let reply = this.#length >= 0 ? this.#bulk() : this.#head();
      if (reply === 'incomplete') return undefined;
      while (reply !== 'begun') {
        const frame = this.#frames.at(-1);
        if (frame === undefined) return reply;
        frame.items.push(reply);
        if (--frame.left > 0) break;
        reply = this.#end(this.#frames.pop()!);
      }
    }
  }

  /** Bytes from `#at` on, at least `count`; false until they have come. */
  #has(count: number): boolean {
    const left = this.#bytes.length - this.#at;
    if (left >= count) return true;
    if (left + this.#waitingBytes < count) return false;
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#chunks.splice(0)]);
    this.#at = 0;
    this.#waitingBytes = 0;
    this.#searched = 0;
    return true;
  }

  #line(): string | undefined {
    if (!this.#has(1)) return undefined;
    let end = this.#bytes.indexOf('\r\n', this.#at);
    if (end < 0) {
      // A line may be long (MONITOR of a long value): pieces are put together once its end is among them.
      const isEnding = this.#chunks.slice(this.#searched).some((chunk) => chunk.includes('\n'));
      this.#searched = this.#chunks.length;
      if (!isEnding) return undefined;
      this.#has(this.#bytes.length - this.#at + this.#waitingBytes);
      end = this.#bytes.indexOf('\r\n', this.#at);
      if (end < 0) return undefined;
    }
    const line = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + 2;
    return line;
  }

  /** The line that a reply begins with: the whole of it, or the beginning of a bulk or an aggregate. */
  #head(): Reply | 'begun' | 'incomplete' {
    const line = this.#line();
    if (line === undefined) return 'incomplete';
    const rest = line.slice(1);
    switch (line[0]) {
      case '+':
        return { kind: 'status', text: Buffer.from(rest, 'latin1') };
      case '-':
        return { kind: 'error', text: Buffer.from(rest, 'latin1') };
      case ':':
        return { kind: 'integer', value: rest };
      case ',':
        return { kind: 'double', text: Buffer.from(rest) };
      case '(':
        return { kind: 'bignum', text: Buffer.from(rest) };
      case '#':
        return { kind: 'boolean', value: rest === 't' };
      case '_':
        return { kind: 'nil' };
      case '$':
      case '=':
      case '!':
        this.#length = lengthOf(line);
        if (this.#length < 0) return { kind: 'nil' };
        this.#mark = line[0];
        return this.#bulk();
      case '*':
        return this.#begin('array', lengthOf(line));
      case '~':
        return this.#begin('set', lengthOf(line));
      case '>':
        return this.#begin('push', lengthOf(line));
      case '%':
        return this.#begin('map', lengthOf(line) * 2);
      case '|':
        // Attributes say something about the reply that follows; nothing here needs them.
        return this.#begin('attribute', lengthOf(line) * 2);
      default:
        throw new ReplyError(`unexpected reply: ${JSON.stringify(line.slice(0, 40))}`);
    }
  }

  #bulk(): Reply | 'incomplete' {
    const length = this.#length;
    if (!this.#has(length + 2)) return 'incomplete';
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length + 2;
    this.#length = -1;
    if (this.#mark === '!') return { kind: 'error', text };
    return this.#mark === '='
      ? { kind: 'verbatim', text: text.subarray(4) }
      : { kind: 'bulk', text };
  }

  #begin(kind: Frame['kind'], count: number): Reply | 'begun' {
    if (count < 0) return { kind: 'nil' };
    const frame: Frame = { kind, left: count, items: [] };
    if (count === 0) return this.#end(frame);
    if (this.#frames.length >= MAX_DEPTH) throw new ReplyError('reply nested too deeply');
    this.#frames.push(frame);
    return 'begun';
  }

  #end(frame: Frame): Reply | 'begun' {
    const { kind, items } = frame;
    if (kind === 'attribute') return 'begun';
    if (kind !== 'map') return { kind, items };
    const pairs: [Reply, Reply][] = [];
    for (let i = 0; i < items.length; i += 2) pairs.push([items[i]!, items[i + 1]!]);
    return { kind, pairs };
  }
}

function lengthOf(line: string): number {
  const length = Number(line.slice(1));
  if (!Number.isSafeInteger(length) || line.length === 1) {
    throw new ReplyError(`unexpected reply: ${JSON.stringify(line.slice(0, 40))}`);
  }
  return length;
}

/** A string in double quotes, bytes that don't print escaped, as redis-cli shows it. */
export function quoteBytes(bytes: Uint8Array): string {
  let out = '"';
  for (const byte of bytes) {
    const c = String.fromCharCode(byte);
    if (c === '"' || c === '\\') out += `\\${c}`;
    else if (c === '\n') out += '\\n';
    else if (c === '\r') out += '\\r';
    else if (c === '\t') out += '\\t';
    else if (c === '\x07') out += '\\a';
    else if (c === '\b') out += '\\b';
    else if (byte >= 0x20 && byte < 0x7f) out += c;
    else out += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${out}"`;
}

/** With types and numbered, for people. */
export function formatReply(reply: Reply, indent = ''): string {
  switch (reply.kind) {
    case 'status':
    case 'verbatim':
      return reply.text.toString();
    case 'error':
      return `(error) ${reply.text.toString()}`;
    case 'bulk':
      return quoteBytes(reply.text);
    case 'double':
      return `(double) ${reply.text.toString()}`;
    case 'bignum':
      return reply.text.toString();
    case 'integer':
      return `(integer) ${reply.value}`;
    case 'boolean':
      return reply.value ? '(true)' : '(false)';
    case 'nil':
      return '(nil)';
    case 'map':
      return numbered(
        reply.pairs.length,
        indent,
        '#',
        '(empty hash)',
        (i, inner) =>
          `${formatReply(reply.pairs[i]![0], inner)} => ${formatReply(reply.pairs[i]![1], inner)}`,
      );
    default: {
      const mark = reply.kind === 'set' ? '~' : ')';
      const empty = reply.kind === 'set' ? '(empty set)' : '(empty array)';
      return numbered(reply.items.length, indent, mark, empty, (i, inner) =>
        formatReply(reply.items[i]!, inner),
      );
    }
  }
}

function numbered(
  count: number,
  indent: string,
  mark: string,
  empty: string,
  item: (i: number, indent: string) => string,
): string {
  if (count === 0) return empty;
  const width = String(count).length;
  const inner = `${indent}${' '.repeat(width + 2)}`;
  return Array.from(
    { length: count },
    (_, i) => `${i === 0 ? '' : indent}${String(i + 1).padStart(width)}${mark} ${item(i, inner)}`,
  ).join('\n');
}

/** The bytes alone, items separated by `delimiter`, for pipes. */
export function rawReply(reply: Reply, delimiter = '\n'): string {
  const raw = (item: Reply): string => rawReply(item, delimiter);
  switch (reply.kind) {
    case 'integer':
      return reply.value;
    case 'boolean':
      return reply.value ? '(true)' : '(false)';
    case 'nil':
      return '';
    case 'map':
      return reply.pairs.map(([k, v]) => `${raw(k)} ${raw(v)}`).join(delimiter);
    case 'array':
    case 'set':
    case 'push':
      return reply.items.map(raw).join(delimiter);
    default:
      return reply.text.toString('latin1');
  }
}

/** On one line, separated by commas, texts quoted. */
export function csvReply(reply: Reply): string {
  switch (reply.kind) {
    case 'integer':
      return reply.value;
    case 'boolean':
      return String(reply.value);
    case 'nil':
      return 'NULL';
    case 'error':
      return `ERROR,${quoteBytes(reply.text)}`;
    case 'double':
    case 'bignum':
      return reply.text.toString();
    case 'map':
      return reply.pairs.flat().map(csvReply).join(',');
    case 'array':
    case 'set':
    case 'push':
      return reply.items.map(csvReply).join(',');
    default:
      return quoteBytes(reply.text);
  }
}

/** The reply as a JSON value. Integers beyond 2^53 become strings. */
export function jsonReply(reply: Reply): unknown {
  switch (reply.kind) {
    case 'integer':
      return Number.isSafeInteger(Number(reply.value)) ? Number(reply.value) : reply.value;
    case 'double':
      return Number.isFinite(Number(reply.text)) ? Number(reply.text) : reply.text.toString();
    case 'boolean':
      return reply.value;
    case 'nil':
      return null;
    case 'map':
      return Object.fromEntries(reply.pairs.map(([k, v]) => [rawReply(k), jsonReply(v)]));
    case 'array':
    case 'set':
    case 'push':
      return reply.items.map(jsonReply);
    case 'error':
      return { error: reply.text.toString() };
    default:
      return reply.text.toString();
  }
}
