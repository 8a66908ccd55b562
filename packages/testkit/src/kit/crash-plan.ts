import type { CrashOutcome } from '@aep/store';
import type { AppProcess } from '../app/app-process.js';
import type { World } from '../app/world.js';

/** A crash that a test has planned. */
export interface PlannedCrash {
  /** False as long as fewer callbacks have run. */
  readonly hasHappened: boolean;
}

/** Lets processes die before the callback with this number in the steps to come, and starts them again at once. */
export function planCrash(
  world: World,
  processes: readonly AppProcess[],
  callback: number,
  outcome: CrashOutcome,
): PlannedCrash {
  const plan = { hasHappened: false };
  let ran = 0;
  world.time.beforeCallback = () => {
    if (ran++ < callback) return undefined;
    world.time.beforeCallback = undefined;
    plan.hasHappened = true;
    world.crash(outcome, processes);
    return restartAll(processes);
  };
  return plan;
}

async function restartAll(processes: readonly AppProcess[]): Promise<void> {
  for (const process of processes) await process.restart();
}
