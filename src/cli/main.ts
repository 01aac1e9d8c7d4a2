#!/usr/bin/env node
/** `kvasir`: one subcommand, one file; each is loaded only when it is called, so that starting stays quick. */
import module from 'node:module';
import { Command } from 'commander';
import { packageVersion } from '../server/process-host.ts';
import { addDatabaseCommands } from './lsm/commands.ts';

/** Exit codes: 0 done, 1 failed, 2 called wrongly. */
const USAGE = 2;

// Node.js 22.8 and later keep compiled code between starts.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();

const program = new Command('kvasir')
  .description('A key-value store: embedded, as a Redis-compatible server, durable.')
  .version(packageVersion(), '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print help')
  .enablePositionalOptions()
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : USAGE);
  });

program
  .command('serve')
  .description('run a server')
  .usage('[CONFIG] [--name value ...]')
  .argument('[words...]', 'a configuration file (redis.conf as it is), then settings by name')
  .allowUnknownOption()
  .passThroughOptions()
  .addHelpText(
    'after',
    `
Settings carry Redis's names. The usual ones:
  --port 6379                 TCP port; 0: none
  --bind 127.0.0.1            addresses to listen on
  --dir ./kvasir-data         where the data is kept
  --appendonly yes            keep data on disk: yes or no
  --appendfsync everysec      always, everysec or no
  --requirepass PASSWORD      what clients must say
  --unixsocket PATH           listen on a Unix socket too
  --tls-port PORT --tls-cert-file FILE --tls-key-file FILE
  --memcached-port 11211      serve memcached's clients too
  --memory                    keep nothing on disk

Examples:
  kvasir serve
  kvasir serve /etc/redis/redis.conf --port 6380
  kvasir serve --memory --port 0 --unixsocket /tmp/kvasir.sock`,
  )
  .action(async (words: string[]) => {
    const { serve } = await import('./serve.ts');
    process.exitCode = await serve(words);
  });

program
  .command('memcached')
  .description("run a memcached, by memcached's own flags (-h: which)")
  .helpOption(false)
  .usage('[-p PORT] [-l ADDRESS] [-m MEGABYTES] [-s PATH] ...')
  .argument('[flags...]', "memcached's flags")
  .allowUnknownOption()
  .passThroughOptions()
  .action(async (words: string[]) => {
    const { memcached } = await import('./memcached.ts');
    process.exitCode = await memcached(words);
  });

program
  .command('cli')
  .description('talk to a server: one command, a pipe of commands, or a prompt')
  .helpOption('--help', 'print help')
  .usage('[options] [COMMAND [ARG ...]]')
  .argument('[command...]', 'a command and its arguments')
  .option('-h, --host <host>', 'server host', '127.0.0.1')
  .option('-p, --port <port>', 'server port', '6379')
  .option('-s, --socket <path>', 'server Unix socket instead of host and port')
  .option('-u, --uri <uri>', 'redis://[user:password@]host[:port][/database]; rediss:// is TLS')
  .option('-a, --pass <password>', 'password (better: the environment variable REDISCLI_AUTH)')
  .option('--user <user>', 'user name, with a password')
  .option('--askpass', 'ask for the password')
  .option('--no-auth-warning', 'say nothing of passwords on the command line')
  .option('-n, --db <number>', 'database number')
  .option('-r, --repeat <count>', 'run the command so many times, -1: without end', '1')
  .option('-i, --interval <seconds>', 'wait between repeats', '0')
  .option('-2', 'speak RESP2')
  .option('-3', 'speak RESP3')
  .option('-e', 'end with 1 when a command fails (it always does)')
  .option('--tls', 'use TLS')
  .option('--sni <host>', 'the name that the server is asked for')
  .option('--cacert <file>', 'certificates to trust')
  .option('--cert <file>', "the client's certificate")
  .option('--key <file>', "the client certificate's key")
  .option('--insecure', 'trust any certificate')
  .option('--raw', 'print replies as they are (into a pipe: the default)')
  .option('--no-raw', 'print replies with their types (on a terminal: the default)')
  .option('-d, --delimiter <text>', 'between the parts of a raw reply', '\\n')
  .option('--csv', 'print replies as CSV')
  .option('--json', 'print replies as JSON')
  .option('-x', 'take the last argument from standard input')
  .option('-X <word>', 'take the argument that is this word from standard input')
  .option('--pipe', 'send standard input, requests in the protocol, and count the replies')
  .option('--scan', 'name all keys')
  .option('--pattern <pattern>', 'with --scan: keys that match')
  .option('--count <count>', 'with --scan: how many to look at in one go')
  .passThroughOptions()
  .action(async (words: string[], options: Record<string, unknown>) => {
    const { runClient } = await import('./client.ts');
    process.exitCode = await runClient(words, options);
  });

program
  .command('bench')
  .description('measure Kvasir beside its peer on this machine')
  .helpOption('-h, --help', 'print help')
  .argument('[words...]', 'what to measure, and options')
  .allowUnknownOption()
  .passThroughOptions()
  .action(async (words: string[]) => {
    const { bench } = await import('./bench/main.ts');
    process.exitCode = await bench(words);
  });

addDatabaseCommands(program);

await program.parseAsync();
