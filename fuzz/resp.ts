/** Attacks a server as Redis's clients. */
import { respStream } from './resp-stream.ts';
import { attackServer } from './server.ts';

await attackServer('resp', respStream);
