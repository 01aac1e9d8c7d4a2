/** A client of memcached's text protocol (or of any bytes): `ask` sends and waits for what ends as it should. */
import net from 'node:net';

export class MemcachedClient {
  readonly socket: net.Socket;
  /** What was received and not asked for yet, one character a byte. */
  received = '';
  readonly closed: Promise<void>;
  isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.#wake();
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** Connects to a port of 127.0.0.1, a Unix socket's path, or takes a socket that is connected. */
  static async connect(where: number | string | net.Socket): Promise<MemcachedClient> {
    if (typeof where === 'object') return new MemcachedClient(where);
    const socket = typeof where === 'number' ? net.connect(where, '127.0.0.1') : net.connect(where);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new MemcachedClient(socket);
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Sends `request`; what came back up to what `end` matches, by default one line. Throws where the connection closes before. */
  async ask(request: string | Uint8Array, end: RegExp = /\r\n/): Promise<string> {
    this.send(request);
    for (;;) {
      const match = end.exec(this.received);
      if (match !== null) {
        const length = match.index + match[0].length;
        const answer = this.received.slice(0, length);
        this.received = this.received.slice(length);
        return answer;
      }
      if (this.isClosed) throw new Error(`closed after ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** `get`, `gets` or another command whose answer ends in END. */
  read(line: string): Promise<string> {
    return this.ask(`${line}\r\n`, /(^|\r\n)END\r\n/);
  }

  /** `set`, `add` or another line with a data block. */
  store(line: string, value: string): Promise<string> {
    return this.ask(`${line} ${Buffer.byteLength(value, 'latin1')}\r\n${value}\r\n`);
  }

  /** Field `name` of `stats`. */
  async stat(name: string, of = ''): Promise<string | undefined> {
    const text = await this.read(`stats ${of}`.trim());
    return new RegExp(`^STAT ${name} (.*)\\r$`, 'm').exec(text)?.[1];
  }

  close(): void {
    this.socket.destroy();
  }
}
