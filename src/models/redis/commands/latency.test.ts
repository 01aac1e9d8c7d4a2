import { describe, expect, test } from 'vitest';
import { Harness } from '../testing/harness.ts';

function monitoring(): Harness {
  const h = new Harness({ settings: { 'enable-debug-command': 'yes' } });
  h.set('latency-monitor-threshold', '100');
  return h;
}

function sample(h: Harness, event: string, ms: number): void {
  h.model.latency.sample(event, ms, h.state.nowMs);
}

describe('the latency monitor', () => {
  test('samples commands by their kind, above the threshold', () => {
    const h = monitoring();
    h.run('DEBUG', 'SLEEP', '0.09');
    expect(h.run('LATENCY', 'LATEST')).toEqual([]);
    h.run('DEBUG', 'SLEEP', '0.1');
    expect(h.run('LATENCY', 'LATEST')).toEqual([['command', 1_700_000_000, 100, 100]]);
  });

  test('one sample a second, the slowest; the last 160', () => {
    const h = monitoring();
    sample(h, 'aof-write', 150);
    sample(h, 'aof-write', 120);
    sample(h, 'aof-write', 170);
    sample(h, 'aof-write', 99);
    expect(h.run('LATENCY', 'HISTORY', 'aof-write')).toEqual([[1_700_000_000, 170]]);
    for (let i = 1; i <= 160; i++) {
      h.advance(1000);
      sample(h, 'aof-write', 100 + i);
    }
    const history = h.run('LATENCY', 'HISTORY', 'aof-write') as number[][];
    expect(history.length).toBe(160);
    expect(history[0]).toEqual([1_700_000_001, 101]);
    expect(h.run('LATENCY', 'LATEST')).toEqual([['aof-write', 1_700_000_160, 260, 260]]);
    expect(h.run('LATENCY', 'HISTORY', 'nope')).toEqual([]);
  });

  test('RESET of some, of all', () => {
    const h = monitoring();
    for (const event of ['a', 'b', 'c']) sample(h, event, 100);
    expect(h.run('LATENCY', 'RESET', 'A', 'x')).toBe(1);
    expect(h.run('LATENCY', 'RESET')).toBe(2);
    expect(h.run('LATENCY', 'LATEST')).toEqual([]);
    expect(h.run('LATENCY', 'RESET', 'a')).toBe(0);
  });

  test('GRAPH', () => {
    const h = monitoring();
    sample(h, 'command', 300);
    h.advance(61_000);
    sample(h, 'command', 500);
    const graph = h.run('LATENCY', 'GRAPH', 'command') as string;
    const lines = graph.split('\n');
    expect(lines[0]).toBe('command - high 500 ms, low 300 ms (all time high 500 ms)');
    expect(lines[1]).toBe('-'.repeat(80));
    expect(lines.slice(2)).toEqual([' #', ' |', ' |', '_|', '  ', '10', 'ms', '']);
    expect(h.run('LATENCY', 'GRAPH', 'nope')).toEqual({
      error: "ERR No samples available for event 'nope'",
    });
  });

  test('DOCTOR: off, nothing, and advice about what was seen', () => {
    const h = new Harness();
    expect(h.run('LATENCY', 'DOCTOR')).toMatch(/monitor is off/);
    h.model.latency.thresholdMs = 100;
    expect(h.run('LATENCY', 'DOCTOR')).toMatch(/nothing to report/);
    h.model.slowlog.thresholdUs = -1;
    sample(h, 'command', 150);
    h.advance(10_000);
    sample(h, 'command', 250);
    sample(h, 'strange', 100);
    const report = h.run('LATENCY', 'DOCTOR') as string;
    expect(report).toContain(
      '1. command: 2 latency spikes (average 200ms, mean deviation 50ms, period 5.00 sec). Worst all time event 250ms.',
    );
    expect(report).toContain('2. strange: 1 latency spikes');
    expect(report).toContain("'CONFIG SET slowlog-log-slower-than 100000'");
  });
});

describe('LATENCY HISTOGRAM', () => {
  test('every call counts, timed or not', () => {
    const h = new Harness();
    for (let i = 0; i < 100; i++) h.run('GET', 'a');
    h.run('SET', 'a', '1');
    h.run('CLIENT', 'ID');
    const [get, client] = (
      h.run('LATENCY', 'HISTOGRAM', 'get', 'nope', 'CLIENT') as unknown[]
    ).filter((_, i) => i % 2 === 1);
    expect(get).toEqual(['calls', 100, 'histogram_usec', [1, 100]]);
    expect(client).toEqual(['calls', 1, 'histogram_usec', [1, 1]]);
    const all = h.run('LATENCY', 'HISTOGRAM') as unknown[];
    expect(new Set(all.filter((_, i) => i % 2 === 0))).toEqual(
      new Set(['client|id', 'get', 'latency|histogram', 'set']),
    );
  });

  test('latency-tracking off: calls are not recorded', () => {
    const h = new Harness();
    h.model.latency.isTracking = false;
    h.run('SET', 'a', '1');
    expect(h.run('LATENCY', 'HISTOGRAM', 'set')).toEqual([]);
    h.model.latency.isTracking = true;
    h.run('SET', 'a', '1');
    expect(h.run('LATENCY', 'HISTOGRAM', 'set')).toEqual([
      'set',
      ['calls', 1, 'histogram_usec', [1, 1]],
    ]);
  });

  test('time that passes is counted where it belongs', () => {
    const h = new Harness();
    let took = 0;
    let us = 0;
    (h.model.host as { monotonicUs: () => number }).monotonicUs = () => (us += took);
    const calls = (count: number, microseconds: number): void => {
      took = microseconds;
      for (let i = 0; i < count; i++) h.run('GET', 'a');
      took = 0;
    };
    const histogram = (): unknown => (h.run('LATENCY', 'HISTOGRAM', 'get') as unknown[])[1];
    // A slow first call counts for itself; the second is timed too, and stands for those that follow.
    calls(1, 300);
    calls(64, 20);
    expect(histogram()).toEqual(['calls', 65, 'histogram_usec', [33, 64, 528, 65]]);
    // So does a slow one among many: the 64th after the last timed one.
    calls(1, 20);
    calls(1, 300);
    expect(histogram()).toEqual(['calls', 67, 'histogram_usec', [33, 65, 528, 67]]);
    expect(h.run('INFO', 'commandstats')).toMatch(
      /\r\ncmdstat_get:calls=67,usec=1900,usec_per_call=28.36,rejected_calls=0,failed_calls=0\r\n/,
    );
  });
});

test('HELP and its arity', () => {
  const h = new Harness();
  expect(h.run('LATENCY', 'HELP')).toContain('HISTOGRAM [COMMAND [COMMAND ...]]');
  expect(h.run('LATENCY', 'HELP', 'x')).toEqual({
    error: "ERR wrong number of arguments for 'latency|help' command",
  });
});
