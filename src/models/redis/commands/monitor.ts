/** MONITOR: the connection gets a line about every command that runs from now on. */
import type { CommandSpec } from '../command.ts';

export const MONITOR: CommandSpec = {
  name: 'monitor',
  arity: 1,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  group: 'server',
  since: '1.0.0',
  complexity: '',
  summary: 'Streams every command that the server runs.',
  history: [],
  handler(c) {
    const { model, session } = c;
    if (session.isMonitor) return; // no second reply, as in Redis
    session.isMonitor = true;
    model.monitors.sessions.add(session);
    c.reply.ok();
  },
};
