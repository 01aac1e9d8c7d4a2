/** Every bound of this floor, and where the number comes from. */

// ---- batches, WAL, manifest

/** A batch, keys and values together: one record and one region, whose offsets stay far from the end of 32 bits. */
export const MAX_BATCH_BYTES: number = 1024 * 1024 * 1024;
/**
 * A record that is read back: more than any batch of ours, and what one region holds with small offsets. Fragments are kept as they check, so
 * that only a file of this size takes so much memory.
 */
export const MAX_RECORD_BYTES: number = 2 * MAX_BATCH_BYTES - 1;
/** Records wait in a buffer of this size; a larger one goes to the file in pieces of it (writing 64 KiB takes 15 us). */
export const LOG_BUFFER_BYTES: number = 256 * 1024;
/** Room that is zeroed at a time behind the records of a log whose writes are synced. The sync that meets it takes half a millisecond longer. */
export const LOG_ZERO_BYTES: number = 512 * 1024;
/** It is zeroed when less than this is left: what one sync is for, mostly. */
export const LOG_ZERO_LEFT_BYTES: number = 16 * 1024;
/** And only where it looks as if so many syncs would meet it, so that zeros are little beside what else a sync costs. */
export const LOG_ZERO_SYNCS = 32;
/** Logs are read through a window of this size, a whole number of their blocks. */
export const LOG_WINDOW_BYTES: number = 256 * 1024;
/** Recovery pauses after so many bytes of a log: a few milliseconds of work. */
export const RECOVERY_SLICE_BYTES: number = 1024 * 1024;
/** Levels of the tree, 0 to 6: LevelDB refuses a manifest that names more. */
export const LEVELS = 7;
/** Facts of one file in a manifest: six are known, later versions may know more. */
export const MAX_FILE_FACTS = 64;
/** CURRENT holds one name: `MANIFEST-` and at most 16 digits. */
export const MAX_CURRENT_BYTES = 64;
/** KVASIR, with this many keyspaces of a hundred bytes of settings each; it is written anew for each that is made or dropped. */
export const MAX_KVASIR_FILE_BYTES: number = 16 * 1024 * 1024;
export const MAX_KEYSPACES = 65_536;
export const MAX_KEYSPACE_NAME_BYTES = 255;
/** Keyspaces that have prefixes in filters: each key of a table is looked for among them. */
export const MAX_FILTER_PREFIXES = 64;

// ---- block cache

/** A segment of the block cache: one typed array whose offsets are small integers. */
export const CACHE_SEGMENT_BYTES: number = 64 * 1024 * 1024;
/** Stretches of a segment begin at multiples of a cache line. */
export const CACHE_GRANULE_BYTES = 64;
/** How often the clock's hand passes over an entry after its last use: a data block, ... */
export const CHANCES_LOW = 1;
/** ... an index or filter, which many lookups need and which costs more to read again. */
export const CHANCES_HIGH = 3;
/** Blocks too large for a segment are kept while they are at most this part of the capacity. */
export const CACHE_OVERFLOW_FRACTION = 0.25;

/** A cache that databases share gives memory back in segments, of which it has so many: small beside the budget, large beside a block. */
export const SHARED_CACHE_SEGMENTS = 16;
/** Databases that share a cache, one after the other: a number for each goes into the names of its blocks, which are doubles. */
export const CACHE_SPACES: number = 2 ** 20;

// ---- memtable

/** The smallest buffer of a memtable: a header, a few nodes and records. Tests use such. */
export const MIN_MEMTABLE_BYTES = 4096;
/** Offsets into a memtable stay small integers. A batch of MAX_BATCH_BYTES does not fit: LIMIT. */
export const MAX_MEMTABLE_BYTES: number = 2 ** 31 - 8;

// ---- tables

/** A block when it is uncompressed: one region, whose offsets stay small integers. */
export const MAX_PLAIN_BLOCK_BYTES: number = 1024 * 1024 * 1024;
/** A table grows beyond its target by one entry; its offsets stay far from the end of 32 bits, as every reader of LevelDB's format wants them. */
export const MAX_TABLE_BYTES: number = 4 * 1024 * 1024 * 1024 - 1;
/** Finished blocks are handed to the system in pieces of this size: below it a call costs more than the copy. */
export const TABLE_WRITE_BYTES: number = 128 * 1024;
/** Keys of an index or meta block, made whole, may take this many times the block: more is none of LevelDB's, RocksDB's or ours. */
export const INDEX_EXPANSION = 64;
/** A sequential read past the cache takes this much of the file at once. */
export const STREAM_WINDOW_BYTES: number = 256 * 1024;

