/** `kvasir inspect 000007.log`: its records, and with --entries what they hold. */
import { typeName } from '../../lsm/tools/bytes-text.ts';
import { type LogRecord, logRecords } from '../../lsm/tools/inspect-log.ts';
import { problemText } from '../../lsm/tools/problem.ts';
import type { InspectedFile } from './inspect.ts';
import { jsonProblem } from './inspect-directory.ts';
import { jsonExpiry, namedValue, printEntry } from './inspect-table.ts';
import { storedRange } from './key-range.ts';
import { counted, jsonBytes, type Lines, size } from './output.ts';

export function inspectLogTo(lines: Lines, file: InspectedFile): number {
  const { options } = file;
  const open = file.files.open(file.path, 'read');
  let code = 0;
  let left = options.limit === undefined ? Infinity : Number(options.limit);
  try {
    for (const record of logRecords(open, file.name)) {
      if (left-- <= 0) break;
      if (record.problem !== undefined) code = 1;
      printRecord(lines, record, options.json === true);
      if (options.entries === true && record.kind === 'batch') printEntries(lines, record, file);
    }
  } finally {
    open.close();
  }
  return code;
}

function printRecord(lines: Lines, record: LogRecord, isJson: boolean): void {
  const { offset, bytes, kind, sequence, count, payloadBytes, problem } = record;
  if (isJson) {
    const batch = kind === 'damage' ? {} : { sequence, count, payloadBytes };
    lines.json({ offset, bytes, kind, ...batch, problem: problem && jsonProblem(problem) });
    return;
  }
  const place = `${String(offset).padStart(10)}  ${String(bytes).padStart(7)} bytes  ${kind}`;
  if (problem !== undefined) lines.write(`${place}  ${problemText(problem)}`);
  else if (kind === 'mark') lines.write(`${place}   all before sequence ${sequence} was synced`);
  else {
    const last = sequence + count - 1;
    const range = count === 1 ? `sequence ${sequence}` : `sequences ${sequence} to ${last}`;
    lines.write(`${place}  ${range}, ${counted(count, 'entry', 'entries')}, ${size(payloadBytes)}`);
  }
}

function printEntries(lines: Lines, record: LogRecord, file: InspectedFile): void {
  const range = storedRange(file.options, file.names);
  for (const { key, value, sequence, type } of record.entries()) {
    if (!range.contains(key)) continue;
    if (file.options.json === true) {
      const named = file.names.split(key);
      const version = { sequence, type: typeName(type) };
      const shown = namedValue({ key, value, sequence, type }, file.names);
      const parts = { ...jsonBytes('key', named.key), ...jsonBytes('value', shown.value) };
      const place = { recordOffset: record.offset, keyspace: named.keyspace };
      lines.json({ ...place, ...version, ...parts, ...jsonExpiry(shown.expiresAtMs) });
    } else printEntry(lines, { key, value, sequence, type }, file);
  }
}
