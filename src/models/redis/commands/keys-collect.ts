/** What KEYS, SCAN and RANDOMKEY share: gathering records, matching and sending their keys. */
import { matchGlobIn } from '../../../bytes/glob.ts';
import type { Ref } from '../../../memory/index.ts';
import type { Context } from '../context.ts';

/** Records found by a walk that must not change the keyspace, or before their number is known. */
export class RefList {
  refs: Int32Array = new Int32Array(64);
  count = 0;

  add(ref: Ref): void {
    if (this.count === this.refs.length) {
      const larger = new Int32Array(this.count * 2);
      larger.set(this.refs);
      this.refs = larger;
    }
    this.refs[this.count++] = ref;
  }
}

/** A pattern's bytes; undefined where every key matches. */
export function patternArgument(c: Context, i: number): Uint8Array | undefined {
  const { request } = c;
  const isStar = request.length(i) === 1 && request.region.bytes[request.start[i]!] === 42;
  return isStar ? undefined : request.copy(i);
}

/** Whether the key of `ref` matches `pattern`. */
export function isKeyMatching(c: Context, ref: Ref, pattern: Uint8Array): boolean {
  const { engine } = c;
  if (engine.isKeyInline(ref)) {
    const start = engine.keyStart(ref);
    const { bytes } = engine.segment(ref);
    const end = start + engine.keyLength(ref);
    return matchGlobIn(pattern, 0, pattern.length, bytes, start, end);
  }
  const key = engine.copyKey(ref);
  return matchGlobIn(pattern, 0, pattern.length, key, 0, key.length);
}

/** Replies with the key of `ref`. */
export function replyKey(c: Context, ref: Ref): void {
  const { engine, reply } = c;
  const length = engine.keyLength(ref);
  if (engine.isKeyInline(ref)) {
    reply.bulk(engine.segment(ref), engine.keyStart(ref), length);
    return;
  }
  reply.bulkHeader(length);
  engine.eachKeySpan(ref, (region, start, end) => reply.raw(region, start, end - start));
  reply.crlf();
}

/** Ends the log entry of an expired key that a command met by chance: it is no part of what the command did, unless EXEC runs. */
export function endExpiry(c: Context): void {
  if (!c.isInTransaction) c.effects.endEntry();
}
