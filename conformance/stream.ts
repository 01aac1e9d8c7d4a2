/** What is sent to both servers: steps, each some commands that one client sends at once. */
import { encode } from './wire.ts';

/** Arguments as text, one character a byte. An array of one element that begins with a NUL is sent as it stands (inline, broken protocol). */
export type Command = readonly string[];

export const RAW = '\0raw:';

export interface Step {
  client: number;
  commands: Command[];
  /** How many answers to wait for; default: one a command. */
  answers?: number;
}

export function isRaw(command: Command): boolean {
  return command.length === 1 && command[0]!.startsWith(RAW);
}

export function bytesOf(command: Command): Buffer {
  if (isRaw(command)) return Buffer.from(command[0]!.slice(RAW.length), 'latin1');
  return encode(command.map((arg) => Buffer.from(arg, 'latin1')));
}

export function nameOf(command: Command): string {
  return isRaw(command) ? '(raw)' : (command[0] ?? '').toLowerCase();
}

/** Arguments as redis-cli would show them. */
export function format(command: Command): string {
  return command.map((arg) => (/^[\w.:*@#+-]+$/.test(arg) ? arg : JSON.stringify(arg))).join(' ');
}

export function formatStep(step: Step): string {
  return step.commands.map((command) => `client ${step.client}> ${format(command)}`).join('\n');
}
