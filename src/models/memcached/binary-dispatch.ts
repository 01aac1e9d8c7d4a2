/** Runs requests of the binary protocol: checks their shape, refuses what may not run now, calls the handler, ends the log entry. */
import { EngineFullError } from '../../memory/index.ts';
import { CLOSED, POSTPONED, RAN } from '../redis/dispatch.ts';
import { BinaryContext } from './binary-context.ts';
import { BINARY_ITEM_COMMANDS } from './binary-items.ts';
import { STATUS } from './binary-reply.ts';
import type { BinaryRequest } from './binary-request.ts';
import { BINARY_SERVER_COMMANDS } from './binary-server.ts';
import { type BinaryCommandSpec, BinaryTable } from './binary-table.ts';
import type { MemcachedClient } from './client.ts';
import type { MemcachedModel } from './model.ts';
import { MAX_KEY_BYTES } from './options.ts';

export const BINARY_COMMANDS: readonly BinaryCommandSpec[] = [
  ...BINARY_ITEM_COMMANDS,
  ...BINARY_SERVER_COMMANDS,
];

export class BinaryDispatcher {
  readonly context: BinaryContext;
  readonly #model: MemcachedModel;
  readonly #commands: BinaryTable = new BinaryTable(BINARY_COMMANDS);

  constructor(model: MemcachedModel) {
    this.#model = model;
    this.context = new BinaryContext(model);
  }

  /** Runs one request of `client`, for whom the reply writer writes; answers as the Redis dispatcher does. */
  execute(client: MemcachedClient, request: BinaryRequest): number {
    const model = this.#model;
    const { redis } = model;
    const c = this.context;
    c.client = client;
    model.watchers.client = client;
    c.request = request;
    c.isQuiet = false;
    c.isClosing = false;
    if (model.flush.dueMs <= redis.engine.now) model.flush.runIfDue();
    const { session } = client;
    session.commandCount++;
    redis.stats.commandsProcessed++;
    if (request.valueBytes < 0) {
      c.error(STATUS.unknownCommand);
      return CLOSED;
    }
    const command = this.#commands.lookup(request.opcode);
    if (!client.isAuthenticated && command?.isOpen !== true) {
      c.error(STATUS.authError);
      return CLOSED;
    }
    if (request.keyBytes > MAX_KEY_BYTES) {
      c.protocolError();
      return CLOSED;
    }
    if (command === undefined) {
      c.error(STATUS.unknownCommand);
      return RAN;
    }
    session.lastCommand = command.name;
    if (!hasShape(command, request)) {
      c.protocolError();
      return CLOSED;
    }
    const { persistence } = redis.host;
    if (persistence.isLoading && command.isAboutServer !== true) {
      c.error(STATUS.outOfMemory, 'LOADING the data set is being loaded');
      return RAN;
    }
    const isWrite = command.isWrite === true;
    if (redis.pauses.mode !== 'off' && (isWrite || redis.pauses.mode === 'all')) {
      redis.pauses.postpone(session);
      return POSTPONED;
    }
    if (isWrite && persistence.refusal !== undefined) {
      c.error(STATUS.outOfMemory, persistence.refusal);
      return RAN;
    }
    c.isQuiet = command.isQuiet === true;
    this.#run(command);
    redis.effects.endEntry();
    return c.isClosing || session.isClosing ? CLOSED : RAN;
  }

  #run(command: BinaryCommandSpec): void {
    const c = this.context;
    const { writer } = c;
    const { region, at } = writer;
    try {
      command.handler(c);
    } catch (error) {
      if (!(error instanceof EngineFullError) && !(error instanceof RangeError)) throw error;
      c.items.terms.reset();
      c.statistics.noMemory++;
      if (writer.region === region) writer.at = at;
      else c.isClosing = true;
      c.error(STATUS.outOfMemory);
    }
  }
}

/** Whether the request has the parts that its operation is made of. */
function hasShape(command: BinaryCommandSpec, request: BinaryRequest): boolean {
  if (!command.extras.includes(request.extrasBytes)) return false;
  if (command.key === 'needed' && request.keyBytes === 0) return false;
  if (command.key === 'none' && request.keyBytes > 0) return false;
  return command.hasValue === true || request.valueBytes === 0;
}
