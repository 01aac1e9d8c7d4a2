/** HELP of a command with subcommands: written from their specs. */
import type { Command } from './command-table.ts';
import type { AclCategory, CommandGroup, CommandSpec } from './command.ts';
import { formatSyntax, parseSyntax } from './command-docs.ts';
import type { Context } from './context.ts';
import { quotable } from './error-text.ts';

/** The HELP subcommand of `container` (in capitals). */
export function helpCommand(
  container: string,
  group: CommandGroup,
  since: string,
  acl: readonly AclCategory[] = [],
): CommandSpec {
  return {
    name: 'help',
    arity: 2,
    flags: ['loading', 'stale'],
    acl,
    group,
    since,
    complexity: 'O(1)',
    summary: `Describes the subcommands of ${container}.`,
    handler: (c) => replyHelp(c, helpLines(c.command.parent!)),
  };
}

/** Replies with `lines` between Redis's customary first and last ones. */
export function replyHelp(c: Context, lines: readonly string[]): void {
  const name = c.request.text(0).toUpperCase();
  const { reply } = c;
  reply.array(lines.length + 3);
  reply.simple(`${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple('HELP');
  reply.simple('    Print this help.');
}

function helpLines(container: Command): string[] {
  const lines: string[] = [];
  if (container.handler !== undefined)
    lines.push('(no subcommand)', `    ${container.spec.summary}`);
  for (const { spec } of container.subcommands) {
    if (spec.name === 'help') continue;
    const args = spec.syntax === undefined ? '' : ` ${formatSyntax(parseSyntax(spec.syntax))}`;
    lines.push(`${spec.name.toUpperCase()}${args}`, `    ${spec.summary}`);
  }
  return lines;
}

/** What Redis answers to a subcommand that exists but not with so many arguments. */
export function wrongSubcommand(c: Context): string {
  const { request } = c;
  const name = request.text(0).toUpperCase();
  const word = quotable(request.text(1)).slice(0, 128);
  return `ERR unknown subcommand or wrong number of arguments for '${word}'. Try ${name} HELP.`;
}
