/** RESP connections with nothing real around them: a dispatcher that the test scripts, a socket that takes as much as the test says. */
import { RespParser } from '../../bytes/resp-parser.ts';
import type { Request } from '../../bytes/resp-request.ts';
import { LookAhead, MemoryEngine } from '../../memory/index.ts';
import { type Dispatcher, RAN } from '../../models/redis/dispatch.ts';
import { Session } from '../../models/redis/session.ts';
import type { Connection } from '../connection.ts';
import { FakeShare, FakeTransport } from '../testing.ts';
import { pipelineRequests, RespConnection, type RespShare } from './connection.ts';

/** A shard of fakes: `execute` is the test's; by default every request is answered with its arguments as an array. */
export class FakeShard extends FakeShare implements RespShare {
  readonly parser: RespParser = new RespParser();
  readonly requests: readonly Request[] = pipelineRequests();
  readonly ahead: LookAhead;
  readonly engine: MemoryEngine;
  readonly dispatcher: Dispatcher;
  readonly ran: string[][] = [];
  execute: (session: Session, args: string[]) => number = (_session, args) => {
    const writer = this.outbox.writer;
    writer.array(args.length);
    for (const arg of args) writer.bulkText(arg);
    return RAN;
  };
  /** Which arguments go straight into chunks. */
  takesChunks: (index: number) => boolean = () => false;
  #nextId = 1;

  constructor(
    engine: MemoryEngine = new MemoryEngine({
      hashKey: new Uint8Array(16),
      random: () => 0.5,
      segmentBits: 20,
    }),
  ) {
    super();
    this.engine = engine;
    const keys = engine.createKeyspace();
    this.ahead = new LookAhead(keys);
    const execute = (session: Session, request: Request): number => {
      const args = Array.from({ length: request.count }, (_, i) => textOf(request, i));
      this.ran.push(args);
      return this.execute(session, args);
    };
    this.dispatcher = {
      keysOf: () => keys,
      execute,
      executeLarge: execute,
      takesChunks: (_request: Request, i: number) => this.takesChunks(i),
      refuseTooLarge: (): number => {
        this.outbox.writer.error('OOM');
        return RAN;
      },
      protocolError: (_session: Session, error: string): void => {
        this.outbox.writer.error(`ERR Protocol error: ${error}`);
      },
    } as unknown as Dispatcher;
  }

  connect(borrowsBytes = true): { connection: Connection; transport: FakeTransport } {
    const transport = new FakeTransport();
    transport.borrowsBytes = borrowsBytes;
    const connection = new RespConnection(transport, this);
    connection.session = new Session(this.#nextId++, connection, 0, true);
    return { connection, transport };
  }
}

function textOf(request: Request, i: number): string {
  const large = request.large?.[i];
  if (large === undefined) return request.text(i);
  let text = '';
  large.each(0, large.length, (region, start, end) => {
    text += Buffer.from(region.bytes.subarray(start, end)).toString('latin1');
  });
  return text;
}
