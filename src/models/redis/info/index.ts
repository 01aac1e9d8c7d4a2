/** INFO's sections: their names, their order, and which are shown for which request. */
import type { InfoFields } from '../host.ts';
import type { RedisModel } from '../model.ts';
import { commandFields, errorFields, keyspaceFields, latencyFields } from './commands.ts';
import { memoryFields } from './memory.ts';
import { persistenceFields } from './persistence.ts';
import { clientFields, cpuFields, replicationFields, serverFields } from './server.ts';
import { debugFields, statsFields } from './stats.ts';

interface Section {
  title: string;
  /** `default`: shown without being asked for. `all`: by ALL and EVERYTHING. `named`: only by its name. */
  shown: 'default' | 'all' | 'named';
  fields: (model: RedisModel) => InfoFields;
}

const SECTIONS: readonly Section[] = [
  { title: 'Server', shown: 'default', fields: serverFields },
  { title: 'Clients', shown: 'default', fields: clientFields },
  { title: 'Memory', shown: 'default', fields: memoryFields },
  { title: 'Persistence', shown: 'default', fields: persistenceFields },
  { title: 'Stats', shown: 'default', fields: statsFields },
  { title: 'Replication', shown: 'default', fields: replicationFields },
  { title: 'CPU', shown: 'default', fields: cpuFields },
  { title: 'Modules', shown: 'default', fields: () => ({}) },
  { title: 'Commandstats', shown: 'all', fields: commandFields },
  { title: 'Errorstats', shown: 'default', fields: errorFields },
  { title: 'Latencystats', shown: 'all', fields: latencyFields },
  { title: 'Cluster', shown: 'default', fields: () => ({ cluster_enabled: 0 }) },
  { title: 'Keyspace', shown: 'default', fields: keyspaceFields },
  { title: 'Debug', shown: 'named', fields: debugFields },
];

/** INFO's text for these section names, in any case; none: the default ones. Unknown names show nothing. */
export function infoText(model: RedisModel, names: readonly string[]): string {
  const wanted = new Set(
    names.length === 0 ? ['default'] : names.map((name) => name.toLowerCase()),
  );
  if (wanted.delete('module_list')) wanted.add('modules');
  const isAll = wanted.has('all') || wanted.has('everything');
  const isDefault = wanted.has('default');
  return SECTIONS.filter(
    ({ title, shown }) =>
      wanted.has(title.toLowerCase()) ||
      (isAll && shown !== 'named') ||
      (isDefault && shown === 'default'),
  )
    .map(({ title, fields }) => `# ${title}\r\n${lines(fields(model))}`)
    .join('\r\n');
}

function lines(fields: InfoFields): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) text += `${name}:${value}\r\n`;
  return text;
}
