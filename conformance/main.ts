/** `npm run conformance [-- PART ...] [--suite DIR] [--seed N] [--streams N]`: everything that needs the original beside Kvasir. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runTcl, UNITS } from './tcl.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string', default: process.env['REDIS_SUITE'] ?? '' },
    unit: { type: 'string', multiple: true },
  },
});

/** A file of this folder, wherever the compiler put this one. */
const KNOWN = fileURLToPath(new URL('../../conformance/tcl-known.txt', import.meta.url));

let failures = 0;
const wants = (part: string): boolean => positionals.length === 0 || positionals.includes(part);

if (wants('tcl')) failures += await runTcl(values.suite, values.unit ?? UNITS, KNOWN);
process.exit(failures === 0 ? 0 : 1);
