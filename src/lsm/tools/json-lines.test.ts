import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLine, LineError, parseLine } from './json-lines.ts';
import { LineSplitter } from './line-splitter.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

test('text where it is text, base64 where it is not', () => {
  expect(formatLine('', bytes('k'), bytes('é\n"'))).toBe('{"key":"k","value":"é\\n\\""}');
  expect(formatLine('users', Uint8Array.of(0, 255), bytes(''))).toBe(
    '{"keyspace":"users","keyBase64":"AP8=","value":""}',
  );
});

test('any entry comes back', () => {
  const any = fc.oneof(fc.uint8Array(), fc.string({ unit: 'grapheme' }).map(bytes));
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), any, any, (keyspace, key, value) => {
      const line = formatLine(keyspace, key, value);
      expect(line).not.toContain('\n');
      const entry = parseLine(line);
      expect(entry.keyspace).toBe(keyspace);
      expect(new Uint8Array(entry.key)).toEqual(key);
      expect(new Uint8Array(entry.value)).toEqual(value);
    }),
  );
});

test('what is no entry is refused, with the reason', () => {
  for (const [line, reason] of [
    ['{"key":"a"', /JSON|Expected/],
    ['[1]', /not an object/],
    ['null', /not an object/],
    ['{"key":"a","value":"b","ttl":1}', /an unknown name: "ttl"/],
    ['{"key":"a"}', /either value or valueBase64/],
    ['{"key":"a","keyBase64":"YQ==","value":""}', /either key or keyBase64/],
    ['{"key":1,"value":""}', /key is no text/],
    ['{"keyBase64":"a b","value":""}', /keyBase64 is not base64/],
    ['{"keyspace":7,"key":"a","value":""}', /keyspace is no text/],
    ['{"key":"\\ud800","value":""}', /half a character/],
  ] as const) {
    expect(() => parseLine(line), line).toThrow(LineError);
    expect(() => parseLine(line), line).toThrow(reason);
  }
});

test('lines from pieces of any size', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' })),
      fc.integer({ min: 1, max: 9 }),
      (texts, size) => {
        const lines = texts.map((text) => text.replaceAll(/\s/g, '_'));
        const input = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const splitter = new LineSplitter(1000);
        const found: string[] = [];
        for (let at = 0; at < input.length; at += size) {
          found.push(...splitter.take(input.subarray(at, at + size)));
        }
        expect(found).toEqual(lines);
        expect(splitter.rest()).toBe('');
      },
    ),
  );
  const splitter = new LineSplitter(5);
  expect([...splitter.take(Buffer.from('a\r\nb'))]).toEqual(['a']);
  expect(splitter.rest()).toBe('b');
  expect(() => [...splitter.take(Buffer.from('123456'))]).toThrow(RangeError);
});
