/** memcached's `-o name[=value],...`. */
import { FlagError, type MemcachedCall, toInteger } from './memcached-call.ts';

type Apply = (call: MemcachedCall, value: string, name: string) => void;

/** Options that tune what is not there, or what is always so. */
const IDLE: ReadonlySet<string> = new Set([
  ...['maxconns_fast', 'no_maxconns_fast', 'no_hashexpand', 'hash_algorithm', 'tail_repair_time'],
  ...['slab_reassign', 'no_slab_reassign', 'slab_automove_window'],
  ...['slab_sizes', 'watcher_logbuf_size', 'worker_logbuf_size', 'track_sizes', 'modern'],
  ...['inline_ascii_resp', 'no_inline_ascii_resp', 'no_chunked_items'],
  ...['drop_privileges', 'no_drop_privileges', 'relaxed_privileges', 'resp_obj_mem_limit'],
  ...['read_buf_mem_limit', 'ssl_wbuf_size', 'ssl_keyformat', 'ssl_kernel_tls', 'sock_cookie_id'],
  ...['shutdown_command'],
]);

function between(name: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (value === '' || !(number >= min && number <= max)) {
    throw new FlagError(`${name} must be between ${min} and ${max}`);
  }
  return number;
}

function setting(name: string): Apply {
  return (call, value, option) => {
    if (value === '') throw new FlagError(`Missing ${option} argument`);
    call.settings.set(name, value);
  };
}

/** Those with an effect, or a line of their own in `stats settings`. */
const OPTIONS: Readonly<Record<string, Apply>> = {
  idle_timeout: (call, value) =>
    void call.settings.set('memcached-idle-timeout', String(toInteger(value))),
  hashpower(_call, value) {
    if (value === '') throw new FlagError('Missing numeric argument for hashpower');
    const power = toInteger(value);
    if (power < 12) throw new FlagError(`Initial hashtable multiplier of ${power} is too low`);
    if (power > 32) throw new FlagError(`Initial hashtable multiplier of ${power} is too high`);
  },
  lru_crawler: (call) => void (call.tunables.hasCrawler = true),
  no_lru_crawler: (call) => void (call.tunables.hasCrawler = false),
  lru_crawler_sleep(call, value, name) {
    call.tunables.crawlerSleepUs = between(name, value, 0, 1_000_000);
  },
  lru_crawler_tocrawl(call, value, name) {
    call.tunables.toCrawl = between(name, value, 0, 0xffffffff);
  },
  lru_maintainer(call) {
    call.tunables.hasMaintainer = true;
    call.tunables.isSegmented = true;
  },
  no_lru_maintainer(call) {
    call.tunables.hasMaintainer = false;
    call.tunables.isSegmented = false;
  },
  no_modern(call) {
    Object.assign(call.tunables, {
      hasCrawler: false,
      hasMaintainer: false,
      isSegmented: false,
      slabAutomove: 0,
    });
  },
  no_slab_automove: (call) => void (call.tunables.slabAutomove = 0),
  hot_lru_pct(call, value, name) {
    call.tunables.hotPercent = between(name, value, 1, 79);
  },
  warm_lru_pct(call, value, name) {
    call.tunables.warmPercent = between(name, value, 1, 79);
  },
  hot_max_factor(call, value, name) {
    call.tunables.hotMaxFactor = between(name, value, Number.MIN_VALUE, Infinity);
  },
  warm_max_factor(call, value, name) {
    call.tunables.warmMaxFactor = between(name, value, Number.MIN_VALUE, Infinity);
  },
  temporary_ttl(call, value) {
    call.tunables.hasTemporaryLru = true;
    call.tunables.temporaryTtl = toInteger(value);
  },
  slab_automove(call, value, name) {
    call.tunables.slabAutomove = value === '' ? 1 : between(name, value, 0, 2);
  },
  slab_automove_ratio(call, value, name) {
    call.tunables.slabAutomoveRatio = between(name, value, 0, 1);
  },
  slab_chunk_max(call, value, name) {
    call.tunables.slabChunkMax = between(name, value, 0, 0x7fffffff);
  },
  ssl_chain_cert: setting('tls-cert-file'),
  ssl_key: setting('tls-key-file'),
  ssl_ca_cert: setting('tls-ca-cert-file'),
  ssl_ciphers: setting('tls-ciphers'),
  ssl_session_cache: (call) => void call.settings.set('tls-session-caching', 'yes'),
  ssl_verify_mode(call, value, name) {
    const mode = between(name, value, 0, 3);
    call.settings.set('tls-auth-clients', ['no', 'optional', 'yes', 'yes'][Math.floor(mode)]!);
  },
  ssl_min_version(call, value, name) {
    const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
    const least = Math.floor(between(name, value, 0, 3));
    call.settings.set('tls-protocols', versions.slice(least).join(' '));
  },
};

/** What would be relied on in vain. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [
    /^ext_/,
    "external storage does not exist here; 'kvasir serve --memcached-port' keeps items on disk",
  ],
  [/^slab_automove_freeratio$/, 'external storage does not exist here'],
  [/^proxy_/, 'the proxy does not exist here'],
];

export function applyExtendedOptions(call: MemcachedCall, list: string): void {
  for (const option of list.split(',')) {
    const equals = option.indexOf('=');
    const name = equals < 0 ? option : option.slice(0, equals);
    const value = equals < 0 ? '' : option.slice(equals + 1);
    const refusal = REFUSED.find(([pattern]) => pattern.test(name));
    if (refusal !== undefined) throw new FlagError(`${name}: ${refusal[1]}`);
    if (Object.hasOwn(OPTIONS, name)) OPTIONS[name]!(call, value, name);
    else if (!IDLE.has(name)) throw new FlagError(`Illegal suboption "${name}"`);
  }
}
