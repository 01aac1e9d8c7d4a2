// The tools are compiled to a folder of their own, in which the package's version is looked for as in dist/.
import { copyFileSync } from 'node:fs';

copyFileSync(
  new URL('../package.json', import.meta.url),
  new URL('../dist-tools/package.json', import.meta.url),
);
