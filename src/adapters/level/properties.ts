/**
 * What `getProperty` tells, in LevelDB's words and layout:
 *
 *   leveldb.num-files-at-level<N>        tables of a level
 *   leveldb.stats                        a table of levels: files, size, and what flushes and compactions did
 *   leveldb.sstables                     every table with its range of keys
 *   leveldb.approximate-memory-usage     bytes of memtables and cached blocks
 */
import type { Engine } from '../../lsm/database/engine.ts';
import { statsOf } from '../../lsm/database/stats.ts';
import { LEVELS } from '../../lsm/limits.ts';

const MIB = 1024 * 1024;
const FILES_AT_LEVEL = 'leveldb.num-files-at-level';

/** '' for what is unknown. */
export function propertyOf(engine: Engine, name: string): string {
  if (name === 'leveldb.stats') return stats(engine);
  if (name === 'leveldb.sstables') return tables(engine);
  if (name === 'leveldb.approximate-memory-usage') {
    return String(engine.memtables.heldBytes + engine.cache.usedBytes + engine.cache.overflowBytes);
  }
  if (!name.startsWith(FILES_AT_LEVEL)) return '';
  const level = name.slice(FILES_AT_LEVEL.length);
  if (!/^\d+$/.test(level) || Number(level) >= LEVELS) return '';
  return String(engine.versions.current.levels[Number(level)]!.length);
}

function stats(engine: Engine): string {
  const lines = [
    '                               Compactions',
    'Level  Files Size(MB) Time(sec) Read(MB) Write(MB)',
    '--------------------------------------------------',
  ];
  for (const { level, files, bytes, ms, readBytes, writtenBytes } of statsOf(engine).levels) {
    if (files === 0 && ms === 0) continue;
    const cells = [
      String(level).padStart(3),
      String(files).padStart(8),
      (bytes / MIB).toFixed(0).padStart(8),
      (ms / 1000).toFixed(0).padStart(9),
      (readBytes / MIB).toFixed(0).padStart(8),
      (writtenBytes / MIB).toFixed(0).padStart(9),
    ];
    lines.push(cells.join(' '));
  }
  return `${lines.join('\n')}\n`;
}

function tables(engine: Engine): string {
  const lines: string[] = [];
  for (const [level, files] of engine.versions.current.levels.entries()) {
    lines.push(`--- level ${level} ---`);
    for (const { number, sizeBytes, smallest, largest } of files) {
      lines.push(` ${number}:${sizeBytes}[${keyText(smallest)} .. ${keyText(largest)}]`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** An internal key as LevelDB prints it. */
function keyText(key: Uint8Array): string {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const end = key.length - 8;
  const low = view.getUint32(end, true);
  const sequence = view.getUint32(end + 4, true) * 2 ** 24 + (low >>> 8);
  return `'${escaped(key.subarray(0, end))}' @ ${sequence} : ${low & 0xff}`;
}

/** Bytes that are no printable ASCII as \xNN. */
function escaped(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text +=
      byte >= 0x20 && byte <= 0x7e
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}
