/** Runs requests of the text and meta protocols: refuses what may not run now, calls the handler, ends the log entry. */
import { latin1 } from '../../bytes/resp-request.ts';
import { EngineFullError } from '../../memory/index.ts';
import { CLOSED, PARKED, POSTPONED, RAN } from '../redis/dispatch.ts';
import type { MemcachedClient } from './client.ts';
import type { MemcachedModel } from './model.ts';
import { OUT_OF_MEMORY, TextContext } from './text-context.ts';
import type { TextCommand } from './text-table.ts';
import { BLOCK, type TextRequest } from './text-request.ts';

/** Words of a line that authenticates: `set key flags exptime bytes`. */
const MIN_AUTHENTICATION_WORDS = 5;

export class TextDispatcher {
  readonly context: TextContext;
  readonly #model: MemcachedModel;

  constructor(model: MemcachedModel) {
    this.#model = model;
    this.context = new TextContext(model);
  }

  /** Runs one request of `client`, for whom the reply writer writes; answers as the Redis dispatcher does. */
  execute(client: MemcachedClient, request: TextRequest): number {
    const model = this.#model;
    const { redis } = model;
    const c = this.context;
    c.client = client;
    model.watchers.client = client;
    c.request = request;
    c.isQuiet = false;
    c.isPostponed = false;
    c.isClosing = false;
    if (model.flush.dueMs <= redis.engine.now) model.flush.runIfDue();
    const { session } = client;
    session.commandCount++;
    redis.stats.commandsProcessed++;
    if (!client.isAuthenticated) {
      this.#authenticate(c);
      return RAN;
    }
    const { command } = request;
    if (command === undefined) {
      if (isHttp(request)) {
        client.closeReason = 'error';
        return CLOSED;
      }
      c.fail('ERROR');
      return RAN;
    }
    session.lastCommand = command.spec.name;
    if (request.count < command.minWords || request.count > command.maxWords) {
      c.fail('ERROR');
      return RAN;
    }
    if (redis.host.persistence.isLoading && !command.isAboutServer) {
      c.fail('SERVER_ERROR LOADING the data set is being loaded');
      return RAN;
    }
    if (redis.pauses.mode !== 'off' && (command.isWrite || redis.pauses.mode === 'all')) {
      return this.#postpone(client);
    }
    if (command.isWrite && c.refuses()) return RAN;
    this.#run(command);
    redis.effects.endEntry();
    if (c.isPostponed) return this.#postpone(client);
    if (c.isClosing || session.isClosing) return CLOSED;
    return session.parked === undefined ? RAN : PARKED;
  }

  #postpone(client: MemcachedClient): number {
    this.#model.redis.pauses.postpone(client.session);
    return POSTPONED;
  }

  /** Calls the handler; an engine that is full is told of, and what was changed before is logged. */
  #run(command: TextCommand): void {
    const c = this.context;
    const { writer } = c;
    const { region, at } = writer;
    command.calls++;
    try {
      command.handler(c);
    } catch (error) {
      if (!(error instanceof EngineFullError) && !(error instanceof RangeError)) throw error;
      c.items.terms.reset();
      c.statistics.noMemory++;
      // What the handler wrote of its reply is taken back; a reply that went on in another region can't be.
      if (writer.region === region) writer.at = at;
      else c.isClosing = true;
      c.fail(OUT_OF_MEMORY);
    }
  }

  /** `set any 0 0 bytes` with `user password` as its data block; anything else is refused. */
  #authenticate(c: TextContext): void {
    const { client, request, statistics } = c;
    const isSet = request.command?.spec.name === 'set';
    if (!isSet || request.count < MIN_AUTHENTICATION_WORDS || request.block === BLOCK.none) {
      c.fail('CLIENT_ERROR unauthenticated');
      return;
    }
    if (request.block !== BLOCK.whole) {
      c.fail('CLIENT_ERROR bad command line termination');
      return;
    }
    const words = latin1(request.region, request.valueStart, request.valueEnd)
      .split(' ')
      .filter((word) => word !== '');
    const [user, password] = words;
    if (user === undefined || password === undefined) {
      c.fail('CLIENT_ERROR bad authentication token format');
      return;
    }
    statistics.authCommands++;
    if (this.#model.credentials.check(user, password)) {
      client.isAuthenticated = true;
      c.fail('STORED');
    } else {
      statistics.authErrors++;
      c.fail('CLIENT_ERROR authentication failure');
    }
  }
}

/** A browser made to talk to us ends its line so. */
function isHttp(request: TextRequest): boolean {
  return request.count > 0 && request.text(request.count - 1).startsWith('HTTP/');
}
