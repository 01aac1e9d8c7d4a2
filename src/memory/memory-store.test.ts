import { describe, expect, test } from 'vitest';
import { SeededRandomness } from '../os/randomness.ts';
import { MemoryStore, type MemoryStoreOptions } from './memory-store.ts';

function store(options: Partial<MemoryStoreOptions> = {}): {
  store: MemoryStore;
  time: { ms: number };
} {
  const time = { ms: 1_000_000 };
  const hashKey = new SeededRandomness(7).bytes(16);
  return { store: new MemoryStore({ now: () => time.ms, hashKey, ...options }), time };
}

describe('values', () => {
  test('text and bytes go in and come out', () => {
    const { store: s } = store();
    s.set('name', 'Ada Lovelace');
    s.set(Uint8Array.of(0, 255), Uint8Array.of(1, 2, 3));
    expect(s.getString('name')).toBe('Ada Lovelace');
    expect(s.get(Uint8Array.of(0, 255))).toEqual(Uint8Array.of(1, 2, 3));
    expect(s.get('absent')).toBeUndefined();
    expect(s.getString('absent')).toBeUndefined();
    expect(s.has('name')).toBe(true);
    expect(s.size).toBe(2);
  });

  test('text is UTF-8, whatever its length', () => {
    const { store: s } = store();
    for (const text of ['', 'Grüße', '日本語', '🙂'.repeat(3000), 'ü'.repeat(100_000)]) {
      s.set(`k${text}`, text);
      expect(s.getString(Buffer.from(`k${text}`))).toBe(text);
    }
  });

  test('a value that was passed or returned is not touched afterwards', () => {
    const { store: s } = store();
    const value = Uint8Array.of(57, 57);
    s.set('a', value);
    s.increment('n', 12345);
    expect([...value]).toEqual([57, 57]);
    const got = s.get('a')!;
    got[0] = 0;
    expect([...s.get('a')!]).toEqual([57, 57]);
  });

  test('deleting says whether the key was there; clearing leaves nothing', () => {
    const { store: s } = store();
    s.set('a', '1');
    expect(s.delete('a')).toBe(true);
    expect(s.delete('a')).toBe(false);
    for (let i = 0; i < 1000; i++) s.set(`k${i}`, 'v');
    s.clear();
    expect(s.size).toBe(0);
    expect(s.get('k1')).toBeUndefined();
    while (s.tidy());
    expect(s.usedBytes).toBe(0);
  });
});

describe('times to live', () => {
  test('a key is gone after its time, also for the size and the iterators', () => {
    const { store: s, time } = store();
    s.set('short', '1', { ttlMs: 50 });
    s.set('long', '2', { ttlMs: 5000 });
    s.set('forever', '3');
    expect(s.ttlMs('short')).toBe(50);
    time.ms += 51;
    expect(s.get('short')).toBeUndefined();
    expect(s.ttlMs('short')).toBeUndefined();
    expect(s.ttlMs('long')).toBe(4949);
    expect(s.ttlMs('forever')).toBe(Infinity);
    time.ms += 5000;
    expect([...s.keys()]).toEqual(['forever']);
    expect(s.size).toBe(1);
  });

  test('set ends a time to live, increment keeps it, expire changes it', () => {
    const { store: s } = store();
    s.set('a', '1', { ttlMs: 100 });
    s.increment('a');
    expect(s.ttlMs('a')).toBe(100);
    s.set('a', '1');
    expect(s.ttlMs('a')).toBe(Infinity);
    expect(s.expire('a', 30)).toBe(true);
    expect(s.ttlMs('a')).toBe(30);
    expect(s.expire('a', Infinity)).toBe(true);
    expect(s.ttlMs('a')).toBe(Infinity);
    expect(s.expire('absent', 30)).toBe(false);
    for (const ttlMs of [0, -1, NaN]) {
      expect(() => s.set('a', '1', { ttlMs })).toThrow(TypeError);
    }
    expect(() => s.set('a', '1', { ttlMs: Infinity })).toThrow(TypeError);
  });

  test('any number of keys due at once are gone from the size', () => {
    const { store: s, time } = store();
    for (let i = 0; i < 5000; i++) s.set(`k${i}`, 'v', { ttlMs: 1 + (i % 10) });
    time.ms += 100;
    expect(s.has('k17')).toBe(false);
    expect(s.size).toBe(0);
  });
});

describe('counters', () => {
  test('count from 0, up and down', () => {
    const { store: s } = store();
    expect(s.increment('n')).toBe(1);
    expect(s.increment('n', 41)).toBe(42);
    expect(s.increment('n', -100)).toBe(-58);
    expect(s.getString('n')).toBe('-58');
    s.set('n', String(Number.MIN_SAFE_INTEGER));
    expect(s.increment('n')).toBe(Number.MIN_SAFE_INTEGER + 1);
  });

  test('what is no integer is refused and stays', () => {
    const { store: s } = store();
    for (const value of ['', 'x', '1.5', ' 1', '01', '9007199254740993', 'x'.repeat(100_000)]) {
      s.set('n', value);
      expect(() => s.increment('n')).toThrow(TypeError);
      expect(s.getString('n')).toBe(value);
    }
    s.set('n', String(Number.MAX_SAFE_INTEGER));
    expect(() => s.increment('n')).toThrow(RangeError);
    expect(() => s.increment('n', 0.5)).toThrow(TypeError);
    expect(s.getString('n')).toBe(String(Number.MAX_SAFE_INTEGER));
  });
});

describe('iterating', () => {
  test('gives every key and value once while nothing changes', () => {
    const { store: s } = store();
    for (let i = 0; i < 300; i++) s.set(`k${i}`, `v${i}`);
    const found = [...s].map(([k, v]) => [Buffer.from(k).toString(), Buffer.from(v).toString()]);
    expect(found.length).toBe(300);
    expect(new Map(found as [string, string][])).toEqual(
      new Map(Array.from({ length: 300 }, (_, i) => [`k${i}`, `v${i}`])),
    );
    expect(new Set(s.keys())).toEqual(new Set(found.map(([k]) => k)));
  });

  test('the store may change meanwhile: all that stays is seen', () => {
    const { store: s } = store();
    for (let i = 0; i < 500; i++) s.set(`stay${i}`, 'v');
    const seen = new Set<string>();
    let n = 0;
    for (const key of s.keys()) {
      seen.add(key);
      if (n < 4000) for (let i = 0; i < 5; i++) s.set(`more${n++}`, 'v');
      if (key.startsWith('more')) s.delete(key);
    }
    for (let i = 0; i < 500; i++) expect(seen).toContain(`stay${i}`);
  });
});

test('a full store says so and goes on', () => {
  const { store: s } = store({ maxBytes: 1024 * 1024 });
  s.set('a', 'first');
  expect(() => s.set('b', new Uint8Array(2_000_000))).toThrow(
    expect.objectContaining({ name: 'EngineFullError', code: 'ENGINE_FULL' }),
  );
  expect(s.has('b')).toBe(false);
  expect(s.getString('a')).toBe('first');
  s.set('b', 'small');
  expect(s.getString('b')).toBe('small');
});

test('tidying gives memory back', () => {
  const { store: s } = store();
  for (let i = 0; i < 60_000; i++) s.set(`k${i}`, 'x'.repeat(100));
  for (let i = 0; i < 60_000; i++) if (i % 4 !== 0) s.delete(`k${i}`);
  while (s.tidy());
  for (let i = 0; i < 60_000; i += 4) expect(s.has(`k${i}`)).toBe(true);
  expect(s.size).toBe(15_000);
});
