/** What memcached's flags say, before it is said in settings. */
import type { Tunables } from '../models/memcached/tunables.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What the flags say. */
export interface MemcachedCall {
  /** What is to be printed instead of starting. */
  ask: 'help' | 'version' | 'license' | undefined;
  readonly settings: Map<string, string>;
  readonly tunables: Partial<Writable<Tunables>>;
  /** -1: any free port. */
  port: number | undefined;
  udpPort: number | undefined;
  readonly listen: string[];
  unixSocket: string;
  memoryMegabytes: number;
  evicts: boolean;
  itemSizeBytes: number;
  hasTls: boolean;
  hasSasl: boolean;
  authFile: string;
  protocol: string | undefined;
  isDaemon: boolean;
  user: string;
  pidFile: string;
  verbosity: number;
}

/** Flags that can't be followed. */
export class FlagError extends Error {
  readonly code = 'BAD_FLAG';
}

/** As C's atoi: what is no number is 0. */
export function toInteger(text: string): number {
  const value = parseInt(text, 10);
  return Number.isNaN(value) ? 0 : value;
}

export function newCall(): MemcachedCall {
  return {
    ask: undefined,
    settings: new Map(),
    tunables: {},
    port: undefined,
    udpPort: undefined,
    listen: [],
    unixSocket: '',
    memoryMegabytes: 64,
    evicts: true,
    itemSizeBytes: 1024 * 1024,
    hasTls: false,
    hasSasl: false,
    authFile: '',
    protocol: undefined,
    isDaemon: false,
    user: '',
    pidFile: '',
    verbosity: 0,
  };
}
