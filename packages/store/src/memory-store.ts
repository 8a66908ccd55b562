import { type AepError, type Clock, type Facts, type Log, type Random, SeededRandom, silentLog } from '@aep/kernel';
import type { CommitBatch } from './group-commit.js';
import type { Durability } from './journal.js';
import { concludeJournalOptions, type JournalOptions } from './journal-options.js';
import { MemoryDisk } from './memory-disk.js';
import { MemoryFaults } from './memory-faults.js';
import { MemoryJournal, persist } from './memory-journal.js';
import { applyTo, MemoryTables } from './memory-tables.js';
import { newMemberId } from './member-id.js';
import type { Store, StoreIdentity } from './store.js';

export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** @default 'memory' */
  readonly engineName?: string;
  /** What the store claims; `disk` means: stable when the simulated sync has ended. @default 'disk' */
  readonly durability?: Durability;
  /** Chooses the outcome of what a crash interrupts, and makes the member id. @default seeded with 1 */
  readonly random?: Random;
  readonly log?: Log;
  readonly faults?: MemoryFaults;
  /** What an earlier store left. @default an empty one */
  readonly disk?: MemoryDisk;
  readonly journal?: JournalOptions;
}

/** What becomes of the commit and the apply that were under way. `torn` keeps a part of the commit's records. */
export type CrashOutcome = 'lost' | 'kept' | 'torn' | 'chance';

/** The format that this build writes. */
export const STORE_FORMAT_VERSION = 2;

/**
 * A store without a disk, for tests and simulation: deterministic on a virtual clock, with faults on demand.
 *
 * @example
 * const store = new MemoryStore({ clock });
 * store.faults.commitMs = () => 5;
 * const restarted = store.crash();       // what a new process would find
 */
export class MemoryStore implements Store {
  readonly identity: StoreIdentity;
  readonly faults: MemoryFaults;
  readonly disk: MemoryDisk;
  readonly journal: MemoryJournal;
  readonly tables: MemoryTables;
  private readonly random: Random;
  private isDead = false;

  constructor(private readonly options: MemoryStoreOptions) {
    this.faults = options.faults ?? new MemoryFaults();
    this.random = options.random ?? new SeededRandom(1);
    this.disk = options.disk ?? new MemoryDisk();
    this.identity = this.disk.identity ??= newIdentity(options, this.random);
    const limits = concludeJournalOptions(options.journal ?? {});
    const { clock, log = silentLog } = options;
    this.journal = new MemoryJournal(this.disk, this.faults, options.durability ?? 'disk', { clock, log, limits });
    this.tables = new MemoryTables(this.disk, this.faults, clock);
  }

  get epoch(): number {
    return this.disk.epoch;
  }

  setEpoch(epoch: number, done: (error: AepError | undefined) => void): void {
    this.options.clock.schedule(this.faults.commitMs(), () => {
      if (this.isDead) return;
      this.disk.epoch = Math.max(this.disk.epoch, epoch);
      done(undefined);
    });
  }

  statistics(): Facts {
    let entries = 0;
    for (const table of this.disk.tables.values()) entries += table.size;
    return {
      ...this.journal.journalFacts(),
      appliedTxId: this.tables.appliedTxId,
      tableEntries: entries,
      epoch: this.epoch,
    };
  }

  /** Waits for what was accepted; after that the store answers `closed`. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.journal.close(() => {
        this.isDead = true;
        this.tables.crash();
        resolve();
      });
    });
  }

  /**
   * The process dies here: this store calls nobody back any more. Returns the store that a restarted process would
   * open: what was durable, and of what was being written as much as `outcome` says.
   */
  crash(outcome: CrashOutcome = 'chance'): MemoryStore {
    this.isDead = true;
    const batch = this.journal.crash();
    const pending = this.tables.crash();
    if (batch !== undefined) persist(this.disk, surviving(batch, this.choose(outcome), this.random));
    if (pending !== undefined && this.choose(outcome) === 'kept') applyTo(this.disk, pending);
    return new MemoryStore({ ...this.options, disk: this.disk, random: this.random, faults: new MemoryFaults() });
  }

  private choose(outcome: CrashOutcome): CrashOutcome {
    return outcome === 'chance' ? OUTCOMES[this.random.below(OUTCOMES.length)]! : outcome;
  }
}

const OUTCOMES: readonly CrashOutcome[] = ['lost', 'kept', 'torn'];

/** @param incarnation of the group that it is made for */
export function newIdentity(options: MemoryStoreOptions, random: Random, incarnation?: number): StoreIdentity {
  return {
    formatVersion: STORE_FORMAT_VERSION,
    engineName: options.engineName ?? 'memory',
    incarnation: incarnation ?? options.clock.wallMs(),
    memberId: newMemberId(random),
  };
}

/** The part of a batch that made it: whole records from its front, because records are the unit that a reader checks. */
function surviving(batch: CommitBatch, outcome: CrashOutcome, random: Random): CommitBatch {
  if (outcome === 'kept') return batch;
  const keep = outcome === 'lost' ? 0 : random.below(batch.lastTxId - batch.firstTxId + 1);
  const runs = [];
  let left = keep;
  for (const run of batch.runs) {
    if (left === 0) break;
    const view = new DataView(run.bytes.buffer, run.bytes.byteOffset);
    let end = run.start;
    let lastTxId = run.firstTxId - 1;
    for (; left > 0 && end < run.end; left--, lastTxId++) end += view.getUint32(end, true);
    runs.push({ ...run, end, lastTxId });
  }
  return { ...batch, runs, lastTxId: batch.firstTxId + keep - 1, confirmedTxId: 0 };
}
