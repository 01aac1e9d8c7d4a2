/** Every bound of this floor, and where the number comes from. */

/** Beside `cacheSize`: LevelDB keeps indexes and filters of open files outside its cache, a hundredth of the data or two; ours are entries of it. */
export const INDEX_ROOM_BYTES: number = 32 * 1024 * 1024;
/** What `nextv` gives at once, unless `highWaterMarkBytes` says otherwise: a thousand entries of a kilobyte. */
export const HIGH_WATER_MARK_BYTES: number = 1024 * 1024;
/** `clear` writes deletions of so many bytes of keys at once: one write to the log. */
export const CLEAR_BATCH_BYTES: number = 64 * 1024;
/** After so many of them it looks whether the event loop has waited long: some hundred microseconds. */
export const CLEAR_SLICE = 256;
/** Memory of a batch that was larger is not kept for the next one. */
export const KEPT_BATCH_BYTES: number = 1024 * 1024;
