/** Settings of the model: read once the model is there, and followed when CONFIG SET changes them. */
import { type EvictionPolicy, MAX_LENGTH_BYTES } from '../../memory/index.ts';
import { limitMemory } from './eviction.ts';
import type { RedisModel } from './model.ts';
import { parseEventClasses } from './notify.ts';

/** More samples than this make no better choice (Redis: at 10 nearly as exact as can be). */
const MAX_SAMPLES = 64;

/** Brings `model` in line with its settings, now and whenever they change. Call it once, before clients come. */
export function applySettings(model: RedisModel): void {
  const { engine, latency, settings, slowlog, stats } = model;
  const follow = (name: string, apply: () => void): void => {
    apply();
    settings.onChange(name, () => {
      apply();
    });
  };
  stats.startupBytes = model.host.memory().heapUsed;
  follow('slowlog-log-slower-than', () => {
    slowlog.thresholdUs = settings.number('slowlog-log-slower-than');
  });
  follow('slowlog-max-len', () => {
    slowlog.maxLength = settings.number('slowlog-max-len');
  });
  follow('latency-monitor-threshold', () => {
    latency.thresholdMs = settings.number('latency-monitor-threshold');
  });
  follow('latency-tracking', () => {
    model.commands.settle(latency.isTracking); // calls so far count as they were made
    latency.isTracking = settings.flag('latency-tracking');
  });
  follow('latency-tracking-info-percentiles', () => {
    latency.percentiles = wordsOf(settings.text('latency-tracking-info-percentiles')).map(Number);
  });
  follow('notify-keyspace-events', () => {
    model.eventClasses = parseEventClasses(settings.text('notify-keyspace-events'));
  });
  follow('proto-max-bulk-len', () => {
    model.maxStringBytes = Math.min(settings.number('proto-max-bulk-len'), MAX_LENGTH_BYTES);
  });
  follow('client-query-buffer-limit', () => {
    model.maxQueuedBytes = settings.number('client-query-buffer-limit');
  });
  follow('maxmemory', () => limitMemory(model));
  follow('maxmemory-scope', () => limitMemory(model));
  follow('maxmemory-policy', () => {
    engine.useLfu = settings.text('maxmemory-policy').endsWith('-lfu');
    engine.evictor.policy = settings.text('maxmemory-policy') as EvictionPolicy;
  });
  follow('maxmemory-samples', () => {
    engine.evictor.samples = Math.min(settings.number('maxmemory-samples'), MAX_SAMPLES);
  });
  follow('lfu-log-factor', () => {
    engine.lfuLogFactor = settings.number('lfu-log-factor');
  });
  follow('lfu-decay-time', () => {
    engine.lfuDecayTimeMinutes = settings.number('lfu-decay-time');
  });
  follow('activedefrag', () => {
    if (!settings.flag('activedefrag')) engine.defragment(false);
  });
  follow('requirepass', () => {
    if (settings.text('requirepass') !== '') return; // who is in stays in
    for (const session of model.sessions.values()) session.isAuthenticated = true;
  });
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
