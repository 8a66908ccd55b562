import type { AepError } from '@aep/kernel';
import type { HeldStore } from '../replication/held-store.js';
import type { RecentRecords } from '../replication/recent-records.js';
import type { ReplicatedJournal } from '../replication/replicated-journal.js';
import { ReplicatedStore } from '../replication/replicated-store.js';
import type { MemberContext } from './context.js';
import type { RunningEngine } from './engine-port.js';

export interface EngineRunParts {
  readonly held: HeldStore;
  readonly recent: RecentRecords;
  readonly epoch: () => number;
  readonly markTxId: () => number;
  readonly neededFromTxId: () => number;
  readonly onCommit: () => void;
  readonly onStarted: () => void;
  /** From the event loop; `cause` is undefined when it was drained. */
  readonly onEnded: (cause: AepError | undefined) => void;
}

/** One engine on a primary with the journal that it was given: a primary that gave up handing over runs a second one. */
export class EngineRun {
  private readonly journal: ReplicatedJournal;
  private readonly engine: RunningEngine;
  private hasEnded = false;

  constructor(context: MemberContext, parts: EngineRunParts) {
    const { held, recent, epoch, markTxId, neededFromTxId, onCommit } = parts;
    const { clock } = context;
    this.journal = new context.parts.ReplicatedJournal({
      local: held.store.journal,
      trim: (beforeTxId) => held.trim(beforeTxId),
      recent,
      clock,
      markTxId,
      neededFromTxId,
      onCommit,
    });
    const facts = () => ({ epoch: epoch(), groupStableTxId: markTxId() });
    this.engine = context.engines.start(new ReplicatedStore(held, this.journal, epoch, facts), {
      onStarted: () => {
        if (!this.hasEnded) parts.onStarted();
      },
      onEnded: (cause) => {
        if (this.hasEnded) return;
        this.hasEnded = true;
        this.journal.retire();
        // From the event loop, so that whoever made it end has finished doing so.
        clock.defer(() => parts.onEnded(cause));
      },
    });
  }

  /** The group has the records up to here. */
  stable(txId: number): void {
    this.journal.stable(txId);
  }

  drain(): void {
    if (!this.hasEnded) this.engine.drain();
  }

  /** First the journal: whatever the engine does while it ends, nothing can be released by it. */
  halt(cause: AepError): void {
    this.journal.end(cause);
    if (!this.hasEnded) this.engine.halt(cause);
  }
}
