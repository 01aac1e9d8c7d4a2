/** ACL categories of a command: those its spec names and those that follow from its flags, as in Redis. */
import type { Command } from './command-table.ts';

/** All categories, in Redis's order. */
export const CATEGORIES: readonly string[] = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
];

/** The categories of `command`, in Redis's order. */
export function categoriesOf(command: Command): string[] {
  const { flags, acl } = command.spec;
  const found = new Set<string>(acl);
  if (flags.includes('write')) found.add('write');
  if (flags.includes('readonly') && !found.has('scripting')) found.add('read');
  if (flags.includes('admin')) {
    found.add('admin');
    found.add('dangerous');
  }
  if (flags.includes('pubsub')) found.add('pubsub');
  if (flags.includes('blocking')) found.add('blocking');
  found.add(flags.includes('fast') ? 'fast' : 'slow');
  return CATEGORIES.filter((category) => found.has(category));
}
