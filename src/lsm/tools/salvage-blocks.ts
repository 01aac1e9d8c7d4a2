/**
 * The data blocks that can be read of a table that may be damaged, in their order: by the index where that can be read, else by looking for them
 * (block-scan.ts). Each is verified as a whole before it is handed out: checksum, structure, keys in order and behind all before.
 *
 * What was lost is told as stretches of the file, with the keys around them.
 */
import { LsmError } from '../errors.ts';
import { BLOCK_TRAILER_BYTES, type BlockHandle } from '../format/footer.ts';
import { BlockJudge, GOOD, OTHER, RANGES, UNORDERED, UNSUPPORTED } from './block-judge.ts';
import { BlockScan } from './block-scan.ts';
import { problemOf } from './problem.ts';
import type { RawTable } from './raw-table.ts';

/** A stretch of a file that could not be read. */
export interface Loss {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly reason: string;
  /** Internal keys of the entries around it that are there; undefined where there are none. */
  readonly after: Uint8Array | undefined;
  readonly before: Uint8Array | undefined;
  /** Internal keys of the first and last entry that are lost, where that is known. */
  readonly range?: { readonly smallest: Uint8Array; readonly largest: Uint8Array } | undefined;
  /** How many entries, where that is known. */
  readonly entries?: number | undefined;
}

const NO_BLOCK = 'no block whose checksum fits';

interface LossBegun {
  readonly offset: number;
  readonly reason: string;
  readonly after: Uint8Array | undefined;
}

export class SalvageBlocks {
  /** Why the index cannot be read; blocks are looked for then. */
  readonly indexError: LsmError | undefined;
  /** Complete once `next` has answered false. */
  readonly losses: Loss[] = [];
  /** Blocks that are intact and whose own keys are in another order than that of their bytes. */
  unorderedBlocks = 0;
  /** Where a block of range deletions was found, where blocks are looked for. */
  rangeDeletions: BlockHandle | undefined = undefined;
  /** Bytes of the blocks handed out. */
  goodBytes = 0;
  readonly #table: RawTable;
  readonly #name: string;
  readonly #handles: Iterator<BlockHandle, void>;
  readonly #judge: BlockJudge = new BlockJudge();
  /** Up to where blocks are looked for. */
  readonly #dataEnd: number;
  /** Where the data blocks so far end. */
  #end = 0;
  #loss: LossBegun | undefined = undefined;
  /** Whether what is behind the data blocks was seen. */
  #isPastData = false;

  constructor(table: RawTable, name: string) {
    this.#table = table;
    this.#name = name;
    this.indexError = indexErrorOf(table);
    this.#dataEnd = this.indexError === undefined ? 0 : dataEndOf(table);
    this.#handles =
      this.indexError === undefined ? table.indexEntries() : scan(table, this.#dataEnd);
  }

  /** Key of the last entry of the blocks so far; empty before the first. */
  get lastKey(): Uint8Array {
    return this.#judge.lastKey;
  }

  /** The next good block is left in the loader's `plain`; false where there is none. Throws LsmError UNSUPPORTED, IO_ERROR. */
  next(): boolean {
    for (;;) {
      const step = this.#handles.next();
      if (step.done === true) {
        this.#finish();
        return false;
      }
      const handle = step.value;
      if (this.indexError === undefined ? this.#takeIndexed(handle) : this.#takeFound(handle)) {
        this.goodBytes += handle.size + BLOCK_TRAILER_BYTES;
        return true;
      }
    }
  }

  /** A block that the index names: it is a data block, or was one. */
  #takeIndexed(handle: BlockHandle): boolean {
    const { offset } = handle;
    this.#end = offset + handle.size + BLOCK_TRAILER_BYTES;
    try {
      this.#table.readBlock(handle);
    } catch (error) {
      const { code, problem } = problemOf(error, this.#name);
      // What the disk does not give is lost like what it gives wrong.
      if (code !== 'CORRUPTION' && code !== 'IO_ERROR') throw error;
      this.#lose(offset, problem);
      return false;
    }
    const judge = this.#judge;
    const answer = judge.judge(this.#table);
    if (answer === UNSUPPORTED || answer === RANGES) {
      throw new LsmError('UNSUPPORTED', judge.problem, { path: this.#table.file.path, offset });
    }
    return this.#settle(answer, offset);
  }

  /** A block that was found: it may be anything, and something may be lost before it. */
  #takeFound(handle: BlockHandle): boolean {
    try {
      this.#table.readBlock(handle);
    } catch (error) {
      // The checksum fitted, so this is none of ours, or chance.
      if (problemOf(error, this.#name).code === 'IO_ERROR') throw error;
      return false;
    }
    const { offset } = handle;
    if (!this.#isPastData && offset > this.#end) this.#lose(this.#end, NO_BLOCK);
    const answer = this.#judge.judge(this.#table);
    if (answer === RANGES) this.rangeDeletions = handle;
    if (this.#isPastData) return false;
    if (answer === OTHER || answer === RANGES || answer === UNSUPPORTED) {
      this.#isPastData = true;
      this.#endLoss(offset, undefined);
      return false;
    }
    this.#end = offset + handle.size + BLOCK_TRAILER_BYTES;
    return this.#settle(answer, offset);
  }

  #settle(answer: number, offset: number): boolean {
    const { firstKey, problem } = this.#judge;
    if (answer === UNORDERED) this.unorderedBlocks++;
    if (answer === GOOD) this.#endLoss(offset, firstKey);
    else this.#lose(offset, problem);
    return answer === GOOD;
  }

  #finish(): void {
    const isScan = this.indexError !== undefined;
    if (isScan && !this.#isPastData && this.#end < this.#dataEnd) {
      this.#lose(this.#end, NO_BLOCK);
      this.#end = this.#dataEnd;
    }
    this.#endLoss(this.#end, undefined);
  }

  #lose(offset: number, reason: string): void {
    const { lastKey } = this.#judge;
    const after = lastKey.length === 0 ? undefined : lastKey;
    this.#loss ??= { offset, reason, after };
  }

  #endLoss(to: number, before: Uint8Array | undefined): void {
    const loss = this.#loss;
    if (loss === undefined) return;
    this.#loss = undefined;
    this.losses.push({ file: this.#name, bytes: to - loss.offset, ...loss, before });
  }
}

/** Reads the index once through, so that damage shows before anything was handed out. */
function indexErrorOf(table: RawTable): LsmError | undefined {
  try {
    let end = 0;
    for (const { offset, size } of table.indexEntries()) {
      if (offset < end) {
        const problem = 'the index names data blocks that overlap';
        return new LsmError('CORRUPTION', problem, { path: table.file.path, offset });
      }
      end = offset + size + BLOCK_TRAILER_BYTES;
    }
    return undefined;
  } catch (error) {
    if (error instanceof LsmError && error.code === 'CORRUPTION') return error;
    throw error;
  }
}

/** Where the data blocks end at the latest, as far as something tells whose checksum fits. */
function dataEndOf(table: RawTable): number {
  const { footer } = table;
  if (footer === undefined) return table.blocksEnd;
  try {
    const handles = [...table.metaBlocks().values(), footer.metaindex];
    return Math.min(...handles.map((handle) => handle?.offset ?? table.blocksEnd));
  } catch (error) {
    if (error instanceof LsmError && error.code === 'CORRUPTION') return table.blocksEnd;
    throw error;
  }
}

function* scan(table: RawTable, end: number): Generator<BlockHandle, void> {
  const blocks = new BlockScan(table, end);
  for (let block = blocks.next(); block !== undefined; block = blocks.next()) yield block;
}