// ---- cursors

/** Versions of a key that are passed over one by one before the cursor is placed behind all of them: a seek costs about as much as ten steps. */
export const SKIPS_BEFORE_SEEK = 8;

// ---- flush and compaction

/** Entries that a job merges before it looks up: about 100 us. */
export const JOB_STEP_ENTRIES = 256;
/** Files of level 0 that one merge takes: each is a run, with a window of its own on its file. */
export const MAX_MERGED_RUNS = 64;
/** Tables of a FIFO tree that may lie in level 0: a lookup asks the filter of each whose range has the key. */
export const MAX_FIFO_LEVEL0_FILES = 4096;
/** A manifest that is larger is replaced by one that begins with the whole state. */
export const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024;
/** Work that is due only because time has passed is looked for this often at most. */
export const MIN_CLOCK_MS = 1000;
/**
 * A table with range tombstones, or one of level 0 that is mostly deletions, is compacted after this long for their sake: whoever deletes all the time has it merged
 * with others by then.
 */
export const DELETIONS_REST_SECONDS = 60;
/** A table of which much is hidden is left alone for so long: where that cannot be dropped after all, it is not tried without end. */
export const HIDDEN_REST_SECONDS = 3600;
/** Tables are written anew after so long, where entries expire or are filtered and nothing else was said. */
export const REWRITE_AFTER_SECONDS: number = 30 * 86_400;
/** After how long a flush or compaction that found no room on the disk is tried again. */
export const RETRY_MS = 1000;
/** A job thread looks for more urgent requests this often, ... */
export const JOB_SLICE_US = 2000;
/** ... and at least this often where a rate limit lets it sleep. */
export const LONGEST_SLEEP_MS = 100;
/** Blocks that a job caches: indexes of the tables that it reads. */
export const JOB_CACHE_BYTES: number = 32 * 1024 * 1024;
export const JOB_CACHE_SEGMENT_BYTES: number = 1024 * 1024;
/** Who blocks for a job thread looks up this often, ... */
export const LONGEST_WAIT_MS = 10;
/** ... and takes it for dead after this long without a sign: one sync of a slow disk is the longest step. */
export const SILENCE_MS = 60_000;
/** How often a job is begun whose thread dies. */
export const MAX_JOB_ATTEMPTS = 3;
/** How long jobs without a worker keep the event loop waiting at a time. */
export const SLICE_US = 2000;
/** Blocks that lie together are read together once a scan has missed two, first 8 KiB at a time, twice as much each time, up to this ... */
export const MAX_READ_AHEAD_BYTES: number = 256 * 1024;
export const FIRST_READ_AHEAD_BYTES: number = 8 * 1024;
/** ... and at most so many. */
export const MAX_RUN_BLOCKS = 64;
/** Blocks that one read, or one group of reads, may wait for at a time. */
export const MAX_BLOCK_REQUESTS = 1024;
/** Indexes and filters of levels 0 and 1 are pinned while they take at most this part of the block cache. */
export const CACHE_HELD_FRACTION = 0.25;
/** A buffer that a larger block made larger than this is not kept. */
export const MAX_KEPT_BUFFER_BYTES: number = 1024 * 1024;

// ---- options

/** A block cache below a few blocks is none. */
export const MIN_CACHE_BYTES: number = 64 * 1024;
/** Tests make small trees; smaller than a few blocks a level or a table is none. */
export const MIN_LEVEL_BYTES = 4096;
export const MIN_TABLE_FILE_BYTES = 1024;

// ---- reads

/** A read from the page cache takes less than this; on the average of reads that take more, reads go beside the event loop. */
export const QUICK_READ_US = 100;
/** How often a read that waits for blocks is made again, before it reads without letting go of the thread. Each level needs three blocks. */
export const MAX_READ_ROUNDS = 64;

