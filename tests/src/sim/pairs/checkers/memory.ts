import type { MachineLife, WorldObserver } from '@aep/testkit/pairs';
import type { Plan } from '../plan.js';
import type { Ledger } from './ledger.js';
import type { Findings } from './violation.js';

/** What a primary holds for others stays within its limits, whatever the others do. */
export class MemoryChecker implements WorldObserver {
  constructor(
    private readonly ledger: Ledger,
    private readonly plan: Plan,
    private readonly findings: Findings,
  ) {}

  onAppend(life: MachineLife): void {
    const { transactionsInFlightMax } = this.plan.engine;
    const unstable = this.ledger.unstable(life);
    // One more: the bound is looked at before an event is taken.
    if (unstable > transactionsInFlightMax + 1)
      this.findings.add(
        'BoundedMemory',
        `${life.machine.name} has ${unstable} records that are not stable, ${transactionsInFlightMax} are allowed`,
      );
  }
}
