/** SLOWLOG: the last commands that took longer than `slowlog-log-slower-than` microseconds. */
import type { Request } from '../../bytes/resp-request.ts';
import type { Session } from './session.ts';

export class SlowLog {
  /** Microseconds; negative: off; 0: every command. */
  thresholdUs = 10000;
  maxLength = 128;

  /** Keeps `request` if it took long enough. */
  offer(_request: Request, _session: Session, _microseconds: number, _nowMs: number): void {}
}
