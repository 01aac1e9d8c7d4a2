/** `kvasir check DIR`: everything read and verified; the exit code is 1 where something is wrong. */
import { checkDirectory, type CheckReport } from '../../lsm/tools/directory-check.ts';
import { problemText } from '../../lsm/tools/problem.ts';
import { NodeFileSystem } from '../../os/node-file-system.ts';
import { jsonProblem } from './inspect-directory.ts';
import { count, counted, type Lines, run, size } from './output.ts';
import { ProgressBar } from './progress-bar.ts';

export interface CheckCommandOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function check(directory: string, options: CheckCommandOptions): Promise<number> {
  return run('check', async (lines) => {
    const bar = await ProgressBar.create('Checking');
    let report: CheckReport;
    try {
      report = checkDirectory({ files: new NodeFileSystem(), directory }, (progress) =>
        bar.show(progress.doneBytes, progress.totalBytes),
      );
    } finally {
      bar.hide();
    }
    if (options.json === true) {
      lines.json({ directory, ...report, problems: report.problems.map(jsonProblem) });
    } else print(lines, directory, report, options.quiet === true);
    return report.problemCount === 0 ? 0 : 1;
  });
}

function print(lines: Lines, directory: string, report: CheckReport, isQuiet: boolean): void {
  const { problems, problemCount, notes, tables, entries, logEntries, bytes } = report;
  for (const problem of problems) lines.write(problemText(problem));
  const more = problemCount - problems.length;
  if (more > 0) lines.write(`... and ${counted(more, 'more problem')} of the same files`);
  if (isQuiet) return;
  for (const { file, note } of notes) lines.write(`note: ${file === '' ? '' : `${file}: `}${note}`);
  const what = `${counted(tables, 'table')} with ${counted(entries, 'entry', 'entries')}, ${count(logEntries)} in logs, ${size(bytes)}`;
  const verdict = problemCount === 0 ? 'no problems' : counted(problemCount, 'problem');
  lines.write(`${directory}: ${what}: ${verdict}`);
}
