/** Requests of a pipeline are parsed ahead of their turn: what they answer and leave is the same as one at a time. */
import { expect, test } from 'vitest';
import { SeededRandomness } from '../../src/os/randomness.ts';
import { encode, RawClient } from '../support/raw-client.ts';
import { freePort, serverInProcess } from '../support/server.ts';

const PASSWORD = 'secret';
const REQUESTS = 150;

/** A request, now and then an inline one; all are answered at once. Who is not authenticated any more says the password next. */
function requestsOf(random: SeededRandomness): string[] {
  const key = `k${random.below(12)}`;
  const other = `k${random.below(12)}`;
  const inline = random.below(8) === 0;
  const words = [
    ['SET', key, String(random.below(50))],
    ['GET', key],
    ['INCR', key],
    ['DEL', key],
    ['APPEND', key, 'x'.repeat(random.below(300))],
    ['RENAME', key, other],
    ['MGET', key, other, key],
    ['MSET', ...Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? `k${i}` : other))],
    ['COPY', key, other, 'REPLACE'],
    ['SELECT', String(random.below(3))],
    ['SWAPDB', '0', '1'],
    ['PING'],
    ['MULTI'],
    ['EXEC'],
    ['NOSUCH', key],
    ['GET'],
    ['RESET'],
    ['FLUSHDB'],
  ][random.below(18)]!;
  const request = inline ? inlineOf(words) : encode(...words);
  return words[0] === 'RESET' ? [request, encode('AUTH', PASSWORD)] : [request];
}

function inlineOf(words: readonly string[]): string {
  return `${words.map((word) => `"${word}"`).join(' ')}\r\n`;
}

/** Sends the requests in pieces as `random` cuts them, and returns all that was answered up to the end of a farewell. */
async function answers(
  port: number,
  requests: string[],
  random?: SeededRandomness,
): Promise<string> {
  const client = await RawClient.connect(port);
  const all = [`AUTH ${PASSWORD}\r\n`, 'FLUSHALL\r\n', ...requests, 'ECHO the-end\r\n'];
  if (random === undefined) {
    for (const request of all) {
      const before = client.received.length;
      client.send(request);
      await expect.poll(() => client.received.length, { interval: 0 }).toBeGreaterThan(before);
    }
  } else {
    let rest = all.join('');
    while (rest.length > 0) {
      const length = 1 + random.below(2000);
      client.send(rest.slice(0, length));
      rest = rest.slice(length);
      if (random.below(2) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await expect.poll(() => client.received.endsWith('the-end\r\n'), { interval: 1 }).toBe(true);
  const { received } = client;
  client.close();
  return received;
}

test('a pipeline answers what its requests answer one at a time', async () => {
  const port = await freePort();
  const server = await serverInProcess({ requirepass: PASSWORD, port: String(port) });
  try {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new SeededRandomness(seed);
      const requests = Array.from({ length: REQUESTS }, () => requestsOf(random)).flat();
      requests.push(`AUTH ${PASSWORD}\r\n`, 'DISCARD\r\n');
      const expected = await answers(port, requests);
      for (let round = 0; round < 4; round++) {
        expect(await answers(port, requests, random), `seed ${seed}`).toBe(expected);
      }
    }
  } finally {
    await server.stop();
  }
});
