/** Every bound of this floor, and where the number comes from. */

// ---- batches, WAL, manifest

/** A batch, keys and values together: one record and one region, whose offsets stay far from the end of 32 bits. */
export const MAX_BATCH_BYTES: number = 1024 * 1024 * 1024;
