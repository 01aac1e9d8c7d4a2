/** `kvasir compact DIR`: rewrites a database's tables until nothing that nobody sees is left. */
import { open } from '../../lsm/index.ts';
import { resolveTableOptions, type CodecName } from '../../lsm/format/table-options.ts';
import { parseBytes } from '../../lsm/tools/bytes-text.ts';
import { replayCurrent } from '../../lsm/tools/manifest-replay.ts';
import { NodeFileSystem } from '../../os/node-file-system.ts';
import { counted, run, size } from './output.ts';
import { ProgressBar } from './progress-bar.ts';

export interface CompactOptions {
  readonly from?: string;
  readonly to?: string;
  readonly codec?: string;
  readonly json?: boolean;
}

/** How often the bar is drawn. */
const INTERVAL_MS = 200;

export function compact(directory: string, options: CompactOptions): Promise<number> {
  return run('compact', async (lines) => {
    const { from, to } = options;
    const codec = options.codec as CodecName | undefined;
    if (codec !== undefined) checkCodec(directory, codec);
    const db = await open(directory, {
      createIfMissing: false,
      ...(codec === undefined ? {} : { codec }),
    });
    const bar = await ProgressBar.create('Compacting');
    let timer: NodeJS.Timeout | undefined;
    try {
      await db.flush();
      const before = db.stats().tables;
      timer = setInterval(() => {
        const { writtenBytes } = db.stats().compactions;
        bar.show(Math.min(writtenBytes, before.bytes), before.bytes);
      }, INTERVAL_MS);
      await db.compact({
        ...(from === undefined ? {} : { gte: parseBytes(from) }),
        ...(to === undefined ? {} : { lte: parseBytes(to) }),
      });
      const after = db.stats().tables;
      bar.hide();
      if (options.json === true) lines.json({ directory, before, after });
      else {
        const was = `${counted(before.files, 'table')}, ${size(before.bytes)}`;
        lines.write(
          `${directory}: ${was}, now ${counted(after.files, 'table')}, ${size(after.bytes)}`,
        );
      }
    } finally {
      clearInterval(timer);
      bar.hide();
      await db.close();
    }
    return 0;
  });
}

/** Before anything is begun. Throws LsmError UNSUPPORTED. */
function checkCodec(directory: string, codec: CodecName): void {
  const level = replayCurrent(new NodeFileSystem(), directory)?.state.formatLevel;
  if (level !== undefined) resolveTableOptions({ codec, formatLevel: level === 1 ? 1 : 2 });
}
