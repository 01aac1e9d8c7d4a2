import { describe, expect, test } from 'vitest';
import { SeededRandomness } from '../../src/os/randomness.ts';
import { SimulatedCrash, SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { SimulatedLoop } from '../../src/os/simulated-loop.ts';
import { SimulatedServer, type SimulatedClient } from './simulated-server.ts';

interface Script {
  readonly settings: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly ticks: number;
  /** The writer is a client of memcached, and sends such requests. */
  readonly memcached?: (random: SeededRandomness) => string;
  readonly at?: (tick: number, server: SimulatedServer, admin: SimulatedClient) => void;
}

interface Outcome {
  readonly server: SimulatedServer;
  readonly files: SimulatedFileSystem;
  /** Every state that the server was in when a batch may have ended. */
  readonly states: string[];
  /** Index of the newest state that any client was told of. */
  readonly told: number;
}

async function play(script: Script, files: SimulatedFileSystem): Promise<Outcome> {
  const random = new SeededRandomness(script.seed);
  const server = new SimulatedServer(files, script.seed, script.settings);
  const states: string[] = [];
  /** By request: the state after it. */
  const stateOf: number[] = [];
  let told = -1;
  const note = (): void => {
    if (files.isDead) return;
    const state = server.dump();
    if (states.at(-1) !== state) states.push(state);
  };
  const look = (client: SimulatedClient): void => {
    const matches = [...client.received.matchAll(/request:([0-9]+)\r\n/g)];
    const last = matches.at(-1);
    if (last !== undefined) told = Math.max(told, stateOf[Number(last[1])]!);
  };
  try {
    await server.open();
    note();
    files.loop.onEvent = note;
    const { memcached } = script;
    const writer = memcached === undefined ? server.connect() : server.connectMemcached();
    const [reader, admin] = [server.connect(), server.connect()];
    for (let tick = 0; tick < script.ticks && !files.isDead; tick++) {
      script.at?.(tick, server, admin);
      for (let i = random.below(4); i > 0; i--) {
        const request = stateOf.length;
        if (memcached === undefined) writer.send(...randomRequest(random, request));
        else writer.sendText(memcached(random));
        note();
        stateOf.push(states.length - 1);
        if (memcached === undefined) writer.send(`ECHO request:${request}`);
        else writer.sendText(`mg nothing Orequest:${request}\r\n`);
      }
      reader.send('SELECT 0', 'GET marker');
      await files.loop.run(random.uniform() * 3);
      look(writer);
      look(reader);
    }
  } catch (error) {
    if (!(error instanceof SimulatedCrash)) throw error;
  }
  files.loop.onEvent = () => {};
  // The write that the machine stopped in may be there whole, with what expired just before it.
  states.push(server.dump());
  return { server, files, states, told };
}

/** One entry each, and each sets `marker`, so that whoever reads it has been told of the request. */
function randomRequest(random: SeededRandomness, request: number): string[] {
  const key = `key:${random.below(8)}`;
  const other = `key:${random.below(8)}`;
  const marker = `SET marker request:${request}`;
  const changes = [
    `SET ${key} ${request}`,
    `SET ${key} ${'v'.repeat(random.below(200))}`,
    `SET ${key} short PX ${1 + random.below(20)}`,
    `APPEND ${key} ${'tail'.repeat(random.below(20))}x`,
    `DEL ${key} ${other}`,
    `MSET ${key} 1 ${other} 2`,
    `PEXPIRE ${key} ${random.below(30)}`,
    `SETRANGE ${key} 70000 end`,
    `RENAME marker ${other}`,
  ];
  const change = changes[random.below(changes.length)]!;
  return ['MULTI', `SELECT ${random.below(2)}`, change, 'SELECT 0', marker, 'EXEC'];
}

/** One entry each. */
function randomMemcachedRequest(random: SeededRandomness): string {
  const key = `key:${random.below(8)}`;
  const value = 'v'.repeat(random.below(200));
  const flags = random.below(3) * 1000;
  const requests = [
    `set ${key} ${flags} 0 ${value.length}\r\n${value}\r\n`,
    `set ${key} ${flags} 1 5\r\nshort\r\n`,
    `set ${key} ${flags} 0 2\r\n10\r\n`,
    `append ${key} 0 0 4\r\ntail\r\n`,
    `incr ${key} 95\r\n`,
    `touch ${key} ${random.below(3)}\r\n`,
    `delete ${key}\r\n`,
    `ms ${key} 1 F${flags} T2\r\nx\r\n`,
    `ms ${key} 1 E${random.below(100)}\r\ny\r\n`,
    `md ${key} I T30\r\n`,
    `mg ${key} R50 v\r\n`,
    `mg ${key} N30 v\r\n`,
    `ma ${key} N30\r\n`,
  ];
  return requests[random.below(requests.length)]!;
}

function newMachine(): SimulatedFileSystem {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  files.pageBytes = 128;
  files.makeDirectory('/data');
  files.calls = 0;
  return files;
}

/** Before each so-many-th call; `KVASIR_CRASH_STRIDE=1` for every one. */
const STRIDE = Number(process.env['KVASIR_CRASH_STRIDE'] ?? 5);

/** Crashes before every `stride`-th call, restarts, compares. */
async function crashEverywhere(script: Script, stride: number): Promise<void> {
  const whole = await play(script, newMachine());
  expect(whole.told).toBeGreaterThan(script.ticks / 2);
  const isAlways = script.settings['appendfsync'] === 'always';
  for (let call = 1 + (script.seed % stride); call <= whole.files.calls; call += stride) {
    const files = newMachine();
    files.crashAtCall = call;
    const crashed = await play(script, files);
    for (const random of [undefined, new SeededRandomness(call)]) {
      const place = `seed ${script.seed}, ${random === undefined ? 'process' : 'machine'} crash before call ${call}`;
      const least = random === undefined || isAlways ? crashed.told : -1;
      const survivor = files.restart(random, new SimulatedLoop());
      const again = new SimulatedServer(survivor, script.seed + 1, script.settings);
      try {
        await again.open();
      } catch (error) {
        throw new Error(place, { cause: error });
      }
      const found = crashed.states.lastIndexOf(again.dump());
      if (crashed.states.length > 0)
        expect(found, place).toBeGreaterThanOrEqual(Math.max(0, least));
      again.shard.engine.checkInvariants();
    }
  }
}

describe.each(['always', 'everysec', 'no'])('a server that crashes, appendfsync %s', (policy) => {
  test.each(['yes', 'no'])('while it rewrites, aof-use-rdb-preamble %s', async (preamble) => {
    const settings = { appendfsync: policy, databases: '2', 'aof-use-rdb-preamble': preamble };
    const script: Script = {
      settings,
      seed: preamble === 'yes' ? 11 : 12,
      ticks: 40,
      at: (tick, _server, admin) => {
        if (tick === 8 || tick === 24) admin.send('BGREWRITEAOF');
      },
    };
    await crashEverywhere(script, STRIDE);
  });

  test('while memcached clients write', async () => {
    const script: Script = {
      settings: { appendfsync: policy, databases: '2', 'memcached-port': '11211' },
      seed: 14,
      ticks: 40,
      memcached: randomMemcachedRequest,
      at: (tick, _server, admin) => {
        if (tick === 10 || tick === 25) admin.send('BGREWRITEAOF');
      },
    };
    await crashEverywhere(script, STRIDE);
  });

  test('while a sync fails', async () => {
    const script: Script = {
      settings: { appendfsync: policy, databases: '2' },
      seed: 13,
      ticks: 40,
      at: (tick, server, admin) => {
        if (tick === 5) admin.send('BGREWRITEAOF');
        if (tick === 15) {
          let left = 1;
          server.files.fault = (operation, path) =>
            operation === 'fdatasync' && path.includes('.incr') && left-- > 0 ? 'EIO' : undefined;
        }
        if (tick === 15) admin.send('BGREWRITEAOF');
      },
    };
    await crashEverywhere(script, STRIDE);
  });
});
