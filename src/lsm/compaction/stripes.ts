/** Snapshots cut the sequences into stripes, of each of which every reader sees the newest version of a key or none. */

/** Which stripe a sequence is in: the number of snapshots that do not see it. */
export function stripeOf(snapshots: readonly number[], sequence: number): number {
  let stripe = 0;
  let last = snapshots.length;
  while (stripe < last) {
    const middle = (stripe + last) >>> 1;
    if (snapshots[middle]! < sequence) stripe = middle + 1;
    else last = middle;
  }
  return stripe;
}
