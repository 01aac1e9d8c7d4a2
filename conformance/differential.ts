/**
 * The same random streams of commands to a real redis-server and to Kvasir, answers compared (compare.ts says how). A stream that differs is cut
 * down to the fewest steps that still do, and printed with its seed.
 */
import { answersAgree, comparablePush, orderPushes } from './compare.ts';
import { CLIENTS, randomStream } from './grammar.ts';
import { Random } from './random.ts';
import { hasProgram, Server } from './servers.ts';
import { shrink } from './shrink.ts';
import { bytesOf, type Command, formatStep, nameOf, type Step } from './stream.ts';
import { Wire } from './wire.ts';

export interface DifferentialOptions {
  seed: number;
  streams: number;
  commands: number;
}

const ANSWER_TIMEOUT_MS = 400;
const SETTLE_MS = 30;
/** After so many streams that differ, the rest would mostly say the same again. */
const MAX_FAILURES = 20;
const CONFIRMATION = /^[>*]3\r\n\$\d+\r\n(p|s)?(un)?subscribe\r\n/;

/** What both servers have in common to begin with. */
const COMMON = ['--save', '', '--enable-debug-command', 'yes', '--notify-keyspace-events', ''];
const RESET: readonly Command[] = [
  ['FLUSHALL'],
  // When a key that is due goes by itself is each server's own affair; on access it goes at once.
  ['DEBUG', 'SET-ACTIVE-EXPIRE', '0'],
  ['CONFIG', 'SET', 'notify-keyspace-events', ''],
  ['CONFIG', 'SET', 'slowlog-max-len', '128'],
  ['CONFIG', 'SET', 'slowlog-log-slower-than', '-1'],
  ['CONFIG', 'SET', 'timeout', '0'],
  ['CONFIG', 'SET', 'latency-tracking-info-percentiles', '50 99 99.9'],
  ['SLOWLOG', 'RESET'],
  ['CLIENT', 'UNPAUSE'],
];

export interface Difference {
  /** Undefined: seen when the stream was over. */
  step: Step | undefined;
  what: string;
}

/** One client's connections to both servers, and the answers that are not compared yet. */
class Pair {
  wires: [Wire, Wire] | undefined;
  readonly answers: [Buffer[], Buffer[]] = [[], []];
  readonly pushes: [string[], string[]] = [[], []];
  /** Commands whose answers are still to come, and those queued in a transaction. */
  expected: Command[] = [];
  queued: Command[] = [];
  #confirmed = 0;

  async open(ports: readonly [number, number]): Promise<[Wire, Wire]> {
    if (this.wires === undefined || this.wires.some((wire) => wire.isClosed)) {
      this.end();
      this.wires = [await Wire.connect(ports[0]), await Wire.connect(ports[1])];
      this.expected = [];
      this.queued = [];
      this.#confirmed = 0;
    }
    return this.wires;
  }

  /** Compares what both have answered; the first difference. */
  compare(): string | undefined {
    const [theirs, ours] = this.answers;
    const count = Math.min(theirs.length, ours.length);
    for (let i = 0; i < count; i++) {
      const exchange = { command: this.#commandOf(theirs[i]!), theirs: theirs[i]!, ours: ours[i]! };
      if (!answersAgree(exchange, this.queued)) {
        return `${JSON.stringify(exchange.command)}\n    redis:  ${show(exchange.theirs)}\n    kvasir: ${show(exchange.ours)}`;
      }
      this.#follow(exchange.command, exchange.theirs);
    }
    theirs.splice(0, count);
    ours.splice(0, count);
    return undefined;
  }

  end(): void {
    this.collectPushes();
    this.wires?.forEach((wire) => wire.close());
  }

  collectPushes(): void {
    this.wires?.forEach((wire, i) => {
      this.pushes[i]!.push(...wire.pushes.map(({ item }) => comparablePush(item)));
      wire.pushes = [];
    });
  }

  /** The command an answer belongs to: each has one answer, but (un)subscribing confirms each channel. */
  #commandOf(answer: Buffer): Command {
    const head = this.expected[0] ?? ['?'];
    const isConfirmation = CONFIRMATION.test(answer.toString('latin1', 0, 40));
    if (isConfirmation && nameOf(head).endsWith('subscribe') && ++this.#confirmed < head.length - 1)
      return head;
    this.#confirmed = 0;
    this.expected.shift();
    return head;
  }

  #follow(command: Command, answer: Buffer): void {
    const name = nameOf(command);
    if (answer.toString('latin1') === '+QUEUED\r\n') this.queued.push(command);
    else if (name === 'exec' || name === 'discard' || name === 'reset') this.queued = [];
  }
}

function show(answer: Buffer): string {
  const text = JSON.stringify(answer.toString('latin1'));
  return text.length > 600 ? `${text.slice(0, 600)}... (${answer.length} bytes)` : text;
}

export class Differential {
  readonly #servers: readonly [Server, Server];
  /** Answers waited for in vain: from what silenced a client. */
  timeouts = 0;

  constructor(theirs: Server, ours: Server) {
    this.#servers = [theirs, ours];
  }

  get #ports(): [number, number] {
    return [this.#servers[0].port, this.#servers[1].port];
  }

