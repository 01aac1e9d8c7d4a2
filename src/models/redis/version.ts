/** The version of Redis whose commands, replies and files these are. */
export const REDIS_VERSION = '7.2.4';
