/** Where a point lookup leaves what it found. One object is used for lookup after lookup. */
import { Region } from '../../bytes/region.ts';
import type { BlockCache } from '../cache/block-cache.ts';
import type { BlockRequests } from '../cache/block-requests.ts';

/** What a lookup answers. */
export const ABSENT = 0;
export const FOUND = 1;
export const DELETED = 2;
/** An operand of the merge operator: what it merges with is older, in this table or in later ones. */
export const MERGE = 3;
/** A block that is needed is not cached; it was noted in `requests`. */
export const NOT_CACHED = 4;

const NOTHING: Region = Region.allocate(0);
const NO_SLOT = -1;

export class Lookup {
  /** The value `[start, end)`, after FOUND and MERGE, valid until `release`. */
  region: Region = NOTHING;
  start = 0;
  end = 0;
  /** The version that was found, after FOUND, DELETED and MERGE. */
  sequence = 0;
  type = 0;
  /** The cache's slot that holds the value's block and is pinned, or -1. */
  slot: number = NO_SLOT;
  /** Where lookups in CACHED mode note what they miss. */
  readonly requests: BlockRequests;
  readonly #cache: BlockCache;

  constructor(cache: BlockCache, requests: BlockRequests) {
    this.#cache = cache;
    this.requests = requests;
  }

  /** Lets go of the value; no error where there is none. */
  release(): void {
    if (this.slot === NO_SLOT) return;
    this.#cache.release(this.slot);
    this.slot = NO_SLOT;
    this.region = NOTHING;
  }
}
