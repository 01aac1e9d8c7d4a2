// The compiler writes plain files; npm wants the command to be executable in a checkout too.
import { chmodSync } from 'node:fs';

chmodSync(new URL('../dist/cli/main.js', import.meta.url), 0o755);
