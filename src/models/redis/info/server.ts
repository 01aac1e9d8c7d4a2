/** INFO server, clients, cpu and replication: the process, who is connected, what it costs, its part in replication. */
import type { InfoFields } from '../host.ts';
import type { RedisModel } from '../model.ts';
import { REDIS_VERSION } from '../version.ts';

const LRU_CLOCK_MASK = 0xffffff;
const SECONDS_A_DAY = 86400;
const NO_REPLICATION_ID = '0'.repeat(40);

export function serverFields(model: RedisModel): InfoFields {
  const { engine, host, settings } = model;
  const uptime = Math.floor((engine.now - host.startedMs) / 1000);
  const hz = settings.number('hz');
  return {
    redis_version: REDIS_VERSION,
    redis_git_sha1: '00000000',
    redis_git_dirty: 0,
    redis_build_id: 0,
    redis_mode: 'standalone',
    server_name: 'kvasir',
    kvasir_version: host.version,
    os: host.platform,
    arch_bits: 64,
    monotonic_clock: 'POSIX clock_gettime',
    multiplexing_api: 'libuv',
    process_id: host.processId,
    process_supervised: 'no',
    run_id: host.runId,
    tcp_port: host.tcpPort,
    server_time_usec: host.wallClockUs(),
    uptime_in_seconds: uptime,
    uptime_in_days: Math.floor(uptime / SECONDS_A_DAY),
    hz,
    configured_hz: hz,
    lru_clock: Math.floor(engine.now / 1000) & LRU_CLOCK_MASK,
    executable: host.executable,
    config_file: host.configFile,
    io_threads_active: 0,
    ...listenerFields(model),
  };
}

function listenerFields(model: RedisModel): InfoFields {
  const { host, settings } = model;
  const addresses = settings
    .text('bind')
    .split(/\s+/)
    .filter((address) => address !== '')
    .map((address) => `bind=${address},`)
    .join('');
  const tlsPort = settings.number('tls-port');
  const socket = settings.text('unixsocket');
  const listeners: string[] = [];
  if (host.tcpPort > 0) listeners.push(`name=tcp,${addresses}port=${host.tcpPort}`);
  if (socket !== '') listeners.push(`name=unix,bind=${socket}`);
  if (tlsPort > 0) listeners.push(`name=tls,${addresses}port=${tlsPort}`);
  return Object.fromEntries(listeners.map((text, i) => [`listener${i}`, text]));
}

export function clientFields(model: RedisModel): InfoFields {
  const { maxInputBytes, maxOutputBytes } = model.host.buffers();
  return {
    connected_clients: model.sessions.size,
    cluster_connections: 0,
    maxclients: model.settings.number('maxclients'),
    client_recent_max_input_buffer: maxInputBytes,
    client_recent_max_output_buffer: maxOutputBytes,
    blocked_clients: model.pauses.blockedCount,
    tracking_clients: 0,
    clients_in_timeout_table: model.pauses.deadlineCount,
    total_blocking_keys: 0,
    total_blocking_keys_on_nokey: 0,
  };
}

export function cpuFields(model: RedisModel): InfoFields {
  const { userSeconds, systemSeconds, mainThread } = model.host.cpu();
  return {
    used_cpu_sys: systemSeconds.toFixed(6),
    used_cpu_user: userSeconds.toFixed(6),
    used_cpu_sys_children: '0.000000',
    used_cpu_user_children: '0.000000',
    ...(mainThread === undefined
      ? {}
      : {
          used_cpu_sys_main_thread: mainThread.systemSeconds.toFixed(6),
          used_cpu_user_main_thread: mainThread.userSeconds.toFixed(6),
        }),
  };
}

export function replicationFields(model: RedisModel): InfoFields {
  return {
    role: 'master',
    connected_slaves: 0,
    master_failover_state: 'no-failover',
    master_replid: model.host.runId,
    master_replid2: NO_REPLICATION_ID,
    master_repl_offset: model.host.persistence.position,
    second_repl_offset: -1,
    repl_backlog_active: 0,
    repl_backlog_size: model.settings.number('repl-backlog-size'),
    repl_backlog_first_byte_offset: 0,
    repl_backlog_histlen: 0,
  };
}
