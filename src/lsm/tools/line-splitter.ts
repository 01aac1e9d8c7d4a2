/** Cuts bytes that come in pieces of any size into lines; a line that is longer than allowed ends it. */
const NEWLINE = 10;

export class LineSplitter {
  readonly #limitBytes: number;
  #parts: Buffer[] = [];
  #partsBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** The lines that this piece ends, without their ends. Throws RangeError for one that is too long. */
  *take(piece: Buffer): Generator<string, void> {
    let at = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, at)) {
      this.#keep(piece.subarray(at, end));
      at = end + 1;
      yield this.#line();
    }
    if (at < piece.length) this.#keep(piece.subarray(at));
  }

  /** The last line, if it had no end; '' where there is none. */
  rest(): string {
    return this.#line();
  }

  #keep(part: Buffer): void {
    this.#partsBytes += part.length;
    if (this.#partsBytes > this.#limitBytes) {
      throw new RangeError(`a line of more than ${this.#limitBytes} bytes`);
    }
    this.#parts.push(part);
  }

  #line(): string {
    const line = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partsBytes = 0;
    return line.toString('utf8').trimEnd();
  }
}
