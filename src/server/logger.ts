/** Logs: structured lines, or readable ones on a terminal, by pino. Levels are Redis's. */
import { pino, type DestinationStream } from 'pino';

export interface Logger {
  debug(message: string): void;
  verbose(message: string): void;
  notice(message: string): void;
  warning(message: string): void;
  /** `loglevel`: debug, verbose, notice, warning or nothing. */
  setLevel(level: string): void;
}

export interface LoggerOptions {
  /** `loglevel`. */
  level: string;
  /** `logfile`; '' is standard output. */
  file: string;
  /** Readable lines instead of JSON. */
  isReadable: boolean;
}

const LEVELS: Readonly<Record<string, string>> = {
  debug: 'trace',
  verbose: 'debug',
  notice: 'info',
  warning: 'warn',
  nothing: 'silent',
};

export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const base = pino(
    { level: LEVELS[options.level] ?? 'info', base: { pid: process.pid } },
    await destination(options),
  );
  return {
    debug: (message) => base.trace(message),
    verbose: (message) => base.debug(message),
    notice: (message) => base.info(message),
    warning: (message) => base.warn(message),
    setLevel: (level) => {
      base.level = LEVELS[level] ?? 'info';
    },
  };
}

/** For embedding and tests: says nothing. */
export function silentLogger(): Logger {
  const nothing = (): void => {};
  return { debug: nothing, verbose: nothing, notice: nothing, warning: nothing, setLevel: nothing };
}

/** Synchronous, so that the last words of a process that dies are not lost. */
async function destination(options: LoggerOptions): Promise<DestinationStream> {
  if (!options.isReadable) {
    return pino.destination(
      options.file === ''
        ? { fd: 1, sync: true }
        : { dest: options.file, sync: true, append: true },
    );
  }
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    colorize: process.stdout.isTTY,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    customLevels: 'verbose:20,notice:30,warning:40,debug:10',
    useOnlyCustomProps: true,
    destination: options.file === '' ? 1 : options.file,
    sync: true,
  });
}
