import type { Clause } from './checkers/violation.js';
import { FAULTS, type Plan } from './plan.js';
import { simulate, type SimulationOptions } from './simulation.js';

/** Indices of what is left of a plan; a plan and this give the same run again. */
export interface Remainder {
  readonly actions: readonly number[];
  readonly inputs: readonly number[];
}

/** The same plan with only these actions and inputs. */
export function reduced(plan: Plan, { actions, inputs }: Remainder): Plan {
  return {
    ...plan,
    actions: plan.actions.filter((_action, index) => actions.includes(index)),
    inputs: plan.inputs.filter((_input, index) => inputs.includes(index)),
  };
}

/** Drops classes of faults, then parts of the schedule, then messages, as long as the same clause stays broken (H34). */
export async function shrink(plan: Plan, clause: Clause, options: SimulationOptions = {}): Promise<Remainder> {
  const isBroken = async (left: Remainder): Promise<boolean> => {
    const { violations } = await simulate(reduced(plan, left), options);
    return violations.some((violation) => violation.clause === clause);
  };
  let left: Remainder = { actions: [...plan.actions.keys()], inputs: [...plan.inputs.keys()] };
  for (const fault of FAULTS) {
    const without = { ...left, actions: left.actions.filter((index) => plan.actions[index]!.fault !== fault) };
    if (without.actions.length < left.actions.length && (await isBroken(without))) left = without;
  }
  left = { ...left, actions: await fewest(left.actions, (actions) => isBroken({ ...left, actions })) };
  left = { ...left, inputs: await fewest(left.inputs, (inputs) => isBroken({ ...left, inputs })) };
  return left;
}

/** Leaves out halves, then quarters … then single ones. */
async function fewest(
  all: readonly number[],
  isBroken: (some: readonly number[]) => Promise<boolean>,
): Promise<readonly number[]> {
  let left = all;
  for (let size = Math.ceil(all.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < left.length;) {
      const without = [...left.slice(0, start), ...left.slice(start + size)];
      if (await isBroken(without)) left = without;
      else start += size;
    }
  }
  return left;
}
