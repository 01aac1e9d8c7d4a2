/**
 * MONITOR: every command that ran, streamed to the clients that asked for it, as
 *
 *   +1700000000.123456 [0 127.0.0.1:50001] "SET" "a" "\x00\n"
 *
 * A line is escaped and written piece by piece, so that an argument of any size needs no string of that size; it is written for the
 * first monitor and repeated for the others.
 */
import { latin1, type Request } from '../../bytes/resp-request.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import type { Host } from './host.ts';
import { isSecret, REDACTED } from './redaction.ts';
import type { Session } from './session.ts';

const PIECE_BYTES = 4096;

export class MonitorFeed {
  readonly sessions: Set<Session> = new Set();
  readonly #host: Host;
  readonly #reply: RespWriter;

  constructor(host: Host, reply: RespWriter) {
    this.#host = host;
    this.#reply = reply;
  }

  /** Sends `request`, which `session` ran, to all monitors. */
  feed(request: Request, session: Session): void {
    let isWritten = false;
    for (const monitor of this.sessions) {
      if (isWritten) {
        this.#host.output.repeat(monitor);
        continue;
      }
      this.#host.output.begin(monitor);
      this.#write(request, session);
      this.#host.output.end();
      isWritten = true;
    }
  }

  #write(request: Request, session: Session): void {
    const reply = this.#reply;
    const us = this.#host.wallClockUs();
    const seconds = Math.floor(us / 1e6);
    const micros = String(us - seconds * 1e6).padStart(6, '0');
    const from = session.io.isUnixSocket
      ? `unix:${session.io.address.replace(/:0$/, '')}`
      : session.io.address;
    reply.rawText(`+${seconds}.${micros} [${session.database} ${from}]`);
    for (let i = 0; i < request.count; i++) {
      reply.rawText(' "');
      if (isSecret(request, i)) {
        reply.rawText(REDACTED);
      } else {
        const end = request.end[i]!;
        for (let at = request.start[i]!; at < end; at += PIECE_BYTES) {
          reply.rawText(escape(latin1(request.region, at, Math.min(end, at + PIECE_BYTES))));
        }
      }
      reply.rawText('"');
    }
    reply.crlf();
  }
}

const NAMED: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

/** `text` (one byte a character) as Redis quotes it: what is not printable ASCII becomes an escape. */
function escape(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(
    /[^ !#-[\]-~]/g,
    (c) => NAMED[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