// ---- keys and values

/** LevelDB has no limit; a key is copied at every turn, so more than this is a mistake. */
export const MAX_KEY_BYTES: number = 1024 * 1024;
/** A value, its key and what is around them fit a batch and a memtable. */
export const MAX_VALUE_BYTES: number = 512 * 1024 * 1024;

// ---- writes

/** A group of writes of one tick is stored when it is this large: a buffer of the log takes it in one write. */
export const GROUP_BYTES: number = 64 * 1024;
/** A batch from this size on is stored by itself instead of being copied to the group. */
export const DIRECT_BATCH_BYTES: number = 16 * 1024;
/** Tombstones of a range that is cleared are written in batches of this size. */
export const CLEAR_BATCH_BYTES: number = 64 * 1024;
/** And so many keys are gone through, some tenth of a millisecond, between looks at how long the event loop has not turned. */
export const CLEAR_TURN_KEYS = 256;
/** Writers that are slowed down get at least so many bytes a second through, ... */
export const MIN_WRITE_RATE: number = 1024 * 1024;
/** ... and a burst of so long for nothing. */
export const THROTTLE_BURST_US = 5000;
/** Writes of callers who do not await them, while there is no room for them. */
export const MAX_WAITING_BYTES: number = 64 * 1024 * 1024;
/** Promises that are resolved at once let the event loop wait this long, then one goes through it. */
export const LONG_TURN_US = 2000;
/** Threads for the jobs of the databases that share them. */
export const MAX_WORKERS = 64;
/** Tables that stay open while nobody uses them: the usual limit of open files is 1024, some of which are others'. */
export const MAX_OPEN_TABLES = 900;

// ---- ingest

/** Sequences that are left for writes while an ingest is prepared: with 2^53 of them there can be 2^33 ingests ... */
export const INGEST_FIRST_ROOM: number = 2 ** 20;
/** ... and so many times as many where that was not enough, until it is. */
export const INGEST_ROOM_FACTOR = 64;
/** Tables of one ingest, and so of one edit: 6 TiB of the largest ones. */
export const MAX_INGEST_TABLES = 100_000;

// ---- indexed batches and transactions

/** Records and index: offsets into either stay below 32 bits, and a batch has to fit a memtable. */
export const MAX_INDEXED_BATCH_BYTES: number = 1024 * 1024 * 1024;
/** What a range that a transaction has read counts for, beside its bounds. */
export const TRACKED_RANGE_BYTES = 256;
/** How often `transact` runs a function whose transactions conflict, unless told otherwise. */
export const TRANSACT_ATTEMPTS = 16;
/** A commit that finds no room looks again after so long. */
export const COMMIT_RETRY_MS = 1;

// ---- secondaries

/** How often a refresh looks again where the writer's files have changed under it. */
export const MAX_REFRESH_ATTEMPTS = 10;

// ---- backups

/** Files are copied and hashed in pieces of this size: a quarter of a millisecond each. */
export const COPY_PIECE_BYTES: number = 256 * 1024;
/** Files of one backup: 64 TiB in tables of 64 MiB. Its own file names each in about 200 bytes. */
export const MAX_BACKUP_FILES = 1_000_000;
export const MAX_BACKUP_FILE_BYTES: number = 256 * 1024 * 1024;

// ---- tools

/** How often a directory that somebody else writes to is looked at again, because a file was gone meanwhile. */
export const LOOK_ATTEMPTS = 10;
/** Problems of one file that a check keeps; it counts the others. */
export const MAX_PROBLEMS_OF_A_FILE = 20;
/** Where the index of a table is lost, data blocks are first thought to be no larger than this, ... */
export const MAX_SCANNED_BLOCK_BYTES: number = 1024 * 1024;
/** ... and so many bytes are tried in vain for all of a table: some ten seconds of work. */
export const MAX_SCAN_BYTES: number = 2 ** 31;
/** What a repair holds of a log before it makes a table of it. */
export const SALVAGE_MEMTABLE_BYTES: number = 32 * 1024 * 1024;
/** A repair ends tables of sorted levels behind this size. */
export const REPAIRED_TABLE_BYTES: number = 64 * 1024 * 1024;
