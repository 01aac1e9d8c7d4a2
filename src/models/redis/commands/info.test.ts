import { describe, expect, test } from 'vitest';
import { keepHouse } from '../housekeeping.ts';
import { Harness } from '../testing/harness.ts';

const DEFAULT = [
  'Server',
  'Clients',
  'Memory',
  'Persistence',
  'Stats',
  'Replication',
  'CPU',
  'Modules',
  'Errorstats',
  'Cluster',
  'Keyspace',
];

const ALL = [
  ...DEFAULT.slice(0, 8),
  'Commandstats',
  'Errorstats',
  'Latencystats',
  'Cluster',
  'Keyspace',
];

function titles(h: Harness, ...names: string[]): string[] {
  const text = h.run('INFO', ...names) as string;
  return [...text.matchAll(/^# (.*)\r$/gm)].map((match) => match[1]!);
}

function fields(h: Harness, ...names: string[]): Record<string, string> {
  const text = h.run('INFO', ...names) as string;
  return Object.fromEntries(
    text
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

describe('INFO sections', () => {
  test('by name, in any case, in their own order, once', () => {
    const h = new Harness();
    expect(titles(h)).toEqual(DEFAULT);
    expect(titles(h, 'default')).toEqual(DEFAULT);
    expect(titles(h, 'all')).toEqual(ALL);
    expect(titles(h, 'everything')).toEqual(ALL);
    expect(titles(h, 'CPU', 'all')).toEqual(ALL);
    expect(titles(h, 'keyspace', 'Server', 'server')).toEqual(['Server', 'Keyspace']);
    expect(titles(h, 'commandSTATS')).toEqual(['Commandstats']);
    expect(titles(h, 'debug')).toEqual(['Debug']);
    expect(h.run('INFO', 'sentinel')).toBe('');
  });

  test('sections are separated by a blank line; RESP3 gets a verbatim string', () => {
    const h = new Harness();
    expect(h.run('INFO', 'cluster', 'modules')).toBe(
      '# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n',
    );
    h.session.resp = 3;
    expect(h.raw('INFO', 'modules')).toBe('=15\r\ntxt:# Modules\r\n\r\n');
  });
});

describe('INFO fields', () => {
  test('server', () => {
    const h = new Harness();
    h.advance(90_061_000);
    expect(fields(h, 'server')).toMatchObject({
      redis_version: '7.2.4',
      redis_mode: 'standalone',
      os: 'Linux 6.1.0 x86_64',
      arch_bits: '64',
      process_id: '4711',
      tcp_port: '6379',
      uptime_in_seconds: '90061',
      uptime_in_days: '1',
      hz: '10',
      lru_clock: String(1_700_090_061 & 0xffffff),
      config_file: '',
    });
  });

  test('listeners', () => {
    const h = new Harness({
      settings: { bind: '127.0.0.1 -::1', unixsocket: '/tmp/k.sock', 'tls-port': '6380' },
    });
    expect(fields(h, 'server')).toMatchObject({
      listener0: 'name=tcp,bind=127.0.0.1,bind=-::1,port=6379',
      listener1: 'name=unix,bind=/tmp/k.sock',
      listener2: 'name=tls,bind=127.0.0.1,bind=-::1,port=6380',
    });
  });

  test('clients, keyspace, replication, cpu', () => {
    const h = new Harness();
    h.connect();
    h.run('SET', 'a', '1');
    h.run('SELECT', '3');
    h.run('SET', 'a', '1', 'PX', '5000');
    h.run('SET', 'b', '1');
    h.state.position = 99;
    expect(fields(h)).toMatchObject({
      connected_clients: '2',
      maxclients: '10000',
      blocked_clients: '0',
      tracking_clients: '0',
      db0: 'keys=1,expires=0,avg_ttl=0',
      db3: 'keys=2,expires=1,avg_ttl=5000',
      role: 'master',
      connected_slaves: '0',
      master_replid: '0123456789abcdef0123456789abcdef01234567',
      master_repl_offset: '99',
      used_cpu_user: '0.000000',
    });
  });

  test('memory adds up', () => {
    const h = new Harness();
    h.run('SET', 'a', 'x'.repeat(1000));
    const m = fields(h, 'memory');
    const n = (name: string): number => Number(m[name]);
    expect(n('allocator_allocated')).toBe(h.engine.usedBytes);
    expect(n('used_memory')).toBe(
      h.engine.usedBytes + n('used_memory_startup') + n('mem_clients_normal') + n('mem_aof_buffer'),
    );
    expect(n('used_memory')).toBe(n('used_memory_overhead') + n('used_memory_dataset'));
    expect(n('used_memory_dataset')).toBe(h.engine.recordBytes(h.engine.keyspaces[0]!.random()));
    expect(n('used_memory_peak')).toBeGreaterThanOrEqual(n('used_memory'));
    expect(m).toMatchObject({
      maxmemory: '0',
      maxmemory_human: '0B',
      maxmemory_policy: 'noeviction',
      mem_allocator: 'arena',
      lazyfree_pending_objects: '0',
    });
    expect(m['used_memory_human']).toMatch(/^\d+(\.\d\d)?[BKM]$/);
  });

  test('persistence: what the host says stands in place of the usual', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    const persistence = h.model.host.persistence as { info: () => Record<string, number> };
    persistence.info = () => ({ aof_rewrite_in_progress: 1, aof_current_size: 7 });
    expect(fields(h, 'persistence')).toMatchObject({
      loading: '0',
      rdb_changes_since_last_save: '1',
      rdb_bgsave_in_progress: '0',
      aof_enabled: '1',
      aof_rewrite_in_progress: '1',
      aof_current_size: '7',
    });
  });

  test('stats count, and forget with CONFIG RESETSTAT', () => {
    const h = new Harness();
    h.run('SET', 'a', '1');
    h.run('GET', 'a');
    h.run('GET', 'b');
    h.run('AUTH', 'x', 'y');
    expect(fields(h, 'stats')).toMatchObject({
      total_commands_processed: '4',
      keyspace_hits: '1',
      keyspace_misses: '1',
      total_error_replies: '1',
      acl_access_denied_auth: '1',
      total_forks: '0',
      pubsub_channels: '0',
    });
    const totals = {
      inputBytes: 10,
      outputBytes: 20,
      reads: 3,
      writes: 4,
      connectionsReceived: 3,
      rejectedConnections: 1,
      evictedClients: 0,
    };
    (h.model.host as { network: () => typeof totals }).network = () => totals;
    expect(fields(h, 'stats')).toMatchObject({ total_net_input_bytes: '10' });
    h.run('CONFIG', 'RESETSTAT');
    totals.inputBytes = 15;
    totals.reads = 5;
    expect(fields(h, 'stats')).toMatchObject({
      total_reads_processed: '2',
      total_writes_processed: '0',
      total_net_input_bytes: '5',
      total_net_output_bytes: '0',
      total_connections_received: '0',
    });
  });

  test('commandstats: calls, time, refusals and failures of each command', () => {
    const h = new Harness();
    h.run('SET', 'a', 'x');
    h.run('SET');
    h.run('INCR', 'a');
    h.run('CLIENT', 'ID');
    expect(fields(h, 'commandstats')).toMatchObject({
      cmdstat_set: 'calls=1,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0',
      cmdstat_incr: 'calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1',
      'cmdstat_client|id': 'calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0',
    });
  });

  test('errors inside EXEC are those of the command that made them, counted once', () => {
    const h = new Harness();
    h.run('MULTI');
    h.run('SET', 'a', 'b');
    h.run('AUTH', 'a');
    h.run('EXEC');
    expect(fields(h, 'commandstats', 'errorstats', 'stats')).toMatchObject({
      cmdstat_auth: expect.stringMatching(/failed_calls=1$/),
      cmdstat_exec: expect.stringMatching(/failed_calls=0$/),
      errorstat_ERR: 'count=1',
      total_error_replies: '1',
    });
    h.run('EXEC');
    h.run('MULTI');
    h.run('SET');
    h.run('EXEC');
    expect(fields(h, 'commandstats', 'errorstats')).toMatchObject({
      cmdstat_exec: expect.stringMatching(/^calls=3,.*,rejected_calls=0,failed_calls=2$/),
      cmdstat_set: expect.stringMatching(/^calls=1,.*,rejected_calls=1,failed_calls=0$/),
      errorstat_ERR: 'count=3',
      errorstat_EXECABORT: 'count=1',
    });
  });

  test('errorstats in order', () => {
    const h = new Harness();
    h.run('nope');
    h.run('AUTH', 'a', 'b');
    h.run('HELLO', '9');
    expect(h.run('INFO', 'errorstats')).toBe(
      '# Errorstats\r\nerrorstat_ERR:count=1\r\nerrorstat_NOPROTO:count=1\r\nerrorstat_WRONGPASS:count=1\r\n',
    );
  });

  test('latencystats in the percentiles asked for', () => {
    const h = new Harness();
    (h.model.host as { monotonicUs: () => number }).monotonicUs = () => h.state.nowMs * 1000;
    h.run('GET', 'a');
    expect(fields(h, 'latencystats')).toMatchObject({
      latency_percentiles_usec_get: 'p50=0.001,p99=0.001,p99.9=0.001',
    });
    h.run('CONFIG', 'SET', 'latency-tracking-info-percentiles', '0.0 100.0');
    expect(fields(h, 'latencystats')['latency_percentiles_usec_get']).toBe('p0=0.001,p100=0.001');
    h.run('CONFIG', 'SET', 'latency-tracking', 'no');
    expect(h.run('INFO', 'latencystats')).toBe('# Latencystats\r\n');
  });

  test('rates follow what keepHouse samples', () => {
    const h = new Harness();
    for (let i = 0; i < 17; i++) {
      keepHouse(h.model);
      h.run('PING');
      h.model.stats.endCycle(250);
      h.advance(100);
    }
    expect(fields(h, 'stats', 'debug')).toMatchObject({
      instantaneous_ops_per_sec: '10',
      instantaneous_eventloop_cycles_per_sec: '10',
      instantaneous_eventloop_duration_usec: '250',
      eventloop_cycles: '17',
      eventloop_duration_sum: '4250',
      eventloop_duration_max: '250',
      eventloop_cmd_per_cycle_max: '1',
    });
  });
});

test('keepHouse starts defragmentation where it is wanted and worth it', () => {
  const h = new Harness({
    settings: { 'active-defrag-ignore-bytes': '1mb', activedefrag: 'yes' },
    segmentBits: 20,
  });
  keepHouse(h.model);
  expect(h.engine.isDefragmenting).toBe(false);
  const value = 'x'.repeat(900);
  for (let i = 0; i < 6000; i++) h.run('SET', `k${i}`, value);
  const peak = h.model.stats.peakBytes;
  keepHouse(h.model);
  expect(h.model.stats.peakBytes).toBeGreaterThan(peak);
  for (let i = 0; i < 6000; i++) if (i % 4 !== 0) h.run('DEL', `k${i}`);
  keepHouse(h.model);
  expect(h.engine.isDefragmenting).toBe(true);
  h.run('CONFIG', 'SET', 'activedefrag', 'no');
  expect(h.engine.isDefragmenting).toBe(false);
});
