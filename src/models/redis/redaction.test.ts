import { describe, expect, test } from 'vitest';
import { Request } from '../../bytes/resp-request.ts';
import { isSecret } from './redaction.ts';

function secrets(line: string): string[] {
  const words = line.split(' ');
  const request = new Request().fill(words);
  return words.filter((_, i) => isSecret(request, i));
}

describe('isSecret', () => {
  test.each([
    ['AUTH pw', ['pw']],
    ['auth user pw', ['user', 'pw']],
    ['AUTH a b c', ['a', 'b', 'c']],
    ['HELLO 3 AUTH user pw SETNAME me', ['user', 'pw']],
    ['hello 3 setname auth auth user pw', ['user', 'pw']],
    ['HELLO 3 nonsense AUTH user pw', ['user', 'pw']],
    ['HELLO 3 SETNAME me', []],
    ['CONFIG SET requirepass pw', ['pw']],
    ['config set maxmemory 0 RequirePass pw masterauth x', ['pw', 'x']],
    ['CONFIG SET tls-key-file-pass pw', ['pw']],
    ['CONFIG GET requirepass', []],
    ['CONFIG SET maxmemory requirepass', []],
    ['ACL SETUSER joe on >pw', ['joe', 'on', '>pw']],
    ['ACL WHOAMI', []],
    ['SET AUTH pw', []],
  ])('%s', (line, expected) => {
    expect(secrets(line)).toEqual(expected);
  });
});
