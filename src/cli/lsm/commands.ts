/** The commands about directories of the disk engine, one file each; loaded when they are called. */
import { type Command, InvalidArgumentError } from 'commander';
import type { CheckCommandOptions } from './check.ts';
import type { CompactOptions } from './compact.ts';
import type { ExportOptions } from './export.ts';
import type { ImportOptions } from './import.ts';
import type { InspectOptions } from './inspect.ts';
import type { RepairCommandOptions } from './repair.ts';
import type { UpgradeOptions } from './upgrade.ts';

/** Adds them to the program. */
export function addDatabaseCommands(program: Command): void {
  addInspect(program);
  addCheck(program);
  addRepair(program);
  addCompact(program);
  addUpgrade(program);
  addExport(program);
  addImport(program);
}

function addInspect(program: Command): void {
  program
    .command('inspect')
    .description("look into a database's directory, or one of its files")
    .helpOption('-h, --help', 'print help')
    .argument('<path>', 'a directory, table (.ldb, .sst), log (.log) or MANIFEST')
    .option('--blocks', 'of a table: its data blocks')
    .option('--entries', 'of a table or log: its entries')
    .option('--keyspace <name>', 'entries of this keyspace')
    .option('--from <key>', 'entries from this key on (0x00ff: hexadecimal)')
    .option('--to <key>', 'entries up to this key')
    .option('--limit <n>', 'so many entries, of a log records, at most', positiveInteger)
    .option('--block <offset>', 'of a table: the block that begins there', integer)
    .option('--width <bytes>', 'so much of each key and value', positiveInteger)
    .option('--as <kind>', 'table, log or manifest, where the name does not tell', kind)
    .option('--json', 'JSON: one object, or one a line for lists')
    .addHelpText(
      'after',
      `
Reads only, takes no lock, and works while the database is open elsewhere and with any
comparator. The exit code is 1 where something could not be read.

Examples:
  kvasir inspect ./data
  kvasir inspect ./data/000012.ldb --keyspace users --from user:1 --limit 20
  kvasir inspect ./data/000012.ldb --blocks --json
  kvasir inspect ./data/000014.log --entries`,
    )
    .action(async (path: string, options: InspectOptions) => {
      const { inspect } = await import('./inspect.ts');
      process.exitCode = await inspect(path, options);
    });
}

function addCheck(program: Command): void {
  program
    .command('check')
    .description('read and verify all of a database: checksums, order, references')
    .helpOption('-h, --help', 'print help')
    .argument('<directory>')
    .option('-q, --quiet', 'print problems only')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Reads only, takes no lock, and works while the database is open elsewhere. The exit code is
1 where something is wrong; each problem names the file, the offset, what was expected and
what was found.`,
    )
    .action(async (directory: string, options: CheckCommandOptions) => {
      const { check } = await import('./check.ts');
      process.exitCode = await check(directory, options);
    });
}

function addRepair(program: Command): void {
  program
    .command('repair')
    .description('make a damaged database whole again, and say what is lost')
    .helpOption('-h, --help', 'print help')
    .argument('<directory>', 'of a database that nobody has open')
    .option('-n, --dry-run', 'only tell what is wrong and what would be lost')
    .option('--unsynced', 'take writes behind damage in logs too, though they were not synced')
    .option('--drop-keyspaces', 'give up a KVASIR file that cannot be read')
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
What is replaced is kept in the folder lost/ of the directory, with a text that says what was
found and what is lost. Interrupted, it can be run again. Directories of another comparator
or a higher format level are left as they are.`,
    )
    .action(async (directory: string, options: RepairCommandOptions) => {
      const { repair } = await import('./repair.ts');
      process.exitCode = await repair(directory, options);
    });
}

function addCompact(program: Command): void {
  program
    .command('compact')
    .description('rewrite the tables of a database: what was overwritten and deleted goes')
    .helpOption('-h, --help', 'print help')
    .argument('<directory>', 'of a database that nobody has open')
    .option('--from <key>', 'only tables with keys from this one on (0x00ff: hexadecimal)')
    .option('--to <key>', 'only tables with keys up to this one')
    .option(
      '--codec <name>',
      'of tables written: none, snappy, or at format level 2 lz4 or zstd',
      codec,
    )
    .option('--json', 'sizes before and after as JSON')
    .action(async (directory: string, options: CompactOptions) => {
      const { compact } = await import('./compact.ts');
      process.exitCode = await compact(directory, options);
    });
}

