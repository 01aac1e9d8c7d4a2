/** All commands of the Redis model, by group. A new file of commands is added here and nowhere else. */
import type { CommandSpec } from '../command.ts';

export const COMMANDS: readonly CommandSpec[] = [];
