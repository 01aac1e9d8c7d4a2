import { expect, test } from 'vitest';
import { FileError, type OpenFile } from '../os/file-system.ts';
import { SimulatedLoop } from '../os/simulated-loop.ts';
import { FileSync, SyncFigures } from './file-sync.ts';
import { BLOCKING_SYNC_US } from './limits.ts';

/** A file that only notes how it was synced. */
function fakeFile(): OpenFile & { log: string[]; failure: FileError | undefined } {
  const file = {
    path: 'f',
    log: [] as string[],
    failure: undefined as FileError | undefined,
    dataSync(): void {
      file.log.push('blocking');
      if (file.failure !== undefined) throw file.failure;
    },
    async dataSyncAsync(): Promise<void> {
      file.log.push('beside');
      await Promise.resolve();
    },
  };
  return file as unknown as OpenFile & { log: string[]; failure: FileError | undefined };
}

function makeSync(lastSyncUs: number): {
  sync: FileSync;
  file: ReturnType<typeof fakeFile>;
  synced: number[];
  failed: FileError[];
} {
  const loop = new SimulatedLoop();
  const file = fakeFile();
  const figures = new SyncFigures();
  figures.lastSyncUs = lastSyncUs;
  const synced: number[] = [];
  const failed: FileError[] = [];
  const sync = new FileSync(file, 0, 'always', {
    clock: loop,
    timers: loop,
    figures,
    onSynced: (s) => synced.push(s.synced),
    onFailed: (_sync, error) => failed.push(error),
  });
  return { sync, file, synced, failed };
}

test('the first sync runs beside the event loop: how long it takes is not known yet', async () => {
  const { sync, file, synced } = makeSync(0);
  sync.wrote(10, 1);
  expect(file.log).toEqual(['beside']);
  expect(synced).toEqual([]);
  await Promise.resolve();
  await Promise.resolve();
  expect(synced).toEqual([10]);
});

test('quick syncs are done at once, slow ones beside the event loop', () => {
  const quick = makeSync(BLOCKING_SYNC_US - 1);
  quick.sync.wrote(10, 1);
  expect(quick.file.log).toEqual(['blocking']);
  expect(quick.synced).toEqual([10]);
  const slow = makeSync(BLOCKING_SYNC_US);
  slow.sync.wrote(10, 1);
  expect(slow.file.log).toEqual(['beside']);
});

test('a blocking sync that fails breaks the file: nothing is synced after it', () => {
  const { sync, file, synced, failed } = makeSync(1);
  file.failure = new FileError('fdatasync', 'f', 'EIO');
  sync.wrote(10, 1);
  expect(failed).toEqual([file.failure]);
  file.failure = undefined;
  sync.wrote(20, 1);
  expect(file.log).toEqual(['blocking']);
  expect(synced).toEqual([]);
});
