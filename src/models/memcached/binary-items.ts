/** Operations on items: get, set, add, replace, delete, increment, decrement, append, prepend, touch, get and touch, in loud and quiet forms. */
import type { Ref } from '../../memory/index.ts';
import type { BinaryContext } from './binary-context.ts';
import { STATUS, writeEmpty, writeHeader, writeKey, writeNumber } from './binary-reply.ts';
import type { BinaryCommandSpec } from './binary-table.ts';
import { EXISTS, MODE, NO_MEMORY, NON_NUMERIC, NOT_FOUND, STORED } from './items.ts';

/** An increment with this expiration makes no item. */
const NO_VIVIFY = 0xffffffff;

/** A get (or get and touch), with the key in the answer if `withKey`. */
function get(c: BinaryContext, touches: boolean, withKey: boolean): void {
  const { items, model, request, statistics } = c;
  const { region, keyStart, keyEnd } = request;
  let ref: Ref;
  if (touches) {
    ref = c.find();
    if (ref === 0) {
      statistics.touchMisses++;
    } else {
      statistics.touchHits++;
      statistics.getHits++;
      items.use(ref);
    }
  } else {
    ref = items.read(region, keyStart, keyEnd, true);
  }
  if (model.prefixes.isOn) model.prefixes.get(region, keyStart, keyEnd, ref !== 0);
  if (ref === 0) {
    miss(c, withKey);
    return;
  }
  item(c, ref, withKey, true);
  if (touches) items.expireAt(c.expiry(0));
}

function miss(c: BinaryContext, withKey: boolean): void {
  const { request, writer } = c;
  if (c.isQuiet) return;
  if (!withKey) {
    c.error(STATUS.notFound);
    return;
  }
  const { keyBytes, region, keyStart, keyEnd } = request;
  writeHeader(writer, request, STATUS.notFound, 0, keyBytes, 0, 0, 0);
  writeKey(writer, region, keyStart, keyEnd);
}

/** Flags, key and value of an item, as far as asked for. */
function item(c: BinaryContext, ref: Ref, withKey: boolean, withValue: boolean): void {
  const { engine, items, request, writer } = c;
  const keyBytes = withKey ? request.keyBytes : 0;
  const valueBytes = withValue ? engine.valueLength(ref) : 0;
  const high = items.casHigh(ref);
  const low = items.casLow(ref);
  writeHeader(writer, request, STATUS.ok, 4, keyBytes, valueBytes, high, low);
  writer.region.view.setInt32(writer.at, engine.clientFlags(ref), false);
  writer.at += 4;
  if (withKey) writeKey(writer, request.region, request.keyStart, request.keyEnd);
  if (withValue) c.value(ref);
}

function touch(c: BinaryContext): void {
  const { items, statistics } = c;
  const ref = c.find();
  if (ref === 0) {
    statistics.touchMisses++;
    miss(c, false);
    return;
  }
  statistics.touchHits++;
  items.use(ref);
  item(c, ref, false, false);
  items.expireAt(c.expiry(0));
}

/** Whether the value is too long, which is answered; for SET, what it can't replace goes. */
function refusesValue(c: BinaryContext, clientFlags: number, isSet: boolean): boolean {
  const { items, options, request, statistics } = c;
  const { keyBytes, valueBytes } = request;
  if (!request.isTooLong && options.isItemSizeOk(keyBytes, valueBytes, clientFlags)) return false;
  statistics.tooLarge++;
  c.error(STATUS.tooLarge);
  if (!isSet) return true;
  c.find();
  if (items.ref !== 0) items.remove();
  return true;
}

function store(c: BinaryContext, mode: number): void {
  const { items, model, request } = c;
  const isJoin = mode === MODE.append || mode === MODE.prepend;
  const clientFlags = isJoin ? 0 : request.extra32(0) | 0;
  if (refusesValue(c, clientFlags, mode === MODE.set)) return;
  const { region, keyStart, keyEnd } = request;
  if (model.prefixes.isOn) model.prefixes.set(region, keyStart, keyEnd);
  const { terms } = items;
  const hasCas = request.casHigh !== 0 || request.casLow !== 0;
  terms.hasCas = hasCas;
  terms.casHigh = request.casHigh;
  terms.casLow = request.casLow;
  c.find();
  const how = hasCas && !isJoin ? MODE.cas : mode;
  const expiry = isJoin ? 0 : c.expiry(4);
  const { valueStart, valueEnd } = request;
  const outcome = items.store(how, region, valueStart, valueEnd, clientFlags, expiry);
  terms.reset();
  model.watchers.stored(outcome, how, region, keyStart, keyEnd, request.valueBytes);
  if (outcome === STORED) done(c);
  else c.error(statusOf(outcome, how));
}

function statusOf(outcome: number, mode: number): number {
  if (outcome === EXISTS) return STATUS.exists;
  if (outcome === NOT_FOUND) return STATUS.notFound;
  if (outcome === NO_MEMORY) return STATUS.outOfMemory;
  if (mode === MODE.add) return STATUS.exists;
  return mode === MODE.replace ? STATUS.notFound : STATUS.notStored;
}

/** The item was changed: its CAS is the answer. */
function done(c: BinaryContext): void {
  const { items, request, writer } = c;
  const { ref } = items;
  if (c.isQuiet) return;
  if (ref === 0) writeEmpty(writer, request, 0, 0);
  else writeEmpty(writer, request, items.casHigh(ref), items.casLow(ref));
}

