/** The answers of meta commands: a code of two letters, what the flags asked for in their order, a line's end. */
import { encodeBase64 } from '../../bytes/base64.ts';
import { writeInteger } from '../../bytes/integer.ts';
import { copyBytes } from '../../bytes/region.ts';
import { writeDecimal64 } from '../../bytes/unsigned64.ts';
import { LETTER, type MetaFlags } from './meta-flags.ts';
import type { TextContext } from './text-context.ts';

/** More than any such line takes: a key in base64, an opaque, and a number for each other letter. */
export const META_LINE_BYTES = 1024;

/** Writes a line's parts where the writer stands, which must have room for META_LINE_BYTES. */
export class MetaLine {
  at = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #c: TextContext;

  constructor(c: TextContext) {
    this.#c = c;
  }

  /** Begins a line with `code`, two letters. */
  begin(code: string): void {
    const { writer } = this.#c;
    writer.reserve(META_LINE_BYTES);
    this.#bytes = writer.region.bytes;
    this.at = writer.at;
    this.#bytes[this.at++] = code.charCodeAt(0);
    this.#bytes[this.at++] = code.charCodeAt(1);
  }

  /** ` 123`: the number behind `VA`. */
  size(value: number): void {
    this.#bytes[this.at++] = 32;
    this.at = writeInteger(this.#bytes, this.at, value);
  }

  letter(letter: number): void {
    this.#bytes[this.at++] = 32;
    this.#bytes[this.at++] = letter;
  }

  number(letter: number, value: number): void {
    this.letter(letter);
    this.at = writeInteger(this.#bytes, this.at, value);
  }

  unsigned64(letter: number, high: number, low: number): void {
    this.letter(letter);
    this.at = writeDecimal64(this.#bytes, this.at, high, low);
  }

  /** The opaque in word `i`, as it came. */
  word(i: number): void {
    const { request, writer } = this.#c;
    const start = request.start[i]!;
    const length = request.length(i);
    this.#bytes[this.at++] = 32;
    copyBytes(writer.region, this.at, request.region, start, length);
    this.at += length;
  }

  /** The key: in base64, and saying so, where it came so. */
  key(flags: MetaFlags): void {
    this.letter(LETTER.k);
    const { region, keyStart, keyEnd } = flags;
    if (flags.isBinaryKey) {
      this.at = encodeBase64(region.bytes, keyStart, keyEnd, this.#bytes, this.at);
      this.letter(LETTER.b);
    } else {
      copyBytes(this.#c.writer.region, this.at, region, keyStart, keyEnd - keyStart);
      this.at += keyEnd - keyStart;
    }
  }

  /** What is answered of opaque and key alone, from word `first` on. */
  echo(flags: MetaFlags, first: number): void {
    const { request } = this.#c;
    for (let i = first; i < request.count; i++) {
      const letter = request.region.bytes[request.start[i]!];
      if (letter === LETTER.O) this.word(i);
      else if (letter === LETTER.k) this.key(flags);
    }
  }

  end(): void {
    this.#bytes[this.at++] = 13;
    this.#bytes[this.at++] = 10;
    this.#c.writer.at = this.at;
  }
}
