import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandomness } from '../../os/randomness.ts';
import { SimulatedCrash } from '../../os/simulated-file-system.ts';
import { LsmError } from '../errors.ts';
import {
  checkDescription,
  formatKvasirFile,
  parseKvasirFile,
  readKvasirFile,
  writeKvasirFile,
  writeKvasirFileSync,
  type DirectoryDescription,
  type JsonObject,
  type KeyspaceDescription,
} from './kvasir-file.ts';
import { ManifestState } from './manifest-state.ts';
import { DIRECTORY, machine } from './testing/manifest-scenes.ts';

const PATH = '/db/KVASIR';
const settings = fc.dictionary(
  fc.string(),
  fc.jsonValue({ maxDepth: 2 }),
) as fc.Arbitrary<JsonObject>;
const description: fc.Arbitrary<DirectoryDescription> = fc
  .record({
    formatLevel: fc.integer({ min: 1, max: 2 }),
    features: fc.array(fc.string(), { maxLength: 4 }),
    settings,
    keyspaces: fc.uniqueArray(fc.record({ name: fc.string({ maxLength: 60 }), settings }), {
      selector: ({ name }) => name,
      maxLength: 5,
    }),
  })
  .map(({ keyspaces, ...rest }) => ({
    ...rest,
    layout: keyspaces.length === 0 ? ('raw' as const) : ('keyspaced' as const),
    nextKeyspaceId: 1 + keyspaces.length,
    keyspaces: keyspaces.map((keyspace, i) => ({ id: i + 1, ...keyspace })),
  }));

const plain: DirectoryDescription = {
  formatLevel: 1,
  layout: 'keyspaced',
  features: [],
  settings: {},
  nextKeyspaceId: 3,
  keyspaces: [{ id: 2, name: 'users', settings: { ttl: true } }],
};

describe('KVASIR', () => {
  test('is a line with a checksum, and JSON', () => {
    const text = Buffer.from(formatKvasirFile(plain)).toString();
    expect(text.split('\n')[0]).toMatch(/^KVASIR 1 [0-9a-f]{8}$/);
    expect(JSON.parse(text.slice(text.indexOf('\n')))).toEqual(plain);
  });

  test('comes back as it was', () => {
    fc.assert(
      fc.property(description, (description) => {
        const again = parseKvasirFile(formatKvasirFile(description), PATH);
        // As JSON has it: no -0, no prototypes.
        expect(again).toEqual(JSON.parse(JSON.stringify(description)));
      }),
    );
  });

  test('with any byte changed, or cut off, is refused', () => {
    const whole = formatKvasirFile(plain);
    for (let at = 0; at < whole.length; at++) {
      const bytes = whole.slice();
      bytes[at]! ^= 1;
      expect(() => parseKvasirFile(bytes, PATH)).toThrow(LsmError);
      expect(() => parseKvasirFile(whole.slice(0, at), PATH)).toThrow(
        expect.objectContaining({ code: 'CORRUPTION', path: PATH }),
      );
    }
  });

  test.each<[string, object]>([
    ['layout is unknown', { layout: 'other' }],
    ['formatLevel is no positive integer', { formatLevel: 1.5 }],
    ['nextKeyspaceId is no positive integer', { nextKeyspaceId: -1 }],
    ['features is no list', { features: 'ttl' }],
    ['a feature is no text', { features: [1] }],
    ['settings is no object', { settings: [] }],
    ['a keyspace is no object', { keyspaces: [null] }],
    ['the id of a keyspace is no positive integer', { keyspaces: [{ name: 'a', settings: {} }] }],
    ['a raw directory has keyspaces', { layout: 'raw' }],
    ['nextKeyspaceId is that of a keyspace', { nextKeyspaceId: 2 }],
    [
      'two keyspaces have one id',
      { keyspaces: [{ ...plain.keyspaces[0], name: 'b' }, plain.keyspaces[0]] },
    ],
    [
      'two keyspaces have one name',
      { keyspaces: [{ ...plain.keyspaces[0], id: 1 }, plain.keyspaces[0]] },
    ],
    [
      'the name of a keyspace is too long',
      { keyspaces: [{ id: 1, name: 'x'.repeat(256), settings: {} }] },
    ],
  ])('%s', (problem, change) => {
    const bytes = formatKvasirFile({ ...plain, ...change });
    expect(() => parseKvasirFile(bytes, PATH)).toThrow(
      expect.objectContaining({ code: 'CORRUPTION', problem, path: PATH }),
    );
    // And what could not be read is not written.
    const files = machine();
    expect(() => writeKvasirFileSync(files, DIRECTORY, { ...plain, ...change }, 9)).toThrow(
      problem,
    );
    expect(files.readDirectory(DIRECTORY)).toEqual([]);
  });

  test('of a later version is refused by name', () => {
    const later = Buffer.from(formatKvasirFile(plain));
    later.write('2', 7, 'latin1');
    expect(() => parseKvasirFile(later, PATH)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', expected: 1, found: 2 }),
    );
  });

  test('that does not fit its manifest, or has features unknown here, is refused', () => {
    const state = new ManifestState('/db/MANIFEST-000001');
    const level2 = { ...plain, formatLevel: 2, features: ['ttl', 'merge'] };
    expect(() => checkDescription(plain, state, [])).not.toThrow();
    expect(() => checkDescription(level2, state, ['ttl', 'merge'])).toThrow(
      expect.objectContaining({ code: 'CORRUPTION', expected: 2, found: 1 }),
    );
    state.formatLevel = 2;
    expect(() => checkDescription(level2, state, ['ttl', 'merge'])).not.toThrow();
    expect(() => checkDescription(plain, state, [])).not.toThrow();
    expect(() => checkDescription(level2, state, ['merge'])).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', found: 'ttl' }),
    );
  });

  test('is too large beyond its limit', () => {
    const keyspaces: KeyspaceDescription[] = [];
    for (let id = 1; id <= 300; id++) {
      keyspaces.push({ id, name: `${id}`, settings: { text: 'x'.repeat(60_000) } });
    }
    const files = machine();
    const large = { ...plain, keyspaces, nextKeyspaceId: 301 };
    expect(() => writeKvasirFileSync(files, DIRECTORY, large, 9)).toThrow(
      expect.objectContaining({ code: 'LIMIT' }),
    );
    files.put(PATH, formatKvasirFile(large));
    expect(() => readKvasirFile(files, DIRECTORY)).toThrow(
      expect.objectContaining({ code: 'CORRUPTION', path: PATH }),
    );
  });

  test('is replaced as a whole, wherever a crash comes', async () => {
    const next = { ...plain, keyspaces: [] };
    for (let call = 1; call < 14; call++) {
      const files = machine();
      expect(readKvasirFile(files, DIRECTORY)).toBeUndefined();
      let isOver = false;
      let stage = 0;
      files.crashAtCall = files.calls + call;
      const write = async (): Promise<void> => {
        writeKvasirFileSync(files, DIRECTORY, plain, 8);
        stage = 1;
        await writeKvasirFile(files, DIRECTORY, next, 9);
        stage = 2;
      };
      void write()
        .catch((error: unknown) => expect(error).toBeInstanceOf(SimulatedCrash))
        .finally(() => (isOver = true));
      for (let i = 0; i < 100 && !isOver && !files.isDead; i++) await files.loop.run(1);
      for (let seed = 0; seed < 30; seed++) {
        const found = readKvasirFile(files.restart(new SeededRandomness(seed)), DIRECTORY);
        const allowed = [undefined, plain, next].slice(stage);
        expect(allowed).toContainEqual(found);
      }
    }
  });
});
