import { describe, expect, test } from 'vitest';
import { flag, number, text } from './directive.ts';
import { Settings } from './settings.ts';

function make(): Settings {
  return new Settings([
    { name: 'cert', kind: text(''), isVolatile: true },
    { name: 'key', kind: text(''), isVolatile: true },
    { name: 'count', alias: 'old-count', kind: number('integer', 1, 0, 9) },
    { name: 'on', kind: flag('no') },
  ]);
}

describe('CONFIG SET and those who follow', () => {
  test('who follows several settings is called once, when all have their value', () => {
    const settings = make();
    const seen: string[] = [];
    const together = (): void => {
      seen.push(`${settings.get('cert')} ${settings.get('key')}`);
    };
    settings.onChange('cert', together);
    settings.onChange('key', together);
    expect(
      settings.set([
        ['cert', 'a'],
        ['key', 'b'],
      ]),
    ).toBeUndefined();
    expect(seen).toEqual(['a b']);
  });

  test('the value it has is no news, unless there is a file behind it', () => {
    const settings = make();
    const seen: string[] = [];
    for (const name of ['cert', 'count']) {
      settings.onChange(name, (value) => {
        seen.push(`${name} ${value}`);
      });
    }
    settings.set([['cert', 'a']]);
    settings.set([['count', '1']]);
    settings.set([['cert', 'a']]);
    settings.set([['OLD-COUNT', '2']]);
    expect(seen).toEqual(['cert a', 'cert a', 'count 2']);
  });

  test('one refusal takes all back, and whoever was told is told again', () => {
    const settings = make();
    const seen: string[] = [];
    settings.onChange('count', (value) => {
      seen.push(`count ${value}`);
    });
    settings.onChange('on', (value) => {
      seen.push(`on ${value}`);
      return value === 'yes' ? 'not now' : undefined;
    });
    settings.onChange('cert', () => {
      seen.push('cert');
    });
    const error = settings.set([
      ['count', '5'],
      ['on', 'yes'],
      ['cert', 'x'],
    ]);
    expect(error).toBe("ERR CONFIG SET failed (possibly related to argument 'on') - not now");
    expect([settings.get('count'), settings.get('on'), settings.get('cert')]).toEqual([
      '1',
      'no',
      '',
    ]);
    expect(seen).toEqual(['count 5', 'on yes', 'on no', 'count 1']);
  });
});
