import type { AepError, Facts } from '@aep/kernel';
import type { StateTables, Store, StoreIdentity } from '@aep/store';
import type { HeldStore } from './held-store.js';
import type { ReplicatedJournal } from './replicated-journal.js';

/** The store of a group's primary as its engine sees it: the member's own, with the journal of the group in front of it. */
export class ReplicatedStore implements Store {
  constructor(
    private readonly held: HeldStore,
    readonly journal: ReplicatedJournal,
    /** In which the member acts: durable here and set in the register. Rises while the engine runs, when members come and go. */
    private readonly actingEpoch: () => number,
    private readonly groupFacts: () => Facts,
  ) {}

  get identity(): StoreIdentity {
    return this.held.store.identity;
  }

  get tables(): StateTables {
    return this.held.tables;
  }

  get epoch(): number {
    return this.actingEpoch();
  }

  setEpoch(epoch: number, done: (error: AepError | undefined) => void): void {
    this.held.store.setEpoch(epoch, done);
  }

  statistics(): Facts {
    return { ...this.held.store.statistics(), ...this.groupFacts() };
  }

  /** The member keeps its store: it follows the next primary with it. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
