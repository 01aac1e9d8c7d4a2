/** What must hold of a memtable's tree after every insertion. For tests. */
import assert from 'node:assert/strict';
import { commonPrefix } from '../../bytes/compare.ts';
import { keyHint } from '../key-hint.ts';
import { CHILD, COUNT, FANOUT, HIGH, LOW, NEXT, NONE, PREFIX, PREVIOUS, REF } from './layout.ts';
import type { Memtable } from './memtable.ts';

export function checkTree(memtable: Memtable): void {
  const { tree, words } = memtable;
  const leaves: number[] = [];
  if (tree.root !== NONE) checkNode(memtable, tree.root, 0, NONE, NONE, leaves);
  assert.equal(leaves.length, tree.leaves);
  assert.equal(leaves[0] ?? NONE, tree.firstLeaf);
  assert.equal(leaves.at(-1) ?? NONE, tree.lastLeaf);
  let entries = 0;
  for (const [i, leaf] of leaves.entries()) {
    entries += words[leaf + COUNT]!;
    assert.equal(words[leaf + PREVIOUS], leaves[i - 1] ?? NONE);
    assert.equal(words[leaf + NEXT], leaves[i + 1] ?? NONE);
    assert.ok(words[leaf + COUNT]! > 0);
  }
  assert.equal(entries, memtable.entries);
}

function checkNode(
  memtable: Memtable,
  node: number,
  level: number,
  lower: number,
  upper: number,
  leaves: number[],
): void {
  const { tree, words, region } = memtable;
  const count = words[node + COUNT]!;
  const isLeaf = level === tree.height;
  assert.ok(count <= FANOUT && (isLeaf || count >= 1));
  const prefix = words[node + PREFIX]!;
  assert.equal(
    prefix,
    lower === NONE || upper === NONE ? tree.prefix : shared(memtable, lower, upper),
  );
  if (!isLeaf) assert.equal(words[node + REF], lower);
  for (let i = 0; i < count; i++) {
    const record = words[node + REF + i]!;
    if (record !== NONE) {
      const start = memtable.keyStart(record);
      const end = memtable.keyEnd(record);
      assert.equal(words[node + HIGH + i], keyHint(region, start + prefix, end));
      assert.equal(words[node + LOW + i], keyHint(region, start + prefix + 4, end));
      assert.ok(shared(memtable, record, tree.prefixRecord) >= tree.prefix);
      if (lower !== NONE) assert.ok(order(memtable, lower, record) <= 0);
      if (upper !== NONE) assert.ok(order(memtable, record, upper) < 0);
      if (i > 0 && words[node + REF + i - 1] !== NONE) {
        assert.ok(order(memtable, words[node + REF + i - 1]!, record) < 0);
      }
    }
    if (isLeaf) continue;
    const next = i + 1 < count ? words[node + REF + i + 1]! : upper;
    checkNode(memtable, words[node + CHILD + i]!, level + 1, record, next, leaves);
  }
  if (isLeaf) leaves.push(node);
}

function shared(memtable: Memtable, a: number, b: number): number {
  const { region } = memtable;
  const [aStart, aEnd] = [memtable.keyStart(a), memtable.keyEnd(a)];
  return commonPrefix(region, aStart, aEnd, region, memtable.keyStart(b), memtable.keyEnd(b));
}

function order(memtable: Memtable, a: number, b: number): number {
  const { bytes } = memtable.region;
  const aKey = bytes.subarray(memtable.keyStart(a), memtable.keyEnd(a));
  const bKey = bytes.subarray(memtable.keyStart(b), memtable.keyEnd(b));
  return Buffer.compare(aKey, bKey) || memtable.sequence(b) - memtable.sequence(a);
}
