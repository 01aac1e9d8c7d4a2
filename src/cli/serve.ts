/** `kvasir serve`: reads the configuration, starts the server, keeps it company until it ends. */
import type { Presets, SingleBar } from 'cli-progress';
import {
  applyStatements,
  commandLineStatements,
  ConfigError,
  readStatements,
  rewriteText,
  type Statement,
} from '../models/redis/settings/config-file.ts';
import { Settings } from '../models/redis/settings/settings.ts';
import { DirectoryLockedError } from '../os/directory-lock.ts';
import { directoryOf, FileError, type FileSystem, readSmallFile } from '../os/file-system.ts';
import { realSystem } from '../os/system.ts';
import { ListenError } from '../server/listeners.ts';
import { createLogger, type Logger } from '../server/logger.ts';
import { packageVersion } from '../server/process-host.ts';
import { type RunningServer, startServer } from '../server/server.ts';
import { banner } from './banner.ts';
import { removePidFile, stopOnSignals, writePidFile } from './process.ts';

/** A configuration file is text that somebody wrote: more than this is a mistake. */
const CONFIG_LIMIT_BYTES = 16 * 1024 * 1024;
/** A load that is over sooner shows no bar. */
const PROGRESS_AFTER_MS = 500;

interface Configuration {
  settings: Settings;
  configFile: string;
  memoryOnly: boolean;
  notes: string[];
}

/** Runs until the server ends; returns the exit code. */
export async function serve(words: readonly string[]): Promise<number> {
  const system = realSystem();
  let configuration: Configuration;
  try {
    configuration = readConfiguration(words, system.files);
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof FileError)) throw error;
    process.stderr.write(
      `*** FATAL CONFIG FILE ERROR (Kvasir ${packageVersion()}) ***\n${error.message}\n`,
    );
    return 2;
  }
  const { settings, configFile, memoryOnly, notes } = configuration;
  const isTerminal = process.stdout.isTTY && settings.text('logfile') === '';
  const logger = await createLogger({
    level: settings.text('loglevel'),
    file: settings.text('logfile'),
    isReadable: isTerminal,
  });
  settings.onChange('loglevel', (level) => logger.setLevel(level));
  for (const note of notes) logger.notice(note);
  if (!memoryOnly && !settings.flag('appendonly')) {
    logger.warning(
      "'appendonly no': nothing is kept on disk, and all is gone when the server ends (snapshots by 'save' are not implemented). Say 'appendonly yes' to keep it.",
    );
  }

  const bar = isTerminal ? await LoadingBar.create() : undefined;
  let server: RunningServer;
  try {
    server = await startServer({
      settings,
      logger,
      memoryOnly,
      configFile,
      system,
      onProgress: (progress) => bar?.show(progress.doneBytes, progress.totalBytes),
    });
    stopOnSignals(server, logger);
    await server.ready;
    if (server.addresses.length === 0) {
      logger.warning(
        'There is nothing to listen on: no port, tls-port, unixsocket nor one of memcached. Exiting.',
      );
      await server.stop();
      return 1;
    }
  } catch (error) {
    bar?.hide();
    return explain(error, settings, logger);
  }
  bar?.hide();
  writePidFile(settings, system.files, logger);
  if (isTerminal) process.stdout.write(banner(server, settings, memoryOnly));
  for (const address of server.addresses) logger.notice(`Listening on ${address}`);
  logger.notice(`Ready to accept connections, PID: ${process.pid}`);
  const code = await server.stopped;
  removePidFile(settings, system.files);
  return code;
}

