/** MULTI's queue: what dispatch and the transaction commands share. */
import { copyBytes, Region } from '../../bytes/region.ts';
import { Request } from '../../bytes/resp-request.ts';
import type { Command } from './command-table.ts';
import type { Context } from './context.ts';
import type { Session } from './session.ts';

/** Memory of a queued command beside its bytes: offsets and objects, estimated. */
const QUEUED_OVERHEAD_BYTES = 256;

/**
 * Copies `request` behind the commands that wait for EXEC. Once the transaction can only fail nothing is kept. False: they are more than
 * `limitBytes` now.
 */
export function queueCommand(
  session: Session,
  command: Command,
  request: Request,
  limitBytes: number,
): boolean {
  if (session.queue === undefined || session.isTransactionBroken || session.isTransactionDirty)
    return true;
  session.queue.push({ command, request: keep(request) });
  session.queuedBytes += request.to - request.from + request.count * 8 + QUEUED_OVERHEAD_BYTES;
  return session.queuedBytes <= limitBytes;
}

/** A copy of `request` in memory of its own. */
function keep(request: Request): Request {
  const { count, from } = request;
  const length = request.to - from;
  const kept = new Request(count);
  kept.region = Region.allocate(length);
  copyBytes(kept.region, 0, request.region, from, length);
  for (let i = 0; i < count; i++) {
    kept.start[i] = request.start[i]! - from;
    kept.end[i] = request.end[i]! - from;
  }
  kept.count = count;
  kept.to = length;
  kept.isInline = request.isInline;
  return kept;
}

/** The flags of all queued commands together. */
export function transactionFlags(session: Session): number {
  let flags = 0;
  for (const queued of session.queue ?? []) flags |= queued.command.flags;
  return flags;
}

/** Leaves the transaction and forgets what was watched. */
export function discardTransaction(c: Context): void {
  const session = c.session;
  session.queue = undefined;
  session.queuedBytes = 0;
  session.isTransactionBroken = false;
  session.isTransactionDirty = false;
  c.model.unwatch(session);
}

/** EXEC was refused with `error`: the transaction is over. Monitors, which saw MULTI, see the EXEC. */
export function abortTransaction(c: Context, error: string): void {
  discardTransaction(c);
  const reason = error.startsWith('ERR ') ? error.slice(4) : error;
  c.reply.error(`EXECABORT Transaction discarded because of: ${reason}`);
  const monitors = c.model.monitors;
  if (monitors.sessions.size > 0) monitors.feed(c.request, c.session);
}
