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

export class ReplyReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  add(chunk: Buffer): void {
    this.#bytes =
      this.#at === this.#bytes.length
        ? chunk
        : Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** The next whole reply, or undefined until more bytes have come. */
  next(): Reply | undefined {
    const from = this.#at;
    const reply = this.#read(0);
    if (reply === undefined) this.#at = from;
    return reply;
  }

  #line(): string | undefined {
    const end = this.#bytes.indexOf('\r\n', this.#at);
    if (end < 0) return undefined;
    const line = this.#bytes.toString('latin1', this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #read(depth: number): Reply | undefined {
    if (depth > MAX_DEPTH) throw new ReplyError('reply nested too deeply');
    const line = this.#line();
    if (line === undefined) return undefined;
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
        return this.#bulk(line[0], Number(rest));
      case '*':
      case '~':
      case '>':
        return this.#items(line[0], Number(rest), depth);
      case '%':
        return this.#map(Number(rest), depth);
      case '|':
        // Attributes say something about the reply that follows; nothing here needs them.
        return this.#map(Number(rest), depth) === undefined ? undefined : this.#read(depth);
      default:
        throw new ReplyError(`unexpected reply: ${JSON.stringify(line.slice(0, 40))}`);
    }
  }

  #bulk(mark: string, length: number): Reply | undefined {
    if (length < 0) return { kind: 'nil' };
    if (this.#at + length + 2 > this.#bytes.length) return undefined;
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length + 2;
    if (mark === '!') return { kind: 'error', text };
    return mark === '=' ? { kind: 'verbatim', text: text.subarray(4) } : { kind: 'bulk', text };
  }

  #items(mark: string, count: number, depth: number): Reply | undefined {
    if (count < 0) return { kind: 'nil' };
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) {
      const item = this.#read(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return { kind: mark === '*' ? 'array' : mark === '~' ? 'set' : 'push', items };
  }

  #map(count: number, depth: number): Reply | undefined {
    const pairs: [Reply, Reply][] = [];
    for (let i = 0; i < count; i++) {
      const key = this.#read(depth + 1);
      const value = key === undefined ? undefined : this.#read(depth + 1);
      if (key === undefined || value === undefined) return undefined;
      pairs.push([key, value]);
    }
    return { kind: 'map', pairs };
  }
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

/** The bytes alone, one item a line, for pipes. */
export function rawReply(reply: Reply): string {
  switch (reply.kind) {
    case 'integer':
      return reply.value;
    case 'boolean':
      return reply.value ? '(true)' : '(false)';
    case 'nil':
      return '';
    case 'map':
      return reply.pairs.map(([k, v]) => `${rawReply(k)} ${rawReply(v)}`).join('\n');
    case 'array':
    case 'set':
    case 'push':
      return reply.items.map(rawReply).join('\n');
    default:
      return reply.text.toString('latin1');
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
