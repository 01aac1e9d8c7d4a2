/**
 * Replies as values a test compares: simple and bulk strings are strings (one byte a character), integers numbers (BigInts beyond 2^53),
 * nulls null, arrays arrays; an error is `{ error }`; RESP3's maps, sets and pushes are `{ map }`, `{ set }`, `{ push }`, its doubles
 * `{ double }` with their text.
 */
export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Reply[]
  | { error: string }
  | { map: [Reply, Reply][] }
  | { set: Reply[] }
  | { push: Reply[] }
  | { double: string };

/** All replies in `bytes`, which must end with the last one's end. */
export function decodeReplies(bytes: Uint8Array): Reply[] {
  const decoder = new Decoder(Buffer.from(bytes).toString('latin1'));
  const replies: Reply[] = [];
  while (!decoder.isAtEnd) replies.push(decoder.next());
  return replies;
}

class Decoder {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  next(): Reply {
    const mark = this.#text[this.#at++];
    const line = this.#line();
    switch (mark) {
      case '+':
        return line;
      case '-':
        return { error: line };
      case ':':
      case '(':
        return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line);
      case '$':
      case '=':
        return line === '-1' ? null : this.#body(Number(line));
      case '_':
        return null;
      case '#':
        return line === 't';
      case ',':
        return { double: line };
      case '*':
        return line === '-1' ? null : this.#values(Number(line));
      case '~':
        return { set: this.#values(Number(line)) };
      case '>':
        return { push: this.#values(Number(line)) };
      case '%': {
        const flat = this.#values(Number(line) * 2);
        return {
          map: flat.flatMap((key, i) =>
            i % 2 === 0 ? [[key, flat[i + 1]!] as [Reply, Reply]] : [],
          ),
        };
      }
      default:
        throw new Error(`no reply begins with ${JSON.stringify(mark)} at ${this.#at - 1}`);
    }
  }

  #values(count: number): Reply[] {
    return Array.from({ length: count }, () => this.next());
  }

  #line(): string {
    const end = this.#text.indexOf('\r\n', this.#at);
    if (end < 0) throw new Error('a reply ends in the middle of a line');
    const line = this.#text.slice(this.#at, end);
    this.#at = end + 2;
    return line;
  }

  #body(length: number): string {
    const body = this.#text.slice(this.#at, this.#at + length);
    if (this.#text.slice(this.#at + length, this.#at + length + 2) !== '\r\n') {
      throw new Error('a bulk string is not closed where its length says');
    }
    this.#at += length + 2;
    return body;
  }
}
