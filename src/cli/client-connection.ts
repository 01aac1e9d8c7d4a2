/** A connection of `kvasir cli`: replies in the order of requests, what comes unasked to `onPush`. */
import net from 'node:net';
import tls from 'node:tls';
import type { Target } from './client-options.ts';
import { type Reply, ReplyReader } from './reply.ts';

/** The server refused what a connection begins with (AUTH, SELECT, HELLO). */
export class GreetingError extends Error {}

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
  isAnsweredByPush: boolean;
}

const SUBSCRIPTION = /^[ps]?(un)?subscribe$/i;

export class ClientConnection {
  onPush: (reply: Reply) => void = () => {};
  readonly #socket: net.Socket;
  readonly #reader = new ReplyReader();
  readonly #waiting: Waiting[] = [];
  #failure: Error | undefined = undefined;
  /** The protocol's version, as far as it was asked for. */
  #resp = 2;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#reader.add(chunk);
        for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
          // In RESP3 a push answers a change of subscriptions, and nothing else.
          const isAnswer =
            (reply.kind === 'push') === (this.#waiting[0]?.isAnsweredByPush === true);
          const waiting = isAnswer ? this.#waiting.shift() : undefined;
          if (waiting === undefined) this.onPush(reply);
          else waiting.resolve(reply);
        }
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('Server closed the connection')));
  }

  /** Connects, says the password, selects the database. Throws GreetingError, or what the socket says. */
  static async open(target: Target): Promise<ClientConnection> {
    const { host, port, path, user, password, database, resp } = target;
    const where = path === undefined ? { host, port } : { path };
    const socket = target.tls === undefined ? net.connect(where) : tlsConnect(where, target.tls);
    await new Promise<void>((resolve, reject) => {
      socket.once(target.tls === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    const connection = new ClientConnection(socket);
    const greet = async (...args: readonly string[]): Promise<void> => {
      const reply = await connection.send(args);
      if (reply.kind !== 'error') return;
      connection.close();
      throw new GreetingError(`${args[0]} failed: ${reply.text.toString()}`);
    };
    // `AUTH password` for servers that know no users.
    const auth = password === undefined ? [] : user === undefined ? [password] : [user, password];
    if (auth.length > 0) await greet('AUTH', ...auth);
    if (resp === 3) await greet('HELLO', '3');
    if (database !== '0') await greet('SELECT', database);
    return connection;
  }

  /** Why nothing comes any more, or undefined. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Arguments are bytes, or strings of one byte a character. */
  send(args: readonly (string | Buffer)[]): Promise<Reply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const pieces: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
    for (const arg of args) {
      const bytes = typeof arg === 'string' ? Buffer.from(arg, 'latin1') : arg;
      pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
    }
    return new Promise((resolve, reject) => {
      const isAnsweredByPush = this.#resp === 3 && SUBSCRIPTION.test(String(args[0]));
      if (/^hello$/i.test(String(args[0])) && args[1] !== undefined) this.#resp = Number(args[1]);
      this.#waiting.push({ resolve, reject, isAnsweredByPush });
      this.#socket.write(Buffer.concat(pieces));
    });
  }

  /** Sends bytes that are requests already; their replies go to `onPush`. Settles when more may be sent. */
  async sendRaw(bytes: Buffer): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#socket.write(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        this.#socket.off('drain', done);
        this.#socket.off('close', done);
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
      this.#socket.on('drain', done);
      this.#socket.on('close', done);
    });
  }

  close(): void {
    this.#socket.end();
  }

  /** Settles when the server has closed the connection, or `close` has. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#failure !== undefined) resolve();
      else this.#socket.once('close', () => resolve());
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}

function tlsConnect(
  where: { host: string; port: number } | { path: string },
  { servername, ca, cert, key, isUnchecked }: NonNullable<Target['tls']>,
): tls.TLSSocket {
  return tls.connect({
    ...where,
    ...(servername === undefined ? {} : { servername }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: !isUnchecked,
  });
}
