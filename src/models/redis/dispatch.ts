/**
 * Runs requests: finds the command, refuses what may not run now, queues in a transaction, calls the handler, keeps the counters, ends the
 * log entry. The order of the checks is Redis's, since it decides which error a client sees.
 */
import type { Request } from '../../bytes/resp-request.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import { EngineFullError, type Keyspace } from '../../memory/index.ts';
import { FLAG, type Command } from './command-table.ts';
import { Context } from './context.ts';
import { FULL, makeRoom } from './eviction.ts';
import type { RedisModel } from './model.ts';
import type { Session } from './session.ts';
import { abortTransaction, queueCommand, transactionFlags } from './transaction.ts';
import { quotable } from './error-text.ts';

/** The request was run (or refused): go on with the next. */
export const RAN = 0;
/** The request was accepted, its reply comes later: read no further input until `SessionIo.resume`. */
export const PARKED = 1;
/** The request was not run: keep it, and run it again after `SessionIo.resume`. */
export const POSTPONED = 2;
/** The session is over: read nothing more. */
export const CLOSED = 3;

/** Below this slow-log threshold (microseconds) every call is timed. */
const CLOSE_TIMING_US = 1000;
const OOM = "OOM command not allowed when used memory > 'maxmemory'.";
/** Redis quotes at most this much of what it does not know. */
const QUOTE_LIMIT = 128;

export class Dispatcher {
  readonly context: Context;
  readonly #model: RedisModel;
  readonly #reply: RespWriter;
  readonly #exec: Command | undefined;
  readonly #ping: Command | undefined;
  readonly #staysOutOfQueue: Set<Command>;
  readonly #allowedInSubscription: Set<Command>;

