import type { AepError, Clock } from '@aep/kernel';
import type { EngineListener, EngineMaker, RunningEngine } from '@aep/cluster';
import { Checkpointer, recover, type Store } from '@aep/store';
import { SampleRecords } from '@aep/store/contract';

/** What the outside world has heard of: the records whose stability some engine was told of. Shared by all members. */
export class Released {
  /** Records that stay in the journals although nobody needs them. */
  keptRecords = Infinity;
  /** txId to what the record says. */
  readonly values = new Map<number, string>();
  readonly conflicts: string[] = [];

  note(txId: number, value: string): void {
    const before = this.values.get(txId);
    if (before !== undefined && before !== value) this.conflicts.push(`record ${txId}: ${before}, then ${value}`);
    this.values.set(txId, value);
  }
}

/** An engine that writes records when told to, and releases each when it is stable. */
export class TestEngine implements RunningEngine {
  readonly store: Store;
  failure: AepError | undefined;
  isStarted = false;
  hasEnded = false;
  private readonly records: SampleRecords;
  private readonly written = new Map<number, string>();
  private checkpointer: Checkpointer | undefined;

  constructor(
    store: Store,
    private readonly clock: Clock,
    private readonly listener: EngineListener,
    private readonly released: Released,
  ) {
    this.store = store;
    this.records = new SampleRecords(store.journal);
    recover(store, { clock }).then(
      () => this.started(),
      (error: AepError) => this.end(error),
    );
  }

  get isWorking(): boolean {
    return this.isStarted && !this.hasEnded;
  }

  /** Writes that many records; what they say is their own: the value of another primary differs. Answers how many were taken. */
  write(count: number, by: string): number {
    if (!this.isStarted || this.hasEnded) return 0;
    this.records.epoch = this.store.epoch;
    let taken = 0;
    for (; taken < count; taken++) {
      const txId = this.store.journal.lastTxId + 1;
      const value = `<${txId} by ${by} in ${this.store.epoch}>`;
      if (this.records.append([{ key: `key-${txId % 50}`, value }]) !== 'accepted') break;
      this.written.set(txId, value);
      const { appended } = this.store.journal;
      this.checkpointer!.append(txId, appended.bytes, appended.start, this.records.writer.length);
    }
    this.store.journal.commit();
    return taken;
  }

  drain(): void {
    const { journal } = this.store;
    if (journal.stableTxId === journal.lastTxId || this.failure !== undefined) this.end(undefined);
    else this.clock.schedule(1, () => this.drain());
  }

  halt(cause: AepError): void {
    this.end(cause);
  }

  private started(): void {
    if (this.hasEnded) return;
    this.isStarted = true;
    const { journal, tables } = this.store;
    const onFailure = (error: AepError): void => {
      this.failure = error;
    };
    this.checkpointer = new Checkpointer(
      tables,
      this.clock,
      { onApplied: (txId) => this.trim(txId), onFailure },
      { intervalMs: 100 },
    );
    journal.listen({
      onStable: (mark) => {
        const { txId } = mark;
        if (this.hasEnded) throw new Error('a mark after the end');
        this.checkpointer!.onStable(mark);
        for (const [written, value] of this.written) {
          if (written > txId) continue;
          this.written.delete(written);
          this.released.note(written, value);
        }
        journal.setConfirmed(txId);
      },
      onFailure,
    });
    this.listener.onStarted();
  }

  /** As an engine does: what is in the tables and confirmed, but for some records. */
  private trim(appliedTxId: number): void {
    const { journal } = this.store;
    journal.trim(Math.min(appliedTxId, journal.confirmedTxId) - this.released.keptRecords);
  }

  private end(cause: AepError | undefined): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const ended = (): void => {
      this.checkpointer?.close();
      this.listener.onEnded(cause);
    };
    if (this.checkpointer === undefined || this.failure !== undefined) this.clock.defer(ended);
    else this.checkpointer.flush(ended);
  }
}

/** The engines of one process. */
export class TestEngines implements EngineMaker {
  current: TestEngine | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly released: Released,
  ) {}

  start(store: Store, listener: EngineListener): RunningEngine {
    this.current = new TestEngine(store, this.clock, listener, this.released);
    return this.current;
  }
}
