/** MULTI's queue: what dispatch and the transaction commands share. */
import { Request } from '../../bytes/resp-request.ts';
import type { Command } from './command-table.ts';
import type { Context } from './context.ts';
import type { Session } from './session.ts';

/** Memory of a queued command beside its bytes: offsets and objects, estimated. */
const QUEUED_OVERHEAD_BYTES = 256;

/** Copies `request` behind the commands that wait for EXEC. After an error that broke the transaction nothing is kept. */
export function queueCommand(session: Session, command: Command, request: Request): void {
  if (session.queue === undefined || session.isTransactionBroken || session.isTransactionDirty) return;
  const kept = new Request(Math.max(request.count, 1));
  const args: Uint8Array[] = [];
  for (let i = 0; i < request.count; i++) args.push(request.copy(i));
  kept.fill(args);
  session.queue.push({ command, request: kept });
  session.queuedBytes += kept.to + QUEUED_OVERHEAD_BYTES;
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

/** EXEC was refused with `error`: the transaction is over. */
export function abortTransaction(c: Context, error: string): void {
  discardTransaction(c);
  const reason = error.startsWith('ERR ') ? error.slice(4) : error;
  c.reply.error(`EXECABORT Transaction discarded because of: ${reason}`);
}
