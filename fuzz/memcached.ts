/** Attacks a server as memcached's clients. */
import { memcacheStream } from './memcache-stream.ts';
import { attackServer } from './server.ts';

await attackServer('memcached', memcacheStream);
