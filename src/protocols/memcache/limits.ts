/** Bounds of the memcached protocols, and what happens when they are reached. */

/** A line that is no retrieval and has no end within this many bytes closes the connection, as in memcached. */
export const MAX_LINE_BYTES = 2048;

/** A retrieval's line may be this long: some thousands of keys. memcached has no bound; a longer one closes the connection. */
export const MAX_RETRIEVAL_LINE_BYTES: number = 2 * 1024 * 1024;

/** Blanks in front of a long retrieval's name. */
export const MAX_LEADING_BLANKS = 100;

/** A client that has not authenticated may send values up to this; longer ones are read over. */
export const UNAUTHENTICATED_BLOCK_BYTES = 4096;

/** UDP: a request is one datagram; the largest one there is. */
export const MAX_DATAGRAM_BYTES: number = 64 * 1024;

/** UDP: payload of one datagram of an answer, so that with its headers it fits an Ethernet frame (memcached's UDP_MAX_PAYLOAD_SIZE). */
export const ANSWER_DATAGRAM_BYTES = 1400;

/** UDP: answers that wait for the log to be durable; further requests are dropped. */
export const MAX_WAITING_ANSWERS = 4096;
