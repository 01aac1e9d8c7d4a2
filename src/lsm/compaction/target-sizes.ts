/** How large tables are made: the deeper the level, the larger, so that a large tree has not too many. */

export interface TargetSizes {
  /** Of tables of level 1; each further level doubles it, up to the limit. */
  readonly fileBytes: number;
  readonly maxFileBytes: number;
}

export function targetBytesOf(level: number, { fileBytes, maxFileBytes }: TargetSizes): number {
  return Math.min(maxFileBytes, fileBytes * 2 ** Math.max(0, level - 1));
}
