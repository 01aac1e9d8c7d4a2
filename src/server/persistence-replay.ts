/** Applies the commands of a log to a shard: a session that nobody listens to. */
import type { Request } from '../bytes/resp-request.ts';
import type { Apply } from '../log/entry-reader.ts';
import { ItemReplay } from '../models/redis/item-line.ts';
import { Session, type SessionIo } from '../models/redis/session.ts';
import type { Shard } from './shard.ts';

/** A client that is not there. */
const NOBODY: SessionIo = {
  address: '',
  localAddress: '',
  fd: -1,
  isUnixSocket: false,
  isTls: false,
  isLocal: true,
  queryBufferBytes: () => 0,
  queryBufferFreeBytes: () => 0,
  outputBytes: () => 0,
  outputPieces: () => 0,
  memoryBytes: () => 0,
  totalInputBytes: 0,
  totalOutputBytes: 0,
  close: () => {},
  closeAfterOutput: () => {},
  resume: () => {},
};

/**
 * The applier of one load: it begins in database 0. While it is used the model must be replaying, and output must go nowhere
 * (`withoutOutput`).
 */
export function makeApplier(shard: Shard): Apply {
  const { dispatcher, model } = shard;
  const { reply } = model;
  const session = new Session(0, NOBODY, model.engine.now, true);
  const items = new ItemReplay(model);
  const apply: Apply = (request: Request): string | undefined => {
    const errors = reply.errorCount;
    const problem = dispatcher.replay(session, request);
    items.applied(session, request);
    if (problem !== undefined) return problem;
    if (reply.errorCount === errors) return undefined;
    return `'${request.text(0).slice(0, 64)}' fails: ${reply.lastError}`;
  };
  apply.line = (region, start, end) => items.line(region, start, end);
  return apply;
}

/** Runs `work` as part of a load: entries alone change state, and what is replied reaches nobody. */
export function whileReplaying<T>(shard: Shard, work: () => T): T {
  const { model, outbox } = shard;
  const { current } = outbox;
  const wasReplaying = model.isReplaying;
  const wasLogging = model.effects.isEnabled;
  model.isReplaying = true;
  model.effects.isEnabled = false;
  outbox.leave();
  try {
    return work();
  } finally {
    model.isReplaying = wasReplaying;
    model.effects.isEnabled = wasLogging;
    if (current !== undefined) outbox.enter(current);
  }
}
