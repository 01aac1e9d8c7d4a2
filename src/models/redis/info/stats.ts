/** INFO stats and INFO debug: counters since the start or the last CONFIG RESETSTAT. */
import type { Command } from '../command-table.ts';
import type { InfoFields } from '../host.ts';
import type { RedisModel } from '../model.ts';
import { ratio } from './format.ts';

const KIB = 1024;

export function statsFields(model: RedisModel): InfoFields {
  const { host, pubsub, stats } = model;
  const mark = stats.networkMark;
  const network = host.network();
  return {
    total_connections_received: network.connectionsReceived - mark.connectionsReceived,
    total_commands_processed: stats.commandsProcessed,
    instantaneous_ops_per_sec: Math.floor(stats.commandRate.perSecond),
    total_net_input_bytes: network.inputBytes - mark.inputBytes,
    total_net_output_bytes: network.outputBytes - mark.outputBytes,
    total_net_repl_input_bytes: 0,
    total_net_repl_output_bytes: 0,
    instantaneous_input_kbps: (stats.inputRate.perSecond / KIB).toFixed(2),
    instantaneous_output_kbps: (stats.outputRate.perSecond / KIB).toFixed(2),
    instantaneous_input_repl_kbps: '0.00',
    instantaneous_output_repl_kbps: '0.00',
    rejected_connections: network.rejectedConnections - mark.rejectedConnections,
    sync_full: 0,
    sync_partial_ok: 0,
    sync_partial_err: 0,
    expired_keys: stats.expiredKeys,
    expired_stale_perc: '0.00',
    expired_time_cap_reached_count: stats.expiredTimeCapReached,
    expire_cycle_cpu_milliseconds: Math.floor(stats.expireCycleUs / 1000),
    evicted_keys: stats.evictedKeys,
    evicted_clients: network.evictedClients - mark.evictedClients,
    total_eviction_exceeded_time: 0,
    current_eviction_exceeded_time: 0,
    keyspace_hits: stats.keyspaceHits,
    keyspace_misses: stats.keyspaceMisses,
    pubsub_channels: pubsub.channels.listeners.size,
    pubsub_patterns: pubsub.patterns.listeners.size,
    pubsubshard_channels: pubsub.shardChannels.listeners.size,
    latest_fork_usec: 0,
    total_forks: 0,
    migrate_cached_sockets: 0,
    slave_expires_tracked_keys: 0,
    active_defrag_hits: 0,
    active_defrag_misses: 0,
    active_defrag_key_hits: 0,
    active_defrag_key_misses: 0,
    total_active_defrag_time: 0,
    current_active_defrag_time: 0,
    tracking_total_keys: 0,
    tracking_total_items: 0,
    tracking_total_prefixes: 0,
    unexpected_error_replies: stats.unexpectedErrorReplies,
    total_error_replies: stats.errorReplies,
    dump_payload_sanitizations: 0,
    total_reads_processed: network.reads - mark.reads,
    total_writes_processed: network.writes - mark.writes,
    io_threaded_reads_processed: 0,
    io_threaded_writes_processed: 0,
    reply_buffer_shrinks: 0,
    reply_buffer_expands: 0,
    eventloop_cycles: stats.loopCycles,
    eventloop_duration_sum: Math.floor(stats.loopUs),
    eventloop_duration_cmd_sum: Math.floor(commandMicroseconds(model)),
    instantaneous_eventloop_cycles_per_sec: Math.floor(stats.loopRate.perSecond),
    instantaneous_eventloop_duration_usec: Math.floor(ratio(stats.loopUs, stats.loopCycles)),
    acl_access_denied_auth: stats.aclDeniedAuth,
    acl_access_denied_cmd: stats.aclDeniedCommand,
    acl_access_denied_key: 0,
    acl_access_denied_channel: 0,
  };
}

/** Microseconds of all commands; EXEC's are those of the commands it ran. */
function commandMicroseconds(model: RedisModel): number {
  const sum = (commands: readonly Command[]): number =>
    commands.reduce(
      (total, command) =>
        command.fullName === 'exec'
          ? total
          : total + command.microseconds + sum(command.subcommands),
      0,
    );
  model.commands.settle(model.latency.isTracking);
  return sum(model.commands.all);
}

export function debugFields(model: RedisModel): InfoFields {
  const { stats } = model;
  return {
    eventloop_duration_aof_sum: Math.floor(stats.logUs),
    eventloop_duration_cron_sum: Math.floor(stats.cronUs),
    eventloop_duration_max: Math.floor(stats.loopMaxUs),
    // Kvasir's own: the longest slice of expiry, resizing, freeing or snapshot work.
    longest_own_work_usec: Math.floor(stats.longestOwnWorkUs),
    eventloop_cmd_per_cycle_max: stats.loopMaxCommands,
  };
}
