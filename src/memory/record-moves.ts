/**
 * Records that get another key or another keyspace, and copies of records. Chunks of a value never move: a record hands them over. Called by keyspaces only, which make sure that
 * the key is absent where the record goes.
 */
import { Region } from '../bytes/region.ts';
import type { Ref } from './arena.ts';
import type { Keyspace } from './keyspace.ts';
import { HAS_CAS } from './record.ts';

/** Moves a record, with all that belongs to it, to a key of `to`, which may be `from`; returns where it is then. */
export function transferRecord(
  from: Keyspace,
  hash: number,
  ref: Ref,
  to: Keyspace,
  newHash: number,
  region: Region,
  keyStart: number,
  keyEnd: number,
): Ref {
  const { engine } = from;
  const { arena, records } = engine;
  engine.snapshot.beforeChange(from, ref);
  const isInline = engine.isValueInline(ref);
  const length = engine.valueLength(ref);
  to.makeRoom();
  // A chunked value is handed over by its vector; a short one is copied.
  const tail = to.tailFor(records.tail(ref));
  const moved = records.build(region, keyStart, keyEnd, isInline ? length : 0, tail);
  let place = moved;
  if (isInline) {
    const start = engine.valueStart(ref);
    to.writeValue(moved, 0, engine.segment(ref), start, start + length);
  } else {
    place = records.handOver(ref, moved);
    if (engine.loans.size !== 0) engine.loans.moved(ref, place);
  }
  arena.segment(place).bytes[arena.offset(place)] = arena.segment(ref).bytes[arena.offset(ref)]!;
  engine.setAccessField(place, engine.accessField(ref));
  records.fillTail(arena.segment(place), arena.offset(place), engine.clientFlags(ref));
  if (to === from) {
    from.takeHeapEntry(ref, place);
  } else if (engine.isVolatile(ref)) {
    to.setExpiry(place, engine.expiry(ref));
    from.clearHeapEntry(ref);
  }
  from.detach(hash, ref);
  to.attach(newHash, place);
  if (isInline) engine.freeRecord(ref);
  else records.freeWithoutValue(ref);
  return place;
}

/** Moves a record to the same key of `to`; returns where it is then. */
export function moveRecord(from: Keyspace, hash: number, ref: Ref, to: Keyspace): Ref {
  const { engine } = from;
  if (engine.isKeyInline(ref)) {
    const start = engine.keyStart(ref);
    const end = start + engine.keyLength(ref);
    return transferRecord(from, hash, ref, to, hash, engine.segment(ref), start, end);
  }
  const key = engine.copyKey(ref);
  const region = new Region(key.buffer, key.byteOffset, key.length);
  return transferRecord(from, hash, ref, to, hash, region, 0, key.length);
}

/** Copies value, type, encoding, client flags and expiry of a record to a key of `to`; returns where the copy is. */
export function copyRecord(
  from: Keyspace,
  ref: Ref,
  to: Keyspace,
  newHash: number,
  region: Region,
  keyStart: number,
  keyEnd: number,
): Ref {
  const { engine } = from;
  const { arena, records } = engine;
  const length = engine.valueLength(ref);
  to.makeRoom();
  const tail = to.tailFor(records.tail(ref) & ~HAS_CAS);
  const copy = records.build(region, keyStart, keyEnd, length, tail);
  records.fillTail(arena.segment(copy), arena.offset(copy), engine.clientFlags(ref));
  arena.segment(copy).bytes[arena.offset(copy)] = arena.segment(ref).bytes[arena.offset(ref)]!;
  let at = 0;
  engine.eachValueSpan(ref, 0, length, (source, start, end) => {
    to.writeValue(copy, at, source, start, end);
    at += end - start;
  });
  to.attach(newHash, copy);
  const expiry = engine.expiry(ref);
  if (expiry >= 0) to.setExpiry(copy, expiry);
  return copy;
}
