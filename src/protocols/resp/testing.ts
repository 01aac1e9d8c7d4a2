/** RESP connections with nothing real around them: a dispatcher that the test scripts, a socket that takes as much as the test says. */
import { RespParser } from '../../bytes/resp-parser.ts';
import { Request } from '../../bytes/resp-request.ts';
import { type Dispatcher, RAN } from '../../models/redis/dispatch.ts';
import { Session } from '../../models/redis/session.ts';
import type { Connection } from '../connection.ts';
import { FakeShare, FakeTransport } from '../testing.ts';
import { RespConnection, type RespShare } from './connection.ts';

/** A shard of fakes: `execute` is the test's; by default every request is answered with its arguments as an array. */
export class FakeShard extends FakeShare implements RespShare {
  readonly parser: RespParser = new RespParser();
  readonly request: Request = new Request();
  readonly dispatcher: Dispatcher;
  readonly ran: string[][] = [];
  execute: (session: Session, args: string[]) => number = (_session, args) => {
    const writer = this.outbox.writer;
    writer.array(args.length);
    for (const arg of args) writer.bulkText(arg);
    return RAN;
  };
  #nextId = 1;

  constructor() {
    super();
    this.dispatcher = {
      execute: (session: Session, request: Request): number => {
        const args: string[] = [];
        for (let i = 0; i < request.count; i++) args.push(request.text(i));
        this.ran.push(args);
        return this.execute(session, args);
      },
      protocolError: (_session: Session, error: string): void => {
        this.outbox.writer.error(`ERR Protocol error: ${error}`);
      },
    } as unknown as Dispatcher;
  }

  connect(): { connection: Connection; transport: FakeTransport } {
    const transport = new FakeTransport();
    const connection = new RespConnection(transport, this);
    connection.session = new Session(this.#nextId++, connection, 0, true);
    return { connection, transport };
  }
}
