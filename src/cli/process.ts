/** What the process of a server does beside serving: signals and the file with its id. */
import type { Settings } from '../models/redis/settings/settings.ts';
import { FileError, type FileSystem } from '../os/file-system.ts';
import type { Logger } from '../server/logger.ts';
import type { RunningServer } from '../server/server.ts';

/** The first signal stops cleanly, a second one at once. */
export function stopOnSignals(server: RunningServer, logger: Logger): void {
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      logger.warning(`Received ${signal} scheduling shutdown...`);
      void server.stop();
    });
  }
  process.on('uncaughtException', (error) => {
    logger.warning(`Kvasir crashed by an unexpected error: ${error.stack ?? error.message}`);
    process.exit(1);
  });
}

/** Writes the process's id to `pidfile`, where that is set. */
export function writePidFile(settings: Settings, files: FileSystem, logger: Logger): void {
  const path = settings.text('pidfile');
  if (path === '') return;
  try {
    const text = Buffer.from(`${process.pid}\n`);
    const file = files.open(path, 'replace');
    file.write(text, 0, text.length, 0);
    file.close();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    logger.warning(`Failed to write PID file: ${error.message}`);
  }
}

export function removePidFile(settings: Settings, files: FileSystem): void {
  const path = settings.text('pidfile');
  if (path !== '' && files.stat(path) !== undefined) files.unlink(path);
}
