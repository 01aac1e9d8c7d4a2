/** Nothing is kept: `--memory`. Output leaves at once, every write is as durable as it will ever be. */
import { Region } from '../bytes/region.ts';
import type { EffectSink } from '../models/redis/effects.ts';
import type { InfoFields } from '../models/redis/host.ts';
import type { ServerPersistence } from './shard.ts';

export class NoPersistence implements ServerPersistence {
  readonly buffer: EffectSink = { region: Region.allocate(8), at: 0, reserve: () => {} };
  readonly isOn = false;
  readonly isLoading = false;
  readonly refusal: string | undefined = undefined;
  readonly position = 0;
  readonly durable = 0;
  readonly isFull = false;
  readonly isOverfull = false;
  readonly isStuck = false;
  readonly releasable: number = Infinity;
  readonly lastSaveSeconds: number;

  constructor(startedMs: number) {
    this.lastSaveSeconds = Math.floor(startedMs / 1000);
  }

  lock(): Promise<void> {
    return Promise.resolve();
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  write(): void {}

  rewrite(): { error: string } {
    return { error: 'ERR this server keeps nothing on disk (--memory)' };
  }

  info(): InfoFields {
    return { loading: 0, aof_enabled: 0, aof_rewrite_in_progress: 0, rdb_bgsave_in_progress: 0 };
  }

  whenDurable(check: (durable: number) => boolean): void {
    check(Infinity);
  }

  reload(): string | undefined {
    return 'ERR this server keeps nothing on disk (--memory)';
  }
}
