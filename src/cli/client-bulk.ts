/** `kvasir cli --pipe` and `--scan`: much data in, many keys out. */
import type { ClientConnection } from './client-connection.ts';
import { rawReply, type Reply } from './reply.ts';

/** Marks the end of what `--pipe` sent. */
const MARK_BYTES = 20;

/** Sends standard input, which is requests in the protocol, and counts the replies. Returns the exit code: 1 where one is an error. */
export async function pipeRequests(
  connection: ClientConnection,
  input: AsyncIterable<Buffer>,
  mark: Buffer,
): Promise<number> {
  let [replies, errors] = [0, 0];
  let settle: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => {
    settle = resolve;
  });
  connection.onPush = (reply: Reply) => {
    if (reply.kind === 'bulk' && reply.text.equals(mark)) {
      settle!();
      return;
    }
    replies++;
    if (reply.kind !== 'error') return;
    errors++;
    process.stderr.write(`${reply.text.toString()}\n`);
  };
  for await (const chunk of input) await connection.sendRaw(chunk);
  // A last line that is not ended ends here; to a whole one the empty line is no request.
  const last = `\r\n*2\r\n$4\r\nECHO\r\n$${mark.length}\r\n`;
  await connection.sendRaw(Buffer.concat([Buffer.from(last), mark, Buffer.from('\r\n')]));
  process.stdout.write('All data transferred. Waiting for the last reply...\n');
  await Promise.race([ended, connection.closed()]);
  if (connection.failure !== undefined) throw connection.failure;
  process.stdout.write('Last reply received from server.\n');
  process.stdout.write(`errors: ${errors}, replies: ${replies}\n`);
  return errors > 0 ? 1 : 0;
}

export function randomMark(bytes: (count: number) => Uint8Array): Buffer {
  return Buffer.from(Buffer.from(bytes(MARK_BYTES / 2)).toString('hex'));
}

/** Names all keys, as SCAN finds them: a key that is there throughout is named, possibly twice. */
export async function scanKeys(
  connection: ClientConnection,
  pattern: string | undefined,
  count: string | undefined,
  print: (key: string) => Promise<void>,
): Promise<number> {
  const options = [
    ...(pattern === undefined ? [] : ['MATCH', Buffer.from(pattern).toString('latin1')]),
    ...(count === undefined ? [] : ['COUNT', count]),
  ];
  let cursor = '0';
  do {
    const reply = await connection.send(['SCAN', cursor, ...options]);
    if (reply.kind === 'error') throw new Error(reply.text.toString());
    const [next, keys] = reply.kind === 'array' ? reply.items : [];
    if (next === undefined || keys?.kind !== 'array') throw new Error('SCAN was not understood');
    for (const key of keys.items) await print(rawReply(key));
    cursor = rawReply(next);
  } while (cursor !== '0');
  return 0;
}
