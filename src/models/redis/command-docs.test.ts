import { describe, expect, test } from 'vitest';
import { type CommandArgument, formatSyntax, parseSyntax } from './command-docs.ts';

const token = (name: string, word: string, more: object = {}): CommandArgument => ({
  name,
  type: 'pure-token',
  token: word,
  ...more,
});

describe('parseSyntax', () => {
  test('plain arguments and their types', () => {
    expect(parseSyntax('key newkey:key seconds:integer value')).toEqual([
      { name: 'key', type: 'key', keyNumber: 0 },
      { name: 'newkey', type: 'key', keyNumber: 1 },
      { name: 'seconds', type: 'integer' },
      { name: 'value', type: 'string' },
    ]);
  });

  test('SET: named choices, tokens with and without an argument, versions', () => {
    const syntax =
      'key value [@condition(NX | XX)]^2.6.12 [GET]^6.2.0 ' +
      '[@expiration(EX seconds:integer^2.6.12 | PXAT unix-time-milliseconds:unix-time^6.2.0 | KEEPTTL^6.0.0)]';
    expect(parseSyntax(syntax).slice(2)).toEqual([
      {
        name: 'condition',
        type: 'oneof',
        isOptional: true,
        since: '2.6.12',
        parts: [token('nx', 'NX'), token('xx', 'XX')],
      },
      token('get', 'GET', { isOptional: true, since: '6.2.0' }),
      {
        name: 'expiration',
        type: 'oneof',
        isOptional: true,
        parts: [
          { name: 'seconds', type: 'integer', token: 'EX', since: '2.6.12' },
          {
            name: 'unix-time-milliseconds',
            type: 'unix-time',
            token: 'PXAT',
            since: '6.2.0',
          },
          token('keepttl', 'KEEPTTL', { since: '6.0.0' }),
        ],
      },
    ]);
  });

  test('BITFIELD: blocks with tokens inside a repeated choice', () => {
    const syntax =
      'key [@operation(GET @get-block(encoding offset:integer) | ' +
      '@write([OVERFLOW @overflow-block(WRAP | SAT | FAIL)] @write-operation(' +
      'SET @set-block(encoding offset:integer value:integer) | ' +
      'INCRBY @incrby-block(encoding offset:integer increment:integer))))...]';
    const encoding = { name: 'encoding', type: 'string' };
    const offset = { name: 'offset', type: 'integer' };
    expect(parseSyntax(syntax)[1]).toEqual({
      name: 'operation',
      type: 'oneof',
      isOptional: true,
      isMultiple: true,
      parts: [
        { name: 'get-block', type: 'block', token: 'GET', parts: [encoding, offset] },
        {
          name: 'write',
          type: 'block',
          parts: [
            {
              name: 'overflow-block',
              type: 'oneof',
              token: 'OVERFLOW',
              isOptional: true,
              parts: [token('wrap', 'WRAP'), token('sat', 'SAT'), token('fail', 'FAIL')],
            },
            {
              name: 'write-operation',
              type: 'oneof',
              parts: [
                {
                  name: 'set-block',
                  type: 'block',
                  token: 'SET',
                  parts: [encoding, offset, { name: 'value', type: 'integer' }],
                },
                {
                  name: 'incrby-block',
                  type: 'block',
                  token: 'INCRBY',
                  parts: [encoding, offset, { name: 'increment', type: 'integer' }],
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test('CLIENT KILL: other texts, deprecation, tokens in lower case, a repeated choice of options', () => {
    const syntax =
      '@filter(old-format<ip:port>!2.8.12 | @new-format([ID client-id:integer]^2.8.12 | ' +
      '[TYPE @client-type("normal" | "master"^3.2.0)]^2.8.12 | [SKIPME @skipme(YES | NO)])...)';
    expect(parseSyntax(syntax)).toEqual([
      {
        name: 'filter',
        type: 'oneof',
        parts: [
          { name: 'old-format', type: 'string', display: 'ip:port', deprecatedSince: '2.8.12' },
          {
            name: 'new-format',
            type: 'oneof',
            isMultiple: true,
            parts: [
              {
                name: 'client-id',
                type: 'integer',
                token: 'ID',
                isOptional: true,
                since: '2.8.12',
              },
              {
                name: 'client-type',
                type: 'oneof',
                token: 'TYPE',
                isOptional: true,
                since: '2.8.12',
                parts: [token('normal', 'normal'), token('master', 'master', { since: '3.2.0' })],
              },
              {
                name: 'skipme',
                type: 'oneof',
                token: 'SKIPME',
                isOptional: true,
                parts: [token('yes', 'YES'), token('no', 'NO')],
              },
            ],
          },
        ],
      },
    ]);
  });

  test('a token is repeated with a group, not with an argument', () => {
    expect(parseSyntax('[ID client-id:integer...] [(PREFIX prefix)...]')).toEqual([
      { name: 'client-id', type: 'integer', token: 'ID', isOptional: true, isMultiple: true },
      {
        name: 'prefix',
        type: 'string',
        token: 'PREFIX',
        isOptional: true,
        isMultiple: true,
        isTokenMultiple: true,
      },
    ]);
  });

  test('tokens side by side, a token of another name, a block called after its token', () => {
    expect(parseSyntax('@no-one(NO ONE) [change=CH] [LIMIT offset:integer count:integer]')).toEqual(
      [
        { name: 'no-one', type: 'block', parts: [token('no', 'NO'), token('one', 'ONE')] },
        token('change', 'CH', { isOptional: true }),
        {
          name: 'limit',
          type: 'block',
          token: 'LIMIT',
          isOptional: true,
          parts: [
            { name: 'offset', type: 'integer' },
            { name: 'count', type: 'integer' },
          ],
        },
      ],
    );
  });

  test.each(['[key', 'key]', '(a | )', 'a:unknown', '@name(', 'a | b'])('refuses %s', (syntax) => {
    expect(() => parseSyntax(syntax)).toThrow(SyntaxError);
  });
});

describe('formatSyntax', () => {
  test.each([
    [
      'key value [@condition(NX | XX)] [GET] [@expiration(EX seconds:integer | KEEPTTL)]',
      'key value [NX | XX] [GET] [EX seconds | KEEPTTL]',
    ],
    ['timeout:integer [@mode(WRITE | ALL)]', 'timeout [WRITE | ALL]'],
    ['[command-name...]', '[command-name [command-name ...]]'],
    ['@status(ON | OFF) [(PREFIX prefix)...]', '<ON | OFF> [PREFIX prefix [PREFIX prefix ...]]'],
    ['@attr("lib-name" libname | "lib-ver" libver)', '<lib-name libname | lib-ver libver>'],
    ['[TYPE @client-type("normal" | "pubsub")]', '[TYPE <normal | pubsub>]'],
    ['old-format<ip:port>', 'ip:port'],
  ])('%s', (syntax, text) => {
    expect(formatSyntax(parseSyntax(syntax))).toBe(text);
  });
});
