/**
 * Tests that read like a session of memcached clients. `> ` is a line that is sent, `2> ` one that a second client
 * sends; what follows is all that came back:
 *
 *     ## an item
 *     > set a 5 0 1
 *     > x
 *     STORED
 *     redis> GET a
 *     "x"
 *     @log
 *       #KVC 1 5
 *       SET a x
 *     > quit
 *     (closed)
 *
 * `playScript` runs it and gives it back with what really happened, so that a test is one comparison. `##` begins with an empty server (its options in JSON may stand at the
 * line's end), `#` is a comment, `@advance ms` moves the clock, `@log` and
 * `@events` show what was logged, and which keyspace events there were, since they were last shown.
 */
import { formatReply, quote, splitLine } from '../../../models/redis/testing/script.ts';
import { MemcacheHarness, type FakeClient, type MemcacheHarnessOptions } from './harness.ts';

const SENT = /^(\d*)> ?(.*)$/;

/** What `script` comes to when it is run: equal to it where it says the truth. */
export function playScript(script: string, options: MemcacheHarnessOptions = {}): string {
  let play = new Play(options);
  for (const line of script.split('\n')) {
    if (line.startsWith('## ')) {
      const own = /\{.*\}$/.exec(line)?.[0] ?? '{}';
      play = new Play({ ...options, ...(JSON.parse(own) as object) }, play.transcript);
    }
    play.run(line);
  }
  return play.transcript.join('\n');
}

class Play {
  readonly transcript: string[];
  readonly #h: MemcacheHarness;
  readonly #clients: Map<string, FakeClient> = new Map();

  constructor(options: MemcacheHarnessOptions, transcript: string[] = []) {
    this.#h = new MemcacheHarness(options);
    this.#clients.set('', this.#h.client);
    this.transcript = transcript;
  }

  run(line: string): void {
    const sent = SENT.exec(line);
    if (sent !== null) {
      this.transcript.push(line);
      this.#send(sent[1]!, `${unescape(sent[2]!)}\r\n`);
    } else if (line.startsWith('redis> ')) {
      this.transcript.push(line, formatReply(this.#h.redisRaw(...splitLine(line.slice(7)))));
      this.#showOthers('none');
    } else if (line.startsWith('@advance ')) {
      this.transcript.push(line);
      this.#h.advance(Number(line.slice(9)));
      this.#showOthers('none');
    } else if (line === '@events') {
      this.transcript.push(line, ...this.#h.data.events().map((text) => `  ${text}`));
      this.#h.data.watchEvents();
    } else if (line === '@log') {
      this.transcript.push(
        line,
        ...this.#h.data.logLines().map((words) => `  ${words.map(quote).join(' ')}`),
      );
    } else if (/^#|^$/.test(line)) {
      this.transcript.push(line);
    }
  }

  #send(name: string, line: string): void {
    let client = this.#clients.get(name);
    if (client === undefined) this.#clients.set(name, (client = this.#h.connect()));
    this.#h.deliver(client.connection, line);
    this.#show('', client);
    this.#showOthers(name);
  }

  #showOthers(but: string): void {
    for (const [name, client] of this.#clients) if (name !== but) this.#show(`${name}: `, client);
  }

  #show(prefix: string, client: FakeClient): void {
    const lines = this.#h.answer(client).split('\n');
    const rest = lines.pop()!;
    for (const line of lines)
      this.transcript.push(prefix + (escape(line.replace(/\r$/, '')) || '(empty)'));
    if (rest !== '') this.transcript.push(`${prefix + escape(rest)}...`);
    const { transport } = client;
    if (transport.isEnded || transport.isDestroyed) {
      this.transcript.push(`${prefix}(closed)`);
      for (const [name, other] of this.#clients) if (other === client) this.#clients.delete(name);
    }
  }
}

/** Bytes outside of what can be typed are \xHH in a script. */
function escape(text: string): string {
  return text.replace(
    /[^ -~]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function unescape(text: string): string {
  return text.replace(/\\x([0-9A-F]{2})/g, (_, code: string) =>
    String.fromCharCode(parseInt(code, 16)),
  );
}
