/** `kvasir`: a whole server inside a program. */
export { createLogger, type Logger, silentLogger } from './logger.ts';
export { Settings } from '../models/redis/settings/settings.ts';
export { type RunningServer, type ServerOptions, startServer } from './server.ts';