function addUpgrade(program: Command): void {
  program
    .command('upgrade')
    .description('make a database one of format level 2, which LevelDB does not open any more')
    .helpOption('-h, --help', 'print help')
    .argument('<directory>', 'of a database that nobody has open')
    .option('--json', 'say in JSON what was done')
    .addHelpText(
      'after',
      `
Level 2 has range deletions that cost nothing, merge operators, LZ4 and zstd. Nothing is
rewritten. The way back is a copy: kvasir export --database.`,
    )
    .action(async (directory: string, options: UpgradeOptions) => {
      const { upgrade } = await import('./upgrade.ts');
      process.exitCode = await upgrade(directory, options);
    });
}

function addExport(program: Command): void {
  program
    .command('export')
    .description('all entries as lines of JSON, or as a LevelDB directory')
    .helpOption('-h, --help', 'print help')
    .argument('<directory>', "the engine's, or LevelDB's")
    .option('--keyspace <name>', 'of this keyspace only, without its name in each line')
    .option('--from <key>', 'from this key on (0x00ff: hexadecimal)')
    .option('--to <key>', 'up to this key')
    .option('--limit <n>', 'so many entries at most', positiveInteger)
    .option('--leveldb <directory>', 'to a new directory that LevelDB opens, instead of lines')
    .option('--database <directory>', 'to a new directory of the engine, of format level 1')
    .option('--json', 'with --leveldb and --database: say in JSON what was copied')
    .addHelpText(
      'after',
      `
A line is an entry, bytes that are no text in base64:
  {"keyspace":"users","key":"1","value":"Ada"}
  {"keyBase64":"AP8=","value":"..."}

Takes no lock, and works while the database is open elsewhere.

Examples:
  kvasir export ./data > data.jsonl
  kvasir export ./data --keyspace users --leveldb ./users
  kvasir export ./data-of-level-2 --database ./data-of-level-1`,
    )
    .action(async (directory: string, options: ExportOptions) => {
      const { exportEntries } = await import('./export.ts');
      process.exitCode = await exportEntries(directory, options);
    });
}

function addImport(program: Command): void {
  program
    .command('import')
    .description('entries from lines of JSON on standard input, or from a directory')
    .helpOption('-h, --help', 'print help')
    .argument('<directory>', 'made where it is not there')
    .option('--from <directory>', "the engine's or LevelDB's, instead of standard input")
    .option('--keyspace <name>', 'where entries go that name no keyspace')
    .option('--keyspaces', 'a new directory is one with keyspaces')
    .option('--json', 'say in JSON what was imported')
    .addHelpText(
      'after',
      `
Lines are as kvasir export writes them. What is imported is on the disk when the command
ends; a line that is no entry ends it, and what came before it stays.

Examples:
  kvasir import ./data < data.jsonl
  kvasir import ./data --from ~/.config/app/leveldb`,
    )
    .action(async (directory: string, options: ImportOptions) => {
      const { importEntries } = await import('./import.ts');
      process.exitCode = await importEntries(directory, options);
    });
}

function codec(text: string): string {
  if (['none', 'snappy', 'lz4', 'zstd'].includes(text)) return text;
  throw new InvalidArgumentError('it is none, snappy, lz4 or zstd.');
}

function integer(text: string): string {
  if (/^\d{1,15}$/.test(text)) return text;
  throw new InvalidArgumentError('a number is needed.');
}

function positiveInteger(text: string): string {
  if (/^\d{1,15}$/.test(text) && Number(text) > 0) return text;
  throw new InvalidArgumentError('a number above 0 is needed.');
}

function kind(text: string): string {
  if (['table', 'log', 'manifest'].includes(text)) return text;
  throw new InvalidArgumentError('it is table, log or manifest.');
}
