/** INFO persistence: the log's figures and those of a load, under Redis's names. */
import type { Aof } from '../log/aof.ts';
import type { InfoFields } from '../models/redis/host.ts';

export function logFields(aof: Aof): InfoFields {
  const { log, policy } = aof;
  const fields: InfoFields = {
    aof_enabled: aof.isOn ? 1 : 0,
    aof_rewrite_in_progress: aof.isRewriting ? 1 : 0,
    aof_rewrite_scheduled: aof.isRewriteScheduled ? 1 : 0,
    aof_last_rewrite_time_sec: aof.lastRewriteSeconds,
    aof_current_rewrite_time_sec: aof.currentRewriteSeconds,
    aof_last_bgrewrite_status: aof.isLastRewriteOk ? 'ok' : 'err',
    aof_rewrites: aof.rewrites,
    aof_rewrites_consecutive_failures: policy.consecutiveFailures,
    aof_last_write_status: log.failure === undefined ? 'ok' : 'err',
    aof_last_cow_size: 0,
    module_fork_in_progress: 0,
    module_fork_last_cow_size: 0,
  };
  if (aof.isOn) {
    fields['aof_current_size'] = aof.currentBytes;
    fields['aof_base_size'] = aof.baseBytes;
    fields['aof_pending_rewrite'] = aof.isRewriteScheduled ? 1 : 0;
    fields['aof_buffer_length'] = log.buffer.length;
    fields['aof_pending_bio_fsync'] = log.pendingSyncs;
    fields['aof_delayed_fsync'] = log.figures.delayedSyncs;
  }
  return fields;
}

export class LoadFigures {
  doneBytes = 0;
  totalBytes = 0;
  #startMs = 0;

  begin(nowMs: number): void {
    this.#startMs = nowMs;
    this.doneBytes = 0;
    this.totalBytes = 0;
  }

  progress(doneBytes: number, totalBytes: number): void {
    this.doneBytes = doneBytes;
    this.totalBytes = totalBytes;
  }

  fields(nowMs: number): InfoFields {
    const elapsed = Math.max(1, Math.floor((nowMs - this.#startMs) / 1000));
    const part = this.totalBytes === 0 ? 0 : this.doneBytes / this.totalBytes;
    return {
      loading_start_time: Math.floor(this.#startMs / 1000),
      loading_total_bytes: this.totalBytes,
      loading_rdb_used_mem: 0,
      loading_loaded_bytes: this.doneBytes,
      loading_loaded_perc: (part * 100).toFixed(2),
      loading_eta_seconds: part === 0 ? 1 : Math.floor((elapsed * (1 - part)) / part),
    };
  }
}
