/** The version that memcached's clients are told: that of the memcached whose behaviour the text, meta and binary protocols follow. */
export const MEMCACHED_VERSION = '1.6.18';
