/** LATENCY: slow events (the latency monitor) and histograms of how long commands take. */
import type { Command } from '../command-table.ts';
import type { CommandFlag, CommandSpec } from '../command.ts';
import { helpCommand } from '../command-help.ts';
import type { Context } from '../context.ts';
import { latencyGraph, latencyReport } from '../latency-report.ts';
import { quotable } from '../error-text.ts';

const FLAGS: readonly CommandFlag[] = ['admin', 'noscript', 'loading', 'stale'];
const TIPS = ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'];

const DOCTOR: CommandSpec = {
  name: 'doctor',
  arity: 2,
  flags: FLAGS,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  summary: 'Answers an account of slow events in words, with advice.',
  tips: TIPS,
  handler: (c) => c.reply.verbatim('txt', latencyReport(c.model)),
};

const GRAPH: CommandSpec = {
  name: 'graph',
  arity: 3,
  flags: FLAGS,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  summary: 'Answers a chart of how long an event took.',
  syntax: 'event',
  tips: TIPS,
  handler(c) {
    const event = c.request.text(2);
    const series = c.model.latency.series.get(event);
    if (series === undefined)
      c.reply.error(`ERR No samples available for event '${quotable(event)}'`);
    else c.reply.verbatim('txt', latencyGraph(event, series, c.now));
  },
};

const HISTORY: CommandSpec = {
  name: 'history',
  arity: 3,
  flags: FLAGS,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  summary: 'Answers the samples of an event: second and milliseconds of each.',
  syntax: 'event',
  tips: TIPS,
  handler(c) {
    const { reply } = c;
    const samples = c.model.latency.series.get(c.request.text(2))?.samples ?? [];
    reply.array(samples.length);
    for (const { timeSeconds, milliseconds } of samples) {
      reply.array(2);
      reply.integer(timeSeconds);
      reply.integer(milliseconds);
    }
  },
};

const LATEST: CommandSpec = {
  name: 'latest',
  arity: 2,
  flags: FLAGS,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  summary: 'Answers the last sample of every event, and the slowest ever.',
  tips: TIPS,
  handler(c) {
    const { reply } = c;
    const all = c.model.latency.series;
    reply.array(all.size);
    for (const [event, series] of all) {
      const last = series.samples.at(-1)!;
      reply.array(4);
      reply.bulkText(event);
      reply.integer(last.timeSeconds);
      reply.integer(last.milliseconds);
      reply.integer(series.maxMilliseconds);
    }
  },
};

const RESET: CommandSpec = {
  name: 'reset',
  arity: -2,
  flags: FLAGS,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  summary: 'Forgets the samples of the events named, or of all.',
  syntax: '[event...]',
  tips: ['request_policy:all_nodes', 'response_policy:agg_sum'],
  handler(c) {
    const { request } = c;
    const { latency } = c.model;
    let count = request.count === 2 ? latency.reset() : 0;
    for (let i = 2; i < request.count; i++) count += latency.reset(request.text(i));
    c.reply.integer(count);
  },
};

const HISTOGRAM: CommandSpec = {
  name: 'histogram',
  arity: -2,
  flags: FLAGS,
  group: 'server',
  since: '7.0.0',
  complexity: 'O(N), N being the number of commands with data',
  summary:
    'Answers how many calls of each command took at most so many microseconds, in powers of two.',
  syntax: '[COMMAND:string...]',
  tips: TIPS,
  handler: histogram,
};

function histogram(c: Context): void {
  const { request, reply, model } = c;
  model.commands.settle(model.latency.isTracking);
  const commands: Command[] = [];
  const add = (command: Command): void => {
    if (command.histogram !== undefined) commands.push(command);
    for (const sub of command.subcommands) add(sub);
  };
  if (request.count === 2) model.commands.all.forEach(add);
  for (let i = 2; i < request.count; i++) {
    const command = model.commands.byName(request.text(i).toLowerCase());
    if (command !== undefined) add(command);
  }
  reply.map(commands.length);
  for (const command of commands) {
    const levels = command.histogram!.cumulative();
    reply.bulkText(command.fullName);
    reply.map(2);
    reply.bulkText('calls');
    reply.integer(command.histogram!.total);
    reply.bulkText('histogram_usec');
    reply.map(levels.length);
    for (const [microseconds, calls] of levels) {
      reply.integer(microseconds);
      reply.integer(calls);
    }
  }
}

export const LATENCY: CommandSpec = {
  name: 'latency',
  arity: -2,
  flags: [],
  group: 'server',
  since: '2.8.13',
  complexity: 'Depends on the subcommand',
  summary: 'Commands about slowness.',
  subcommands: [
    DOCTOR,
    GRAPH,
    helpCommand('LATENCY', 'server', '2.8.13'),
    HISTOGRAM,
    HISTORY,
    LATEST,
    RESET,
  ],
};
