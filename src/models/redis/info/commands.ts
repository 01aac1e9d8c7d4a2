/** INFO commandstats, errorstats, latencystats and keyspace: a line for each command, error code or database that has something to tell. */
import type { Command } from '../command-table.ts';
import type { InfoFields } from '../host.ts';
import type { RedisModel } from '../model.ts';
import { ratio, safeName } from './format.ts';

export function commandFields(model: RedisModel): InfoFields {
  model.commands.settle(model.latency.isTracking);
  const fields: InfoFields = {};
  eachCommand(model, (command) => {
    const { calls, rejectedCalls, failedCalls } = command;
    if (calls === 0 && rejectedCalls === 0 && failedCalls === 0) return;
    const microseconds = Math.floor(command.microseconds);
    fields[`cmdstat_${safeName(command.fullName)}`] =
      `calls=${calls},usec=${microseconds},usec_per_call=${ratio(microseconds, calls).toFixed(2)}` +
      `,rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`;
  });
  return fields;
}

export function errorFields(model: RedisModel): InfoFields {
  const codes = [...model.stats.errors.keys()].sort((a, b) => (a < b ? -1 : 1));
  return Object.fromEntries(
    codes.map((code) => [`errorstat_${safeName(code)}`, `count=${model.stats.errors.get(code)}`]),
  );
}

export function latencyFields(model: RedisModel): InfoFields {
  const { isTracking, percentiles } = model.latency;
  const fields: InfoFields = {};
  if (!isTracking) return fields;
  model.commands.settle(isTracking);
  eachCommand(model, (command) => {
    const { histogram } = command;
    if (histogram === undefined) return;
    fields[`latency_percentiles_usec_${safeName(command.fullName)}`] = percentiles
      .map((percent) => `p${percent}=${histogram.percentile(percent).toFixed(3)}`)
      .join(',');
  });
  return fields;
}

export function keyspaceFields(model: RedisModel): InfoFields {
  const fields: InfoFields = {};
  for (const { id, keys } of model.databases) {
    if (keys.size === 0) continue;
    fields[`db${id}`] =
      `keys=${keys.size},expires=${keys.volatileCount},avg_ttl=${Math.floor(keys.averageTtl())}`;
  }
  return fields;
}

function eachCommand(model: RedisModel, visit: (command: Command) => void): void {
  for (const command of model.commands.all) {
    visit(command);
    for (const sub of command.subcommands) visit(sub);
  }
}
