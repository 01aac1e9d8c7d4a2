/** One screen at the start: where the server listens, what is durable, what to type next. */
import path from 'node:path';
import type { Settings } from '../models/redis/settings/settings.ts';
import { packageVersion } from '../server/process-host.ts';
import type { RunningServer } from '../server/server.ts';

const SYNC: Readonly<Record<string, string>> = {
  always: 'every write is synced to disk before its reply leaves',
  everysec:
    'writes survive a crash of this process; a crash of the machine may cost the last second',
  no: 'writes survive a crash of this process; after a crash of the machine the kernel decides',
};

export function banner(server: RunningServer, settings: Settings, memoryOnly: boolean): string {
  const isDurable = !memoryOnly && settings.flag('appendonly');
  const port = server.port === 6379 || server.port === 0 ? '' : ` -p ${server.port}`;
  const socket =
    server.port === 0 && settings.text('unixsocket') !== ''
      ? ` -s ${settings.text('unixsocket')}`
      : '';
  const lines = [
    '',
    `  Kvasir ${packageVersion()}, compatible with Redis 7.2.4`,
    '',
    `  listening   ${server.addresses.join(', ')}`,
    isDurable
      ? `  data        ${shortPath(settings.text('dir'))} (appendonly, fsync ${settings.text('appendfsync')})`
      : '  data        in memory only: gone when this process ends',
    ...(isDurable ? [`  durable     ${SYNC[settings.text('appendfsync')]}`] : []),
    '',
    `  try         npx kvasir cli${port}${socket} SET greeting hello`,
    `              npx kvasir cli${port}${socket} GET greeting`,
    '  stop        Ctrl-C',
    '',
    '',
  ];
  return lines.join('\n');
}

/** From the working directory, where it is below it. */
function shortPath(absolute: string): string {
  const relative = path.relative('.', absolute);
  return relative.startsWith('..') || path.isAbsolute(relative) ? absolute : `./${relative}`;
}
