/**
 * The text protocol's commands: one declarative entry each, which drives parsing, dispatch and the reference page
 * (docs/compat/memcached.md). Names are found without making a string.
 */
import type { TextContext } from './text-context.ts';
import type { TextRequest } from './text-request.ts';

export interface TextCommandSpec {
  name: string;
  /** Words of the line, the name included; fewer or more are an ERROR. */
  words: readonly [min: number, max: number];
  /** The words in front of a retrieval's keys, whose number is not bounded. */
  wordsBeforeKeys?: number;
  /** Changes data: refused while the log takes nothing. */
  isWrite?: boolean;
  /** Neither reads nor changes data: answered while a data set loads. */
  isAboutServer?: boolean;
  syntax: string;
  summary: string;
  /** Reads from the line how long the data block behind it is, and what else the line says; -1: none follows. */
  readLine?: (request: TextRequest) => number;
  handler: (c: TextContext) => void;
}

export class TextCommand {
  readonly spec: TextCommandSpec;
  readonly minWords: number;
  readonly maxWords: number;
  /** Words that a parser keeps. */
  readonly keptWords: number;
  /** Keys stand behind the words that are kept. */
  readonly isRetrieval: boolean;
  readonly isWrite: boolean;
  readonly isAboutServer: boolean;
  readonly readLine: ((request: TextRequest) => number) | undefined;
  readonly handler: (c: TextContext) => void;
  calls = 0;

  constructor(spec: TextCommandSpec, keptWords: number) {
    this.spec = spec;
    this.minWords = spec.words[0];
    this.maxWords = spec.words[1];
    this.keptWords = spec.wordsBeforeKeys ?? keptWords;
    this.isRetrieval = spec.wordsBeforeKeys !== undefined;
    this.isWrite = spec.isWrite === true;
    this.isAboutServer = spec.isAboutServer === true;
    this.readLine = spec.readLine;
    this.handler = spec.handler;
  }
}

const SLOTS = 256;

export class TextTable {
  readonly all: readonly TextCommand[];
  readonly #slots: (TextCommand | undefined)[];

  constructor(specs: readonly TextCommandSpec[], keptWords: number) {
    this.all = specs.map((spec) => new TextCommand(spec, keptWords));
    this.#slots = new Array<TextCommand | undefined>(SLOTS).fill(undefined);
    for (const command of this.all) {
      const name = Buffer.from(command.spec.name, 'latin1');
      let i = slotOf(name, 0, name.length);
      while (this.#slots[i] !== undefined) i = (i + 1) & (SLOTS - 1);
      this.#slots[i] = command;
    }
  }

  /** The command of this name, in small letters as memcached has it, or undefined. */
  lookup(bytes: Uint8Array, start: number, end: number): TextCommand | undefined {
    for (let i = slotOf(bytes, start, end); ; i = (i + 1) & (SLOTS - 1)) {
      const command = this.#slots[i];
      if (command === undefined || isName(bytes, start, end, command.spec.name)) return command;
    }
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let key = end - start;
  for (let i = start; i < end && i < start + 8; i++) key = (Math.imul(key, 31) + bytes[i]!) | 0;
  return (key ^ (key >>> 8)) & (SLOTS - 1);
}

function isName(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    if (bytes[start + i] !== name.charCodeAt(i)) return false;
  }
  return true;
}
