/** Makes a failing stream small: leaves out steps (halves, quarters, ... single ones), then commands of a step, while it still fails. */
import type { Step } from './stream.ts';

const MAX_TRIES = 250;

export async function shrink(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
): Promise<readonly Step[]> {
  let left = MAX_TRIES;
  const check = async (candidate: readonly Step[]): Promise<boolean> =>
    left-- > 0 && (await fails(candidate));
  let smallest = steps;
  for (
    let size = Math.ceil(smallest.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = smallest.length - size; from > -size; from -= size) {
      const at = Math.max(0, from);
      const candidate = [...smallest.slice(0, at), ...smallest.slice(at + size)];
      if (candidate.length < smallest.length && (await check(candidate))) smallest = candidate;
    }
  }
  for (let i = smallest.length - 1; i >= 0; i--) {
    for (
      let at = smallest[i]!.commands.length - 1;
      at >= 0 && smallest[i]!.commands.length > 1;
      at--
    ) {
      const step = smallest[i]!;
      if (step.answers !== undefined) break;
      const less = { ...step, commands: step.commands.filter((_, index) => index !== at) };
      const candidate = smallest.map((each, index) => (index === i ? less : each));
      if (await check(candidate)) smallest = candidate;
    }
  }
  return smallest;
}
