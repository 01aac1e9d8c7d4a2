/**
 * Plays the sessions in golden/ (testing/script.ts says how they read) and compares. `GOLDEN=write npx vitest run golden` writes down what
 * happens instead: read the difference before you commit it.
 */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readText, realFiles, writeText } from '../../os/testing.ts';
import { playScript } from './testing/script.ts';

const directory = new URL('golden/', import.meta.url);

for (const name of realFiles.readDirectory(fileURLToPath(directory))) {
  test(name, () => {
    const file = new URL(name, directory);
    const script = readText(file);
    const played = playScript(script);
    if (process.env['GOLDEN'] === 'write') writeText(file, played);
    else expect(played).toBe(script);
  });
}
