/**
 * A raw RESP connection: cuts what a server sends into whole top-level items without interpreting them, and reads items as values for those
 * comparisons that have to look inside.
 */
import net from 'node:net';

export type Value =
  | { type: '+' | '-' | ':' | ',' | '(' | '#' | '_'; text: string }
  | { type: '$' | '=' | '!'; text: string | undefined }
  | { type: '*' | '~' | '>' | '%' | '|'; items: Value[] | undefined };

/** An item's end, and where messages stand inside it: Redis 7.0 puts what an EXEC publishes to its own client between the replies. */
interface Extent {
  end: number;
  messages: [number, number][];
}

/** The extent of the item that begins at `from`, or undefined where its end has not arrived. */
function extentOf(bytes: Buffer, from: number): Extent | undefined {
  const messages: [number, number][] = [];
  let pending = 1;
  let at = from;
  while (pending > 0) {
    if (at !== from && isMessageAt(bytes, at)) {
      const message = extentOf(bytes, at);
      if (message === undefined) return undefined;
      messages.push([at, message.end]);
      at = message.end;
      continue;
    }
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const mark = String.fromCharCode(bytes[at]!);
    const count = Number(bytes.toString('latin1', at + 1, end));
    at = end + 2;
    pending--;
    if (mark === '$' || mark === '=' || mark === '!') {
      if (count >= 0) at += count + 2;
      if (at > bytes.length) return undefined;
    } else if (mark === '*' || mark === '~' || mark === '>') {
      if (count > 0) pending += count;
    } else if (mark === '%') {
      pending += 2 * count;
    } else if (mark === '|') {
      pending += 2 * count + 1;
    }
  }
  return { end: at, messages };
}

export function parseItem(bytes: Buffer): Value {
  let at = 0;
  const read = (): Value => {
    const end = bytes.indexOf('\r\n', at);
    const type = String.fromCharCode(bytes[at]!);
    const text = bytes.toString('latin1', at + 1, end);
    at = end + 2;
    switch (type) {
      case '$':
      case '=':
      case '!': {
        const length = Number(text);
        if (length < 0) return { type, text: undefined };
        at += length + 2;
        return { type, text: bytes.toString('latin1', at - length - 2, at - 2) };
      }
      case '*':
      case '~':
      case '>':
      case '%':
      case '|': {
        const count = Number(text) * (type === '%' || type === '|' ? 2 : 1);
        if (count < 0) return { type, items: undefined };
        return { type, items: Array.from({ length: count }, read) };
      }
      default:
        return { type: type as '+', text };
    }
  };
  return read();
}

const MESSAGE_KINDS: readonly string[] = ['message', 'pmessage', 'smessage'];
const MONITOR_LINE = /^\+\d+\.\d{6} \[/;

function isMessageAt(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== 0x3e && bytes[at] !== 0x2a) return false;
  const head = bytes.toString('latin1', at, at + 20);
  return MESSAGE_KINDS.some((kind) => head.startsWith(`$${kind.length}\r\n${kind}\r\n`, 4));
}

/** Whether what begins at `at` is no answer to a command of this connection: a published message, a line of MONITOR. */
function isPushed(bytes: Buffer, at: number): boolean {
  return (
    isMessageAt(bytes, at) ||
    (bytes[at] === 0x2b && MONITOR_LINE.test(bytes.toString('latin1', at, at + 40)))
  );
}

function without(bytes: Buffer, from: number, { end, messages }: Extent): Buffer {
  const parts: Buffer[] = [];
  let at = from;
  for (const [start, stop] of messages) {
    parts.push(bytes.subarray(at, start));
    at = stop;
  }
  return Buffer.concat([...parts, bytes.subarray(at, end)]);
}

export class Wire {
  /** Answers and confirmations that nobody took yet. */
  replies: Buffer[] = [];
  /** Messages and how many answers had come before each. */
  pushes: { item: Buffer; after: number }[] = [];
  isClosed = false;
  #answered = 0;
  #pending: Buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  readonly #socket: net.Socket;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#wake?.();
    });
  }

  static connect(port: number): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(new Wire(socket)));
      socket.once('error', reject);
    });
  }

  send(bytes: Buffer): void {
    if (!this.isClosed) this.#socket.write(bytes);
  }

  /** Waits until `count` answers are there, the server hung up, or `timeoutMs` went by, and takes all answers. */
  async answers(count: number, timeoutMs: number): Promise<Buffer[]> {
    if (this.replies.length < count && !this.isClosed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          if (this.replies.length < count && !this.isClosed) return;
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    const taken = this.replies;
    this.replies = [];
    return taken;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (bytes.length > 0) {
      const extent = extentOf(bytes, 0);
      if (extent === undefined) break;
      for (const [start, stop] of extent.messages) this.#push(bytes.subarray(start, stop));
      if (isPushed(bytes, 0)) {
        this.#push(bytes.subarray(0, extent.end));
      } else {
        this.replies.push(without(bytes, 0, extent));
        this.#answered++;
      }
      bytes = bytes.subarray(extent.end);
    }
    this.#pending = bytes;
    this.#wake?.();
  }

  #push(item: Buffer): void {
    this.pushes.push({ item, after: this.#answered });
  }
}

/** A command as clients send it. */
export function encode(args: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) parts.push(Buffer.from(`$${arg.length}\r\n`), arg, Buffer.from('\r\n'));
  return Buffer.concat(parts);
}
