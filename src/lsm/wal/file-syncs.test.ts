import { describe, expect, test } from 'vitest';
import { FileError, type FileSystem, type OpenFile } from '../../os/file-system.ts';
import { MemoryFile } from '../testing/memory-file.ts';
import { FileSyncs } from './file-syncs.ts';

/** An open description of a file whose pages can fail to reach the disk, which the kernel tells each description once. */
class Description extends MemoryFile {
  readonly #all: Description[];
  isUntold = false;
  syncs = 0;
  isClosed = false;
  /** Ends the sync beside the event loop that began first. */
  readonly waiting: (() => void)[] = [];

  constructor(all: Description[]) {
    super('/db/000001.log');
    this.#all = all;
    all.push(this);
  }

  /** The pages that are dirty now can't be written. */
  breakPages(): void {
    for (const one of this.#all) one.isUntold = true;
  }

  override dataSync(): void {
    this.syncs++;
    if (this.isClosed) throw new FileError('fdatasync', this.path, 'EBADF');
    if (!this.isUntold) return;
    this.isUntold = false;
    throw new FileError('fdatasync', this.path, 'EIO');
  }

  override async dataSyncAsync(): Promise<void> {
    this.syncs++;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.syncs--;
    this.dataSync();
  }

  override close(): void {
    this.isClosed = true;
  }
}

function scene(): { syncs: FileSyncs; file: Description; blocking: Description } {
  const all: Description[] = [];
  const file = new Description(all);
  const files = { open: (): OpenFile => new Description(all) } as unknown as FileSystem;
  const syncs = new FileSyncs(files, file);
  syncs.changed();
  return { syncs, file, blocking: all[1]! };
}

/** `pending` until the promise settles, then what it came to. */
function watch(promise: Promise<void>): { outcome: string } {
  const state = { outcome: 'pending' };
  promise.then(
    () => (state.outcome = 'synced'),
    (error: FileError) => (state.outcome = error.code),
  );
  return state;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('syncs of a file', () => {
  test('one is in flight, and the next is for all that waits', async () => {
    const { syncs, file } = scene();
    const first = watch(syncs.syncAsync());
    syncs.changed();
    const later = [watch(syncs.syncAsync()), watch(syncs.syncAsync())];
    await settle();
    expect(file.waiting).toHaveLength(1);
    file.waiting[0]!();
    await settle();
    expect([first.outcome, later[0]!.outcome]).toEqual(['synced', 'pending']);
    expect(file.waiting).toHaveLength(2);
    file.waiting[1]!();
    await settle();
    expect(later.map((one) => one.outcome)).toEqual(['synced', 'synced']);
    expect(file.syncs).toBe(2);
  });

  test('what is synced is not synced again', async () => {
    const { syncs, file, blocking } = scene();
    const first = watch(syncs.syncAsync());
    const second = watch(syncs.syncAsync());
    file.waiting[0]!();
    await settle();
    expect([first.outcome, second.outcome]).toEqual(['synced', 'synced']);
    syncs.sync();
    expect([file.syncs, blocking.syncs]).toEqual([1, 0]);
    syncs.close();
    expect([file.isClosed, blocking.isClosed]).toEqual([false, true]);
  });

  test('a failure is told to all that wait, and to all later ones', async () => {
    const { syncs, file } = scene();
    const all = [watch(syncs.syncAsync()), watch(syncs.syncAsync())];
    file.breakPages();
    file.waiting[0]!();
    await settle();
    expect(all.map((one) => one.outcome)).toEqual(['EIO', 'EIO']);
    expect(() => syncs.sync()).toThrow('Input/output error');
    await expect(syncs.syncAsync()).rejects.toMatchObject({ code: 'EIO' });
    expect(syncs.failure?.code).toBe('EIO');
    expect(file.syncs).toBe(1);
  });

  test('a blocking one that comes while another is in flight is told by itself', async () => {
    const { syncs, file } = scene();
    const first = watch(syncs.syncAsync());
    file.breakPages();
    expect(() => syncs.sync()).toThrow('Input/output error');
    file.waiting[0]!();
    await settle();
    expect(first.outcome).toBe('EIO');
  });

  test('one that was in flight when a blocking one failed does not succeed', async () => {
    const { syncs, file, blocking } = scene();
    const first = watch(syncs.syncAsync());
    blocking.isUntold = true;
    expect(() => syncs.sync()).toThrow('Input/output error');
    file.waiting[0]!();
    await settle();
    expect(first.outcome).toBe('EIO');
  });

  test('a failure of another kind ends them too', async () => {
    const { syncs } = scene();
    const error = new FileError('truncate', '/db/000001.log', 'EROFS');
    expect(syncs.fail(error)).toBe(error);
    expect(syncs.fail(new FileError('write', '/db/000001.log', 'EIO'))).toBe(error);
    await expect(syncs.syncAsync()).rejects.toBe(error);
  });
});