function readConfiguration(words: readonly string[], files: FileSystem): Configuration {
  const settings = new Settings();
  const statements: Statement[] = [];
  const rest = [...words];
  let configFile = '';
  if (rest[0] !== undefined && !rest[0].startsWith('-')) {
    configFile = rest.shift()!;
    const source = {
      read: (path: string): string =>
        Buffer.from(readSmallFile(files, path, CONFIG_LIMIT_BYTES)).toString('latin1'),
      list: (directory: string): string[] => files.readDirectory(directory),
    };
    statements.push(...readStatements(configFile, source));
    settings.rewriter = (writeAll) => rewriteFile(configFile, settings, files, writeAll);
  }
  let memoryOnly = false;
  for (const statement of commandLineStatements(rest)) {
    if (statement.name === 'memory') memoryOnly = statement.args[0] !== 'no';
    else statements.push(statement);
  }
  if (memoryOnly) settings.initialise('appendonly', ['no']);
  const idle = applyStatements(settings, statements);
  if (memoryOnly) settings.initialise('appendonly', ['no']);
  const notes = idle.map((d) => `The setting '${d.name}' has no effect here: ${d.accepted}`);
  if (!memoryOnly && !settings.flag('appendonly')) {
    const save = statements.findLast((s) => s.name === 'save' && s.args.join('') !== '');
    if (save !== undefined && settings.text('save') !== '') {
      throw new ConfigError(
        save.file,
        save.line,
        save.text,
        "snapshots by 'save' are not implemented: with 'appendonly no' nothing would be kept. Say 'appendonly yes', or 'save \"\"' to keep nothing",
      );
    }
  }
  return { settings, configFile, memoryOnly, notes };
}

/** CONFIG REWRITE: the new text takes the file's place at once, or not at all. */
function rewriteFile(
  path: string,
  settings: Settings,
  files: FileSystem,
  writeAll: boolean,
): string | undefined {
  const temporary = `${path}.${process.pid}.rewrite`;
  try {
    const text = Buffer.from(readSmallFile(files, path, CONFIG_LIMIT_BYTES)).toString('latin1');
    const bytes = Buffer.from(rewriteText(text, settings, writeAll), 'latin1');
    const file = files.open(temporary, 'replace');
    try {
      file.write(bytes, 0, bytes.length, 0);
      file.sync();
    } finally {
      file.close();
    }
    files.rename(temporary, path);
    files.syncDirectory(directoryOf(path));
    return undefined;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return error.message;
  }
}

/** Says what kept the server from starting; returns the exit code. */
function explain(error: unknown, settings: Settings, logger: Logger): number {
  if (error instanceof ListenError) {
    logger.warning(
      `Failed listening on port ${settings.get('port')} (tcp), aborting. ${error.message}`,
    );
  } else if (error instanceof DirectoryLockedError) {
    logger.warning(`${error.message}. Stop it, or give this one a directory of its own (--dir).`);
  } else if (error instanceof Error) {
    logger.warning(`Can't start: ${error.message}`);
  } else {
    throw error;
  }
  return 1;
}

/** A bar on the terminal while a data set loads, unless that is over in no time. */
class LoadingBar {
  #bar: SingleBar | undefined = undefined;
  readonly #from: number = performance.now();
  readonly #library: { SingleBar: typeof SingleBar; Presets: typeof Presets };

  private constructor(library: { SingleBar: typeof SingleBar; Presets: typeof Presets }) {
    this.#library = library;
  }

  /** The library is loaded only where there is a terminal. */
  static async create(): Promise<LoadingBar> {
    const { default: library } = await import('cli-progress');
    return new LoadingBar(library);
  }

  show(doneBytes: number, totalBytes: number): void {
    if (this.#bar === undefined) {
      if (performance.now() - this.#from < PROGRESS_AFTER_MS) return;
      this.#bar = new this.#library.SingleBar(
        { format: 'Loading {bar} {percentage}% | {value}/{total} MB | {eta_formatted} left' },
        this.#library.Presets.shades_classic,
      );
      this.#bar.start(Math.ceil(totalBytes / 1e6), 0);
    }
    this.#bar.update(Math.floor(doneBytes / 1e6));
  }

  hide(): void {
    this.#bar?.stop();
  }
}