function remove(c: BinaryContext): void {
  const { items, model, request, statistics, writer } = c;
  const { region, keyStart, keyEnd, casHigh, casLow } = request;
  if (model.prefixes.isOn) model.prefixes.delete(region, keyStart, keyEnd);
  c.find();
  if (items.ref === 0) {
    statistics.deleteMisses++;
    c.error(STATUS.notFound);
  } else if ((casHigh !== 0 || casLow !== 0) && !items.hasCas(items.ref, casHigh, casLow)) {
    c.error(STATUS.exists);
  } else {
    statistics.deleteHits++;
    items.remove();
    if (!c.isQuiet) writeEmpty(writer, request, 0, 0);
  }
}

function add(c: BinaryContext, isIncrement: boolean): void {
  const { items, request } = c;
  const ref = c.find();
  if (items.ref === 0) {
    plant(c, isIncrement);
  } else if (ref === 0) {
    c.error(STATUS.notNumeric);
  } else if (
    (request.casHigh !== 0 || request.casLow !== 0) &&
    !items.hasCas(ref, request.casHigh, request.casLow)
  ) {
    c.error(STATUS.exists);
  } else {
    const outcome = items.add(isIncrement, request.extra32(0) | 0, request.extra32(4) | 0);
    if (outcome === NON_NUMERIC) c.error(STATUS.notNumeric);
    else if (outcome === NO_MEMORY) c.error(STATUS.outOfMemory);
    else number(c, items.number.high, items.number.low);
  }
}

/** Makes an item with the initial value, unless the request says otherwise. */
function plant(c: BinaryContext, isIncrement: boolean): void {
  const { items, request, statistics } = c;
  if (request.extra32(16) === NO_VIVIFY) {
    if (isIncrement) statistics.incrementMisses++;
    else statistics.decrementMisses++;
    c.error(STATUS.notFound);
    return;
  }
  const high = request.extra32(8) | 0;
  const low = request.extra32(12) | 0;
  items.writeDigits(high, low);
  const expiry = c.expiry(16);
  const outcome = items.store(MODE.add, items.digits, 0, items.digitCount, 0, expiry);
  if (outcome === STORED) number(c, high, low);
  else c.error(STATUS.outOfMemory);
}

function number(c: BinaryContext, high: number, low: number): void {
  const { items, request, writer } = c;
  if (c.isQuiet) return;
  const { ref } = items;
  const casHigh = ref === 0 ? 0 : items.casHigh(ref);
  const casLow = ref === 0 ? 0 : items.casLow(ref);
  writeNumber(writer, request, high, low, casHigh, casLow);
}

/** The loud form of an operation and its quiet one. */
function pair(
  spec: Omit<BinaryCommandSpec, 'opcode' | 'isQuiet'>,
  loud: number,
  quiet: number,
): BinaryCommandSpec[] {
  return [
    { ...spec, opcode: loud },
    { ...spec, opcode: quiet, name: `${spec.name}q`, isQuiet: true },
  ];
}

const VALUE = { key: 'needed', hasValue: true, isWrite: true } as const;
const KEY = { key: 'needed' } as const;

export const BINARY_ITEM_COMMANDS: readonly BinaryCommandSpec[] = [
  ...pair({ ...KEY, name: 'get', extras: [0], handler: (c) => get(c, false, false) }, 0x00, 0x09),
  ...pair({ ...KEY, name: 'getk', extras: [0], handler: (c) => get(c, false, true) }, 0x0c, 0x0d),
  ...pair({ ...VALUE, name: 'set', extras: [8], handler: (c) => store(c, MODE.set) }, 0x01, 0x11),
  ...pair({ ...VALUE, name: 'add', extras: [8], handler: (c) => store(c, MODE.add) }, 0x02, 0x12),
  ...pair(
    { ...VALUE, name: 'replace', extras: [8], handler: (c) => store(c, MODE.replace) },
    0x03,
    0x13,
  ),
  ...pair(
    { ...VALUE, name: 'append', extras: [0], handler: (c) => store(c, MODE.append) },
    0x0e,
    0x19,
  ),
  ...pair(
    { ...VALUE, name: 'prepend', extras: [0], handler: (c) => store(c, MODE.prepend) },
    0x0f,
    0x1a,
  ),
  ...pair({ ...KEY, name: 'delete', extras: [0], isWrite: true, handler: remove }, 0x04, 0x14),
  ...pair(
    { ...KEY, name: 'increment', extras: [20], isWrite: true, handler: (c) => add(c, true) },
    0x05,
    0x15,
  ),
  ...pair(
    { ...KEY, name: 'decrement', extras: [20], isWrite: true, handler: (c) => add(c, false) },
    0x06,
    0x16,
  ),
  { ...KEY, opcode: 0x1c, name: 'touch', extras: [4], isWrite: true, handler: touch },
  ...pair(
    { ...KEY, name: 'gat', extras: [4], isWrite: true, handler: (c) => get(c, true, false) },
    0x1d,
    0x1e,
  ),
  ...pair(
    { ...KEY, name: 'gatk', extras: [4], isWrite: true, handler: (c) => get(c, true, true) },
    0x23,
    0x24,
  ),
];
