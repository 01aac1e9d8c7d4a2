/**
 * `npm run fuzz -- [--target resp|memcached|lsm|lsm-kill] [--seconds 60] [--seed N]`: bytes that nobody should send to a server; the disk engine on a simulated
 * machine that crashes and fails; the disk engine under `kill -9`.
 */
const TARGETS: Readonly<Record<string, string>> = {
  resp: './resp.js',
  memcached: './memcached.js',
  lsm: './lsm.js',
  'lsm-kill': './lsm-kill-main.js',
};

const at = process.argv.indexOf('--target');
const [, target] = at < 0 ? [] : process.argv.splice(at, 2);
const file = TARGETS[target ?? 'resp'];
if (file === undefined) {
  process.stderr.write(`--target is one of ${Object.keys(TARGETS).join(', ')}\n`);
  process.exit(2);
}
await import(new URL(file, import.meta.url).href);
