/**
 * The guard of the data plane: a million GETs and a million SETs, of Redis's clients and of memcached's, through parser, dispatcher, model, engine and reply
 * writer cause no garbage collection. (Collections are counted, not timed: a scavenge runs when about 16 MB of young objects were made, so that even 16 bytes
 * per request would be found out.)
 */
import { expect, test } from 'vitest';
import { COMPLETE, RespParser } from '../src/bytes/resp-parser.ts';
import { Region } from '../src/bytes/region.ts';
import { Request } from '../src/bytes/resp-request.ts';
import { Harness } from '../src/models/redis/testing/harness.ts';
import { pipelinedRequests } from '../src/protocols/memcache/connection.ts';
import { MemcacheHarness } from '../src/protocols/memcache/testing/harness.ts';
import { collectionsDuring } from './support/garbage.ts';

const KEYS = 50_000;
const BATCH = 64;

function batches(build: (key: string) => string): Region[] {
  const regions: Region[] = [];
  for (let first = 0; first < KEYS; first += BATCH) {
    let text = '';
    for (let k = first; k < Math.min(KEYS, first + BATCH); k++) {
      text += build(`key:${String(k).padStart(12, '0')}`);
    }
    regions.push(Region.of(text));
  }
  return regions;
}

test('a million GETs and SETs collect no garbage', async () => {
  const harness = new Harness({ segmentBits: 26 });
  const { dispatcher, session, sink } = harness;
  const { writer } = harness.output;
  harness.output.begin(session);
  const parser = new RespParser();
  const request = new Request();
  const run = (regions: readonly Region[], requests: number): void => {
    for (let done = 0; done < requests;) {
      for (const region of regions) {
        const to = region.bytes.length;
        for (let at = 0; at < to; at = parser.next) {
          if (parser.parse(region, at, to, request, true) !== COMPLETE) throw new Error('parse');
          dispatcher.execute(session, request);
          done++;
        }
        // As the end of a tick: the log was written, the replies have left.
        writer.at = 0;
        sink.at = 0;
      }
    }
  };
  const value = 'x'.repeat(64);
  const sets = batches((key) => `*3\r\n$3\r\nSET\r\n$16\r\n${key}\r\n$64\r\n${value}\r\n`);
  const gets = batches((key) => `*2\r\n$3\r\nGET\r\n$16\r\n${key}\r\n`);
  run(sets, 200_000); // grows the arena, and lets the compiler see the code
  run(gets, 200_000);

  expect(await collectionsDuring(() => run(sets, 1_000_000))).toBe(0);
  expect(await collectionsDuring(() => run(gets, 1_000_000))).toBe(0);
  expect(writer.errorCount).toBe(0);
});

const VALUE = 'x'.repeat(64);
const SET = (key: string): string => `set ${key} 0 0 64\r\n${VALUE}\r\n`;

test.each<[string, (key: string) => string]>([
  ['set', SET],
  ['get', (key) => `get ${key}\r\n`],
  ['gets', (key) => `gets ${key} ${key}\r\n`],
  ['ms', (key) => `ms ${key} 64 T0 q\r\n${VALUE}\r\n`],
  ['mg', (key) => `mg ${key} c f k Oabc q s t v\r\n`],
  ['touch', (key) => `touch ${key} 0\r\n`],
])('a million requests to memcached collect no garbage: %s', async (_name, build) => {
  const harness = new MemcacheHarness({ segmentBits: 26 });
  const { client, data, outbox, textDispatcher, textParser } = harness;
  const { ahead } = textDispatcher.context.items;
  const requests = pipelinedRequests();
  outbox.enter(client.connection);
  const run = (regions: readonly Region[], total: number): void => {
    for (let done = 0; done < total;) {
      for (const region of regions) {
        const to = region.bytes.length;
        for (let at = 0; at < to;) {
          // As a connection does: some are parsed ahead, and their keys looked at together.
          let count = 0;
          ahead.begin(region);
          for (; count < requests.length && at < to; count++) {
            const request = requests[count]!;
            if (textParser.parse(region, at, to, request, true) !== COMPLETE)
              throw new Error('parse');
            if (request.count > 1) ahead.add(request.start[1]!, request.end[1]!);
            at = request.next;
          }
          ahead.warm();
          for (let i = 0; i < count; i++) {
            textDispatcher.execute(client.connection.client, requests[i]!);
          }
          done += count;
        }
        ahead.end();
        outbox.writer.at = 0;
        data.sink.at = 0;
      }
    }
  };
  run(batches(SET), KEYS);
  const regions = batches(build);
  run(regions, 200_000);
  expect(await collectionsDuring(() => run(regions, 1_000_000))).toBe(0);
  expect(harness.model.statistics.getMisses).toBe(0);
  outbox.leave();
});
