/** `kvasir repair DIR`: makes a damaged database whole again, and says what is lost. */
import { KeyNames } from '../../lsm/tools/key-names.ts';
import { lossText } from '../../lsm/tools/loss-text.ts';
import { problemText } from '../../lsm/tools/problem.ts';
import { repairDirectory, type RepairReport } from '../../lsm/tools/repair.ts';
import { realSystem } from '../../os/system.ts';
import { jsonProblem } from './inspect-directory.ts';
import { count, counted, type Lines, run } from './output.ts';
import { ProgressBar } from './progress-bar.ts';

export interface RepairCommandOptions {
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly dropKeyspaces?: boolean;
  readonly unsynced?: boolean;
}

export function repair(directory: string, options: RepairCommandOptions): Promise<number> {
  return run('repair', async (lines) => {
    const { files, lockDatabase, clock } = realSystem();
    const isTrial = options.dryRun === true;
    const bar = await ProgressBar.create('Reading');
    let report: RepairReport;
    try {
      report = await repairDirectory({
        files,
        lockDatabase,
        clock,
        directory,
        isTrial,
        dropKvasirFile: options.dropKeyspaces === true,
        takesUnsynced: options.unsynced === true,
        onProgress: ({ doneBytes, totalBytes }, phase) => {
          bar.stage(phase === 'read' ? 'Reading' : 'Writing');
          bar.show(doneBytes, totalBytes);
        },
      });
    } finally {
      bar.hide();
    }
    if (options.json === true) lines.json(jsonOf(directory, report, isTrial));
    else print(lines, directory, report, isTrial);
    return 0;
  });
}

function print(lines: Lines, directory: string, report: RepairReport, isTrial: boolean): void {
  const { problems, losses, salvaged, notes, kept } = report;
  const names = new KeyNames(report.description);
  if (report.isSound) {
    lines.write(`${directory}: nothing to repair`);
    return;
  }
  list(lines, 'found', problems.map(problemText));
  const counts = salvaged.map(({ file, entries, lostEntries }) => {
    const lost =
      lostEntries === undefined ? 'how many are lost is not known' : `${count(lostEntries)} lost`;
    return `${file}: ${counted(entries, 'entry', 'entries')} read, ${lost}`;
  });
  list(lines, 'damaged tables', counts);
  list(
    lines,
    'lost',
    losses.length === 0 ? ['nothing'] : losses.map((loss) => lossText(loss, names)),
  );
  list(
    lines,
    'notes',
    notes.map(({ file, note }) => (file === '' ? note : `${file}: ${note}`)),
  );
  if (isTrial) {
    lines.write(`${directory}: nothing was changed (--dry-run)`);
    return;
  }
  list(lines, 'replaced, and kept', kept);
  const { tablesKept, tablesWritten, entriesWritten, logsConverted, logEntries } = report;
  const how = report.isRebuild ? 'rebuilt from its tables' : 'repaired';
  const written = `${counted(tablesWritten, 'table')} with ${counted(entriesWritten, 'entry', 'entries')}`;
  const logs =
    logEntries === 0
      ? ''
      : `, ${counted(logEntries, 'entry', 'entries')} of them from ${counted(logsConverted, 'log')}`;
  lines.write(
    `${directory}: ${how}: ${counted(tablesKept, 'table')} kept, written ${written}${logs}`,
  );
}

function list(lines: Lines, title: string, items: readonly string[]): void {
  if (items.length === 0) return;
  lines.write(`${title}:`);
  for (const item of items) lines.write(`  ${item}`);
}

function jsonOf(directory: string, report: RepairReport, isTrial: boolean): object {
  const names = new KeyNames(report.description);
  const hex = (key: Uint8Array | undefined): string | undefined =>
    key && Buffer.from(key).toString('hex');
  return {
    directory,
    isTrial,
    ...report,
    problems: report.problems.map(jsonProblem),
    losses: report.losses.map((loss) => {
      const { after, before, range, ...rest } = loss;
      const keys = { after: hex(after), before: hex(before) };
      const bounds = { smallest: hex(range?.smallest), largest: hex(range?.largest) };
      return { ...rest, ...keys, ...bounds, text: lossText(loss, names) };
    }),
  };
}