  /** Runs the steps against both; the first difference. */
  async run(steps: readonly Step[]): Promise<Difference | undefined> {
    await this.#reset();
    const pairs = Array.from({ length: CLIENTS }, () => new Pair());
    try {
      for (const step of steps) {
        const what = await this.#step(pairs[step.client]!, step);
        if (what !== undefined) return { step, what };
        for (const [i, server] of this.#servers.entries()) {
          if (!server.isAlive)
            return {
              step,
              what: `${i === 0 ? 'redis' : 'kvasir'} ended:\n${server.output.slice(-2000)}`,
            };
        }
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      for (const [client, pair] of pairs.entries()) {
        const what = await this.#last(pair);
        if (what !== undefined) return { step: undefined, what: `client ${client}: ${what}` };
      }
      return undefined;
    } finally {
      for (const pair of pairs) pair.end();
    }
  }

  async #step(pair: Pair, step: Step): Promise<string | undefined> {
    const wires = await pair.open(this.#ports);
    const bytes = Buffer.concat(step.commands.map(bytesOf));
    pair.expected.push(
      ...(step.answers === undefined ? step.commands : step.commands.slice(-step.answers)),
    );
    await Promise.all(
      wires.map(async (wire, i) => {
        wire.send(bytes);
        const wanted = step.answers ?? step.commands.length;
        const answers = await wire.answers(wanted, ANSWER_TIMEOUT_MS);
        if (answers.length < wanted && !wire.isClosed) this.timeouts++;
        pair.answers[i]!.push(...answers);
      }),
    );
    const what = pair.compare();
    if (what !== undefined) return what;
    if (wires[0].isClosed !== wires[1].isClosed) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      if (wires[0].isClosed !== wires[1].isClosed) {
        return `redis ${wires[0].isClosed ? 'hung up' : 'did not hang up'}, kvasir ${wires[1].isClosed ? 'did' : 'did not'}`;
      }
    }
    return undefined;
  }

  /** What came late, and all that was pushed. */
  async #last(pair: Pair): Promise<string | undefined> {
    if (pair.wires !== undefined) {
      for (const [i, wire] of pair.wires.entries())
        pair.answers[i]!.push(...(await wire.answers(0, 0)));
    }
    const what = pair.compare();
    if (what !== undefined) return what;
    const [theirs, ours] = pair.answers;
    if (theirs.length !== ours.length) {
      return `redis answered ${theirs.length} more: ${theirs.map(show).join(' ')}; kvasir ${ours.length}: ${ours.map(show).join(' ')}`;
    }
    pair.collectPushes();
    const [pushed, pushedByUs] = [orderPushes(pair.pushes[0]), orderPushes(pair.pushes[1])];
    const at = Array.from({ length: Math.max(pushed.length, pushedByUs.length) }).findIndex(
      (_, i) => pushed[i] !== pushedByUs[i],
    );
    if (at < 0) return undefined;
    return `push ${at} of ${pushed.length} / ${pushedByUs.length}\n    redis:  ${JSON.stringify(pushed[at])}\n    kvasir: ${JSON.stringify(pushedByUs[at])}`;
  }

  async #reset(): Promise<void> {
    await Promise.all(
      this.#ports.map(async (port) => {
        const wire = await Wire.connect(port);
        wire.send(Buffer.concat(RESET.map(bytesOf)));
        await wire.answers(RESET.length, 5000);
        wire.close();
      }),
    );
  }
}

/** Runs all streams; prints what differs; returns how many streams did. */
export async function runDifferential(options: DifferentialOptions): Promise<number> {
  if (!hasProgram('redis-server')) {
    process.stdout.write(
      'skipped: the differential test needs redis-server (npm run conformance:setup)\n',
    );
    return 0;
  }
  const theirs = await Server.start('redis', COMMON);
  const ours = await Server.start('kvasir', [...COMMON, '--memory', '--loglevel', 'warning']);
  const differential = new Differential(theirs, ours);
  let failures = 0;
  let sent = 0;
  try {
    for (let i = 0; i < options.streams && failures < MAX_FAILURES; i++) {
      const seed = options.seed + i;
      const steps = randomStream(new Random(seed), options.commands);
      sent += steps.reduce((sum, step) => sum + step.commands.length, 0);
      const difference = await differential.run(steps);
      if (difference === undefined) continue;
      failures++;
      await report(differential, seed, steps, difference);
      if (!theirs.isAlive || !ours.isAlive) break;
    }
  } finally {
    await theirs.stop('SIGKILL');
    await ours.stop('SIGKILL');
  }
  process.stdout.write(
    `differential: ${sent} commands from seed ${options.seed}, ${failures} streams differ, ${differential.timeouts} answers did not come\n`,
  );
  return failures;
}

async function report(
  differential: Differential,
  seed: number,
  steps: readonly Step[],
  difference: Difference,
): Promise<void> {
  const last = difference.step === undefined ? steps.length : steps.indexOf(difference.step) + 1;
  let smallest = difference;
  const shrunk = await shrink(steps.slice(0, last), async (candidate) => {
    const again = await differential.run(candidate);
    if (again !== undefined) smallest = again;
    return again !== undefined;
  });
  process.stdout.write(`differs (seed ${seed}, ${shrunk.length} of ${steps.length} steps)\n`);
  for (const step of shrunk)
    process.stdout.write(`  ${formatStep(step).replaceAll('\n', '\n  ')}\n`);
  process.stdout.write(`  => ${smallest.what}\n\n`);
}
