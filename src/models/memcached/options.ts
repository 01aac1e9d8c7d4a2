/** What a server says of its memcached side (settings `memcached-*`, or memcached's own flags); the model reads it anew for each request. */

/** memcached's item header, which its size limit counts: two lists, times, sizes, a reference count. */
const ITEM_HEADER_BYTES = 48;
const CAS_BYTES = 8;
const CLIENT_FLAGS_BYTES = 4;
/** A key ends in a zero byte, a value in CR LF. */
const TERMINATORS_BYTES = 3;

/** memcached's bounds. */
export const MAX_KEY_BYTES = 250;
export const MAX_OPAQUE_BYTES = 32;

/** UDP: an answer of more than this is not sent, but an error: nobody is to be flooded by requests that claim to come from him. */
export const MAX_ANSWER_BYTES: number = 64 * 1024;

/** What the values of one retrieval take of memory together (long-values.ts): what goes beyond is not answered, and the connection closes. */
export const MAX_RETRIEVED_BYTES: number = 256 * 1024 * 1024;

export type Protocol = 'auto' | 'ascii' | 'binary';

export class MemcachedOptions {
  /** `-I`: the largest item, counted as memcached counts it. */
  itemSizeMax: number = 1024 * 1024;
  /** `-C` turns it off: `gets` answers 0, and nothing carries a CAS. */
  hasCas = true;
  /** `-F`, `-X`, `-W`, `-A`: what clients may ask. */
  mayFlush = true;
  mayDump = true;
  mayWatch = true;
  mayShutDown = false;
  /** `-B`. */
  protocol: Protocol = 'auto';
  /** `-Y`: text clients authenticate; its file's name for `stats settings`. */
  authFile = '';
  /** `-D`: what ends a key's prefix for `stats detail`. */
  prefixDelimiter = ':';
  isDetailed = false;
  verbosity = 0;
  /** Seconds; 0: clients may be idle for ever. */
  idleTimeoutSeconds = 0;
  maxConnections = 1024;
  /** Where is listened, for `stats settings`. */
  tcpPort = 0;
  udpPort = 0;
  bind = '';
  unixSocket = '';
  unixSocketMode = 0;
  backlog = 1024;

  /** Whether memcached would store such an item: 1 MiB holds less than 1 MiB of value. */
  isItemSizeOk(keyBytes: number, valueBytes: number, clientFlags: number): boolean {
    const overhead = ITEM_HEADER_BYTES + TERMINATORS_BYTES + (this.hasCas ? CAS_BYTES : 0);
    const flagBytes = clientFlags === 0 ? 0 : CLIENT_FLAGS_BYTES;
    return overhead + keyBytes + valueBytes + flagBytes <= this.itemSizeMax;
  }
}
