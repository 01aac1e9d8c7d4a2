/**
 * Runs requests: finds the command, refuses what may not run now, queues in a transaction, calls the handler, keeps the counters, ends the
 * log entry. The order of the checks is Redis's, since it decides which error a client sees.
 */
import type { Request } from '../../bytes/resp-request.ts';
import type { RespWriter } from '../../bytes/resp-writer.ts';
import { FLAG, type Command } from './command-table.ts';
import { Context } from './context.ts';
import type { RedisModel } from './model.ts';
import type { Session } from './session.ts';
import { abortTransaction, queueCommand, transactionFlags } from './transaction.ts';

/** The request was run (or refused): go on with the next. */
export const RAN = 0;
/** The request was accepted, its reply comes later: read no further input until `SessionIo.resume`. */
export const PARKED = 1;
/** The request was not run: keep it, and run it again after `SessionIo.resume`. */
export const POSTPONED = 2;
/** The session is over: read nothing more. */
export const CLOSED = 3;

/** Of a fast command's calls one in so many is timed, the others are taken to be alike. */
const TIMING_STRIDE = 64;
/** Below this slow-log threshold (microseconds) every call is timed. */
const CLOSE_TIMING_US = 1000;
/** Redis quotes at most this much of what it does not know. */
const QUOTE_LIMIT = 128;
const NOT_CLIENTS_FAULT = /^(LOADING|MISCONF|MASTERDOWN|NOREPLICAS)/;

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

  /** Runs one request of `session`; the caller has made `session` the one that the reply writer writes for. */
  execute(session: Session, request: Request): number {
    const model = this.#model;
    const c = this.context;
    c.session = session;
    c.request = request;
    c.db = model.databases[session.database]!;
    session.lastMs = model.engine.now;
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
      if (sub === undefined && command.handler === undefined) {
        const word = request.text(1).slice(0, QUOTE_LIMIT);
        this.#refuse(
          undefined,
          `ERR unknown subcommand '${word}'. Try ${request.text(0).toUpperCase()} HELP.`,
        );
        return RAN;
      }
      command = sub ?? command;
    }
    c.command = command;
    if (command.refusesCount(request.count) || command.handler === undefined) {
      this.#refuse(command, wrongArity(command));
      return RAN;
    }

    // One test for everything that is out of the ordinary keeps the ordinary request short.
    const persistence = model.host.persistence;
    if (
      !session.isAuthenticated ||
      session.queue !== undefined ||
      session.isSubscriber ||
      model.pauses.mode !== 'off' ||
      persistence.isLoading ||
      persistence.refusal !== undefined ||
      command.has(FLAG.protected)
    ) {
      const refusal = this.#refusal(command, session);
      if (refusal !== undefined) {
        this.#refuse(command, refusal);
        return RAN;
      }
      if (model.pauses.mode !== 'off' && this.#isHeldBack(command, session)) {
        model.pauses.postpone(session);
        return POSTPONED;
      }
      if (session.queue !== undefined && !this.#staysOutOfQueue.has(command)) {
        queueCommand(session, command, request);
        this.#reply.simple('QUEUED');
        return RAN;
      }
    }

    this.call(command);
    model.effects.endEntry();
    if (session.isClosing) return CLOSED;
    return session.parked === undefined ? RAN : PARKED;
  }

  /** Runs the current request of the context with all counters; EXEC calls it for each queued command. */
  call(command: Command): void {
    const model = this.#model;
    const c = this.context;
    c.command = command;
    c.session.lastCommand = command.fullName;
    if (model.monitors.sessions.size > 0 && !command.has(FLAG.skip_monitor | FLAG.admin)) {
      model.monitors.feed(c.request, c.session, c.db.id);
    }
    const errorsBefore = this.#reply.errorCount;
    command.calls++;
    model.stats.commandsProcessed++;
    command.untimed++;
    if (this.#isTimed(command)) this.#callTimed(command);
    else command.handler!(c);
    if (this.#reply.errorCount !== errorsBefore) {
      command.failedCalls++;
      this.#countErrors(this.#reply.errorCount - errorsBefore);
    }
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
    if (session.queue !== undefined && command !== this.#exec) queueCommand(session, command, request);
    else command.handler(c);
    return undefined;
  }

  /** Answers input that is no request; the connection closes behind it. */
  protocolError(session: Session, error: string): void {
    this.context.session = session;
    this.#reply.error(`ERR Protocol error: ${error}`);
    this.#countErrors(1);
  }

  #isTimed(command: Command): boolean {
    if (!command.has(FLAG.fast) || command.untimed >= TIMING_STRIDE) return true;
    const model = this.#model;
    const threshold = model.slowlog.thresholdUs;
    return (threshold >= 0 && threshold < CLOSE_TIMING_US) || model.latency.thresholdMs > 0;
  }

  #callTimed(command: Command): void {
    const model = this.#model;
    const c = this.context;
    const request = c.request;
    const session = c.session;
    const before = model.host.monotonicUs();
    command.handler!(c);
    const took = model.host.monotonicUs() - before;
    const calls = command.untimed;
    command.untimed = 0;
    command.microseconds += took * calls;
    const bucket = took < 1 ? 0 : 32 - Math.clz32(took);
    command.histogram[Math.min(bucket, command.histogram.length - 1)]! += calls;
    if (model.latency.thresholdMs > 0) {
      const event = command.has(FLAG.fast) ? 'fast-command' : 'command';
      model.latency.sample(event, Math.floor(took / 1000), model.engine.now);
    }
    const slowlog = model.slowlog;
    if (slowlog.thresholdUs >= 0 && took >= slowlog.thresholdUs && !command.has(FLAG.skip_slowlog)) {
      // A handler may have run other requests meanwhile (EXEC): what is logged is the one that came in.
      slowlog.offer(request, session, took, model.engine.now);
    }
  }

  /** Why `command` may not run now, as an error text; undefined: it may. */
  #refusal(command: Command, session: Session): string | undefined {
    const model = this.#model;
    const isExec = command === this.#exec;
    if (command.has(FLAG.protected) && !isProtectedAllowed(model, session)) {
      return (
        'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", ' +
        'you can run it from a local connection, otherwise you need to set this option ' +
        'in the configuration file, and then restart the server.'
      );
    }
    if (!session.isAuthenticated && !command.has(FLAG.no_auth)) return 'NOAUTH Authentication required.';
    if (session.queue !== undefined && command.has(FLAG.no_multi)) {
      return 'ERR Command not allowed inside a transaction';
    }
    const queued = isExec ? transactionFlags(session) : 0;
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
    if (model.host.persistence.isLoading && (!command.has(FLAG.loading) || (isExec && queued !== 0))) {
      return 'LOADING Redis is loading the dataset in memory';
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
    if (command !== undefined && command === this.#exec) abortTransaction(this.context, error);
    else this.#reply.error(error);
    this.#countErrors(1);
  }

  #countErrors(count: number): void {
    const stats = this.#model.stats;
    const text = this.#reply.lastError;
    const blank = text.indexOf(' ');
    const code = blank < 0 ? text : text.slice(0, blank);
    stats.errorReplies += count;
    stats.errors.set(code, (stats.errors.get(code) ?? 0) + count);
    if (NOT_CLIENTS_FAULT.test(text)) stats.unexpectedErrorReplies += count;
  }
}

export function wrongArity(command: Command): string {
  return `ERR wrong number of arguments for '${command.fullName}' command`;
}

export function unknownCommand(request: Request): string {
  let args = '';
  for (let i = 1; i < request.count && args.length < QUOTE_LIMIT; i++) {
    args += `'${request.text(i).slice(0, QUOTE_LIMIT - args.length)}' `;
  }
  const name = request.text(0).slice(0, QUOTE_LIMIT);
  return `ERR unknown command '${name}', with args beginning with: ${args}`;
}

/** A browser made to talk to us by another site begins with these words. */
function looksLikeHttp(request: Request): boolean {
  return request.is(0, 'POST') || request.is(0, 'HOST:');
}

function isProtectedAllowed(model: RedisModel, session: Session): boolean {
  const setting = model.settings.get('enable-debug-command');
  return setting === 'yes' || (setting === 'local' && session.io.isLocal);
}
