/**
 * Tests that read like a session. A script is commands, each followed by all that it did:
 *
 *     ## an expiry
 *     > SET k v EX 10
 *     OK
 *       log SET k v PXAT 1700000010000
 *       event set k
 *       event expire k
 *     @advance 10000
 *     > GET k
 *     nil
 *       log DEL k
 *       event expired k
 *       event keymiss k
 *
 * `playScript` runs it and gives it back with what really happened, so that a test is one comparison. `##` begins a new model, `#` is a
 * comment, `@advance ms` moves the clock. Arguments are quoted as in an inline request. Replies: OK (simple), "text" (bulk), 5, nil,
 * -ERR ..., [a, b], {k: v}.
 */
import { splitInline } from '../../../bytes/inline-arguments.ts';
import { Region } from '../../../bytes/region.ts';
import { Request } from '../../../bytes/resp-request.ts';
import { Harness, type HarnessOptions } from './harness.ts';

/** What `script` comes to when it is run: equal to it where it says the truth. */
export function playScript(script: string, options: HarnessOptions = {}): string {
  let h = new Harness(options);
  h.watchEvents();
  const transcript: string[] = [];
  for (const line of script.split('\n')) {
    if (/^[>@#]|^$/.test(line)) transcript.push(line);
    if (line.startsWith('## ')) {
      h = new Harness(options);
      h.watchEvents();
    } else if (line.startsWith('@advance ')) {
      h.advance(Number(line.slice('@advance '.length)));
    } else if (line.startsWith('>')) {
      transcript.push(formatReply(h.raw(...splitLine(line.slice(1)))));
      for (const command of h.effectsOnly())
        transcript.push(`  log ${command.map(quote).join(' ')}`);
      for (const event of h.events()) transcript.push(`  event ${event}`);
    }
  }
  return transcript.join('\n');
}

/** The arguments of a line, quoted as in an inline request. */
export function splitLine(line: string): Uint8Array[] {
  const region = Region.of(line);
  const request = new Request();
  const count = splitInline(region, 0, region.bytes.length, request);
  if (count < 0) throw new Error(`unbalanced quotes: ${line}`);
  return Array.from({ length: count }, (_, i) => request.copy(i));
}

export function quote(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) && !/["'\\]/.test(text) ? text : bulk(text);
}

function bulk(text: string): string {
  const escaped = text.replace(/[^\x20-\x7e]|["\\]/g, (c) => {
    if (c === '"' || c === '\\') return `\\${c}`;
    return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}

/** RESP as the lines of a script show it. */
export function formatReply(resp: string): string {
  let at = 0;
  const line = (): string => {
    const end = resp.indexOf('\r\n', at);
    const text = resp.slice(at, end);
    at = end + 2;
    return text;
  };
  const several = (count: number): string[] => Array.from({ length: count }, next);
  function next(): string {
    const mark = resp[at++];
    const text = line();
    if (text === '-1' && (mark === '$' || mark === '*')) return 'nil';
    switch (mark) {
      case '_':
        return 'nil';
      case '-':
        return `-${text}`;
      case '$': {
        const body = resp.slice(at, at + Number(text));
        at += Number(text) + 2;
        return bulk(body);
      }
      case '*':
        return `[${several(Number(text)).join(', ')}]`;
      case '%': {
        const pairs = Array.from({ length: Number(text) }, () => `${next()}: ${next()}`);
        return `{${pairs.join(', ')}}`;
      }
      default:
        return text;
    }
  }
  return next();
}
