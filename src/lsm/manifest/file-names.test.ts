import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LsmError } from '../errors.ts';
import {
  logFileName,
  manifestFileName,
  MAX_FILE_NUMBER,
  oldTableFileName,
  parseCurrent,
  parseFileName,
  tableFileName,
  temporaryFileName,
} from './file-names.ts';

describe('file names', () => {
  test.each([
    ['000005.log', 'log', 5],
    ['000007.ldb', 'table', 7],
    ['000007.sst', 'table', 7],
    ['1.sst', 'table', 1],
    ['MANIFEST-000004', 'manifest', 4],
    ['000009.dbtmp', 'temporary', 9],
    ['9007199254740991.ldb', 'table', MAX_FILE_NUMBER],
    ['CURRENT', 'current', 0],
    ['LOCK', 'lock', 0],
    ['kvasir.lock', 'lock', 0],
    ['kvasir.owner', 'lock', 0],
    ['LOG', 'messages', 0],
    ['LOG.old', 'messages', 0],
    ['KVASIR', 'kvasir', 0],
  ] as const)('%s is a %s', (name, kind, number) => {
    expect(parseFileName(name)).toEqual({ kind, number });
  });

  test.each([
    '',
    'foo',
    'foo-dx-100.log',
    '.log',
    '000005.LOG',
    '000005.log2',
    '000005log',
    '-5.log',
    '+5.ldb',
    '0x5.ldb',
    'MANIFEST',
    'MANIFEST-',
    'MANIFEST-3x',
    'XMANIFEST-000003',
    'CURRENT2',
    'LOCKS',
    '9007199254740992.ldb',
    '18446744073709551616.log',
    '../000005.log',
  ])('%j is none of ours', (name) => {
    expect(parseFileName(name)).toBeUndefined();
  });

  test('what is made is parsed', () => {
    const makers = {
      log: logFileName,
      table: tableFileName,
      manifest: manifestFileName,
      temporary: temporaryFileName,
    } as const;
    fc.assert(
      fc.property(fc.nat(MAX_FILE_NUMBER), (number) => {
        for (const [kind, make] of Object.entries(makers)) {
          expect(parseFileName(make(number))).toEqual({ kind, number });
        }
        expect(parseFileName(oldTableFileName(number))).toEqual({ kind: 'table', number });
      }),
    );
    expect(tableFileName(12)).toBe('000012.ldb');
    expect(tableFileName(1_234_567)).toBe('1234567.ldb');
  });

  test('CURRENT names a manifest, or is corrupt', () => {
    expect(parseCurrent('MANIFEST-000012\n', '/db/CURRENT')).toBe(12);
    for (const text of ['', '\n', 'MANIFEST-000012', '000012.log\n', 'MANIFEST-1/../x\n']) {
      expect(() => parseCurrent(text, '/db/CURRENT')).toThrow(LsmError);
      expect(() => parseCurrent(text, '/db/CURRENT')).toThrow(/^\/db\/CURRENT, offset 0: /);
    }
  });
});
