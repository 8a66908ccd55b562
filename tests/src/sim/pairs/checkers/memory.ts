import type { MachineLife, WorldObserver } from '@aep/testkit/pairs';
import type { Plan } from '../plan.js';
import type { Ledger } from './ledger.js';
import type { Findings } from './violation.js';

/** What a primary holds for others stays within its limits, whatever the others do. */
export class MemoryChecker implements WorldObserver {
  private appends = 0;

  constructor(
    private readonly ledger: Ledger,
    private readonly plan: Plan,
    private readonly findings: Findings,
  ) {}

  onAppend(life: MachineLife): void {
    this.appends++;
    if (this.appends % LOOK_EVERY === 0) this.checkRecent(life);
    const { transactionsInFlightMax } = this.plan.engine;
    const unstable = this.ledger.unstable(life);
    // One more: the bound is looked at before an event is taken.
    if (unstable > transactionsInFlightMax + 1)
      this.findings.add(
        'BoundedMemory',
        `${life.machine.name} has ${unstable} records that are not stable, ${transactionsInFlightMax} are allowed`,
      );
  }

  /** Records for followers: what the limit allows, and what is not durable here yet. */
  private checkRecent({ member, machine }: MachineLife): void {
    const { limits, waitingBytesMax, runBytesMax } = this.plan;
    const bytesMax = limits.recentBytesMax + 2 * waitingBytesMax + runBytesMax;
    const { recentBytes } = member.status();
    if (recentBytes > bytesMax)
      this.findings.add(
        'BoundedMemory',
        `${machine.name} keeps ${recentBytes} bytes of records, ${bytesMax} are allowed`,
      );
  }
}

const LOOK_EVERY = 16;