  constructor(model: RedisModel) {
    this.#model = model;
    this.#reply = model.reply;
    this.context = new Context(model, model.reply, model.effects);
    this.context.run = (command, queued) => this.#runQueued(command, queued);
    const named = (names: string[]): Set<Command> =>
      new Set(names.flatMap((name) => model.commands.byName(name) ?? []));
    this.#exec = model.commands.byName('exec');
    this.#ping = model.commands.byName('ping');
    this.#staysOutOfQueue = named(['exec', 'discard', 'multi', 'watch', 'quit', 'reset']);
    this.#allowedInSubscription = named([
      'ping',
      'subscribe',
      'ssubscribe',
      'unsubscribe',
      'sunsubscribe',
      'psubscribe',
      'punsubscribe',
      'quit',
      'reset',
    ]);
  }

  /** Where the keys are that requests of the session name. */
  keysOf(session: Session): Keyspace {
    return this.#model.databases[session.database]!.keys;
  }

  /** Runs one request of `session`; the caller has made `session` the one that the reply writer writes for. */
  execute(session: Session, request: Request): number {
    const model = this.#model;
    const c = this.context;
    c.session = session;
    c.request = request;
    c.db = model.databases[session.database]!;
    session.commandCount++;

    let command = model.commands.lookup(request);
    if (command === undefined) {
      if (looksLikeHttp(request)) {
        model.host.log(
          'warning',
          `Possible SECURITY ATTACK detected: POST or Host: commands came from ${session.io.address}. Connection aborted.`,
        );
        session.io.close();
        return CLOSED;
      }
      this.#refuse(undefined, unknownCommand(request));
      return RAN;
    }
    if (command.subcommands.length > 0 && request.count > 1) {
      const sub = model.commands.lookupSubcommand(command, request);
      if (sub === undefined) {
        const word = quotable(request.text(1)).slice(0, QUOTE_LIMIT);
        this.#refuse(
          undefined,
          `ERR unknown subcommand '${word}'. Try ${request.text(0).toUpperCase()} HELP.`,
        );
        return RAN;
      }
      command = sub;
    }
    c.command = command;
    session.lastCommand = command.fullName;
    if (command.refusesCount(request.count) || command.handler === undefined) {
      this.#refuse(command, wrongArity(command));
      return RAN;
    }

    // One test for everything that is out of the ordinary keeps the ordinary request short.
    const persistence = model.host.persistence;
    const isFull = model.engine.evictor.isOver(0) && makeRoom(model, 0) === FULL;
    if (
      isFull ||
      !session.isAuthenticated ||
      session.queue !== undefined ||
      session.isSubscriber ||
      session.isMonitor ||
      model.pauses.mode !== 'off' ||
      persistence.isLoading ||
      persistence.refusal !== undefined ||
      command.has(FLAG.protected)
    ) {
      const refusal = this.#refusal(command, session, isFull);
      if (refusal !== undefined) {
        this.#refuse(command, refusal);
        return RAN;
      }
      if (model.pauses.mode !== 'off' && this.#isHeldBack(command, session)) {
        model.pauses.postpone(session);
        return POSTPONED;
      }
      if (session.queue !== undefined && !this.#staysOutOfQueue.has(command)) {
        if (!queueCommand(session, command, request, model.maxQueuedBytes)) {
          model.host.log(
            'warning',
            `Closing client that reached max query buffer length: ${session.io.address} (commands that wait for EXEC)`,
          );
          session.io.close();
          return CLOSED;
        }
        this.#reply.simple('QUEUED');
        return RAN;
      }
    }

    session.isExecuting = true;
    this.call(command);
    session.isExecuting = false;
    if (model.pubsub.hasPostponed) model.pubsub.deliverPostponed(session);
    model.effects.endEntry();
    if (session.isClosing) return CLOSED;
    return session.parked === undefined ? RAN : PARKED;
  }

  /** Whether the command of `request`, of which so much is known, takes argument `i` in chunks. */
  takesChunks(request: Request, i: number): boolean {
    return this.#model.commands.lookup(request)?.spec.chunks === i;
  }

  /** As `execute`, of a request with an argument in chunks: whole where the command runs later, or somebody else reads it. */
  executeLarge(session: Session, request: Request): number {
    const isSeen = session.queue !== undefined || this.#model.monitors.sessions.size > 0;
    if (!isSeen) return this.execute(session, request);
    let whole: Request;
    try {
      whole = request.gathered();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.refuseTooLarge(session, request); // there is no memory for a second copy
    }
    return this.execute(session, whole);
  }

  /** Answers a request of `session` of which an argument did not fit the engine. */
  refuseTooLarge(session: Session, request: Request): number {
    this.context.session = session;
    this.#refuse(this.#model.commands.lookup(request), OOM);
    return RAN;
  }

  /**
   * Runs the current request of the context with all counters; EXEC calls it for each queued command. Counters move after the
   * handler, so that CONFIG RESETSTAT itself is counted; monitors are told after it, as in Redis: EXEC comes behind what it ran.
   */
  call(command: Command): void {
    const model = this.#model;
    const c = this.context;
    const request = c.request;
    const session = c.session;
    const stats = model.stats;
    stats.errorsSeen = this.#reply.errorCount;
    if (this.#isTimed(command)) {
      const before = model.host.monotonicUs();
      this.#handle(command);
      this.#timed(command, request, session, model.host.monotonicUs() - before);
    } else {
      this.#handle(command);
      command.untimed++;
    }
    command.calls++;
    stats.commandsProcessed++;
    if (model.monitors.sessions.size > 0 && !command.has(FLAG.skip_monitor | FLAG.admin)) {
      model.monitors.feed(request, session);
    }
    if (this.#reply.errorCount !== stats.errorsSeen) {
      command.failedCalls++;
      stats.countErrors(this.#reply);
    }
  }

  /** Calls the handler. An engine that is full refuses the command as `maxmemory` would; what was changed before that is logged. */
  #handle(command: Command): void {
    const reply = this.#reply;
    const { region, at } = reply;
    try {
      command.handler!(this.context);
    } catch (error) {
      const refusal = engineRefusal(error);
      if (refusal === undefined) throw error;
      // What the handler wrote of its reply is taken back; a reply that went on in another region can't be.
      if (reply.region === region) reply.at = at;
      else this.context.session.io.close();
      reply.error(refusal);
    }
  }

  /** Runs a request that MULTI queued, for EXEC, whose own request is then the context's again. */
  #runQueued(command: Command, queued: Request): void {
    const c = this.context;
    const { request: outer, command: outerCommand } = c;
    c.request = queued;
    c.db = this.#model.databases[c.session.database]!; // a SELECT may have run
    c.command = command;
    if (this.#model.isReplaying) command.handler!(c);
    else this.call(command);
    c.request = outer;
    c.command = outerCommand;
  }

  /** Applies one command of the log: no checks, no counters, no reply that anybody reads. */
  replay(session: Session, request: Request): string | undefined {
    const model = this.#model;
    const c = this.context;
    let command = model.commands.lookup(request);
    if (command !== undefined && command.subcommands.length > 0 && request.count > 1) {
      command = model.commands.lookupSubcommand(command, request) ?? command;
    }
    if (command?.handler === undefined) {
      return `Unknown command '${request.text(0).slice(0, QUOTE_LIMIT)}' reading the append only file`;
    }
    if (command.refusesCount(request.count)) return wrongArity(command).slice(4);
    c.session = session;
    c.request = request;
    c.command = command;
    c.db = model.databases[session.database]!;
    if (session.queue !== undefined && command !== this.#exec) {
      queueCommand(session, command, request, Infinity);
      return undefined;
    }
    try {
      command.handler(c);
    } catch (error) {
      const refusal = engineRefusal(error);
      if (refusal === undefined) throw error;
      return `${refusal} (the data set is larger than this engine can hold)`;
    }
    return undefined;
  }

  /** Answers input that is no request; the connection closes behind it. */
  protocolError(session: Session, error: string): void {
    this.context.session = session;
    this.#model.stats.errorsSeen = this.#reply.errorCount;
    this.#reply.error(`ERR Protocol error: ${error}`);
    this.#model.stats.countErrors(this.#reply);
  }

  #isTimed(command: Command): boolean {
    if (command.untimed >= command.timingStride) return true;
    const model = this.#model;
    const threshold = model.slowlog.thresholdUs;
    return (threshold >= 0 && threshold < CLOSE_TIMING_US) || model.latency.thresholdMs > 0;
  }

  #timed(command: Command, request: Request, session: Session, took: number): void {
    const model = this.#model;
    command.timed(took, model.latency.isTracking);
    if (model.latency.thresholdMs > 0) {
      const event = command.has(FLAG.fast) ? 'fast-command' : 'command';
      model.latency.sample(event, Math.floor(took / 1000), model.engine.now);
    }
    const slowlog = model.slowlog;
    if (
      slowlog.thresholdUs >= 0 &&
      took >= slowlog.thresholdUs &&
      !command.has(FLAG.skip_slowlog)
    ) {
      slowlog.offer(request, session, took, model.engine.now);
    }
  }

  /** Why `command` may not run now, as an error text; undefined: it may. */
  #refusal(command: Command, session: Session, isFull: boolean): string | undefined {
    const model = this.#model;
    const isExec = command === this.#exec;
    if (command.has(FLAG.protected) && !isProtectedAllowed(model, session)) {
      return (
        'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", ' +
        'you can run it from a local connection, otherwise you need to set this option ' +
        'in the configuration file, and then restart the server.'
      );
    }
    if (!session.isAuthenticated && !command.has(FLAG.no_auth))
      return 'NOAUTH Authentication required.';
    if (session.queue !== undefined && command.has(FLAG.no_multi)) {
      return 'ERR Command not allowed inside a transaction';
    }
    const queued = isExec ? transactionFlags(session) : 0;
    // Queued commands take memory too.
    const isQueueing = session.queue !== undefined && !this.#staysOutOfQueue.has(command);
    if (isFull && (isQueueing || ((command.flags | queued) & FLAG.denyoom) !== 0)) return OOM;
    const refusal = model.host.persistence.refusal;
    if (
      refusal !== undefined &&
      (((command.flags | queued) & FLAG.write) !== 0 || command === this.#ping)
    ) {
      return refusal;
    }
    if (session.isSubscriber && session.resp === 2 && !this.#allowedInSubscription.has(command)) {
      return (
        `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / ` +
        '(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context'
      );
    }
    if (
      model.host.persistence.isLoading &&
      (!command.has(FLAG.loading) || (isExec && queued !== 0))
    ) {
      return 'LOADING Redis is loading the dataset in memory';
    }
    if (
      session.isMonitor &&
      ((command.flags | queued) & (FLAG.write | FLAG.readonly | FLAG.may_replicate)) !== 0
    ) {
      return "ERR Replica can't interact with the keyspace"; // what Redis calls a monitor too
    }
    return undefined;
  }

  #isHeldBack(command: Command, session: Session): boolean {
    const mode = this.#model.pauses.mode;
    if (mode === 'all') return true;
    const queued = command === this.#exec ? transactionFlags(session) : 0;
    return ((command.flags | queued) & (FLAG.write | FLAG.may_replicate)) !== 0;
  }

  #refuse(command: Command | undefined, error: string): void {
    const session = this.context.session;
    if (session.queue !== undefined) session.isTransactionBroken = true;
    if (command !== undefined) command.rejectedCalls++;
    const stats = this.#model.stats;
    stats.errorsSeen = this.#reply.errorCount;
    if (command !== undefined && command === this.#exec) abortTransaction(this.context, error);
    else this.#reply.error(error);
    stats.countErrors(this.#reply);
  }
}

export function wrongArity(command: Command): string {
  return `ERR wrong number of arguments for '${command.fullName}' command`;
}

export function unknownCommand(request: Request): string {
  let args = '';
  for (let i = 1; i < request.count && args.length < QUOTE_LIMIT; i++) {
    args += `'${quotable(request.text(i)).slice(0, QUOTE_LIMIT - args.length)}' `;
  }
  const name = quotable(request.text(0)).slice(0, QUOTE_LIMIT);
  return `ERR unknown command '${name}', with args beginning with: ${args}`;
}

/** What a client is told of an engine that can't take more; undefined: the error is another. */
function engineRefusal(error: unknown): string | undefined {
  if (error instanceof EngineFullError) {
    return OOM;
  }
  if (error instanceof RangeError) {
    return 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
  }
  return undefined;
}

/** A browser made to talk to us by another site begins with these words. */
function looksLikeHttp(request: Request): boolean {
  return request.is(0, 'POST') || request.is(0, 'HOST:');
}

function isProtectedAllowed(model: RedisModel, session: Session): boolean {
  const setting = model.settings.get('enable-debug-command');
  return setting === 'yes' || (setting === 'local' && session.io.isLocal);
}
