/**
 * Plays the sessions in golden/ (testing/script.ts says how they read) and compares. `GOLDEN=write npx vitest run golden` writes down what
 * happens instead: read the difference before you commit it.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { playScript } from './testing/script.ts';

const directory = new URL('golden/', import.meta.url);

for (const name of readdirSync(directory)) {
  test(name, () => {
    const file = new URL(name, directory);
    const script = readFileSync(file, 'utf8');
    const played = playScript(script);
    if (process.env['GOLDEN'] === 'write') writeFileSync(file, played);
    else expect(played).toBe(script);
  });
}
