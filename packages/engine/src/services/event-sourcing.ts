import { AepError } from '@aep/kernel';
import { LocalCause, RecordReader } from '@aep/store';
import type { StateCodec } from '../app/app-definition.js';
import type { EngineCore } from '../engine-core.js';
import { describeBytes, replayDiffers, type ReplayDifference } from '../replay/replay-difference.js';
import { ReplayStep } from '../replay/replay-step.js';
import { loadState, putSnapshot, savedIn, SNAPSHOT_LABEL, snapshotHeadIn } from '../replay/snapshot.js';
import { digestOf } from '../replay/state-digest.js';
import { ReplayDiffers } from '../app/events.js';
import type { LocalRequest } from '../transaction/work.js';

export interface ReplayReport {
  readonly fromTxId: number;
  readonly toTxId: number;
  readonly replayed: number;
  readonly difference: ReplayDifference | undefined;
}

/** A state that was made while another member was the primary, with the last transaction that is in it (H11). */
export interface HotState {
  readonly state: unknown;
  readonly txId: number;
}

/**
 * The state of an event-sourced application (E60): rebuilt by handing journaled messages to the handlers again, from the
 * last snapshot on. A snapshot is a transaction of its own that puts the saved state into a table, so that it is journaled,
 * replicated and folded like everything else.
 */
export class EventSourcing {
  /** Transactions up to here are in the last snapshot. */
  snapshotTxId = 0;
  private chunks = 0;
  private isAsked = false;
  private readonly step: ReplayStep;

  constructor(
    private readonly core: EngineCore,
    private readonly codec: StateCodec,
  ) {
    this.step = new ReplayStep(core, (state) => digestOf(codec, state));
  }

  /** Loads the snapshot and replays what came after it; the result becomes the pipeline's state. Nothing is sent. */
  async rebuild(): Promise<void> {
    this.readHead();
    await this.goOnFrom({ state: this.loadSnapshot(), txId: this.snapshotTxId });
  }

  /** As {@link rebuild}, from a state that is there already: usually nothing is left to be replayed. */
  async resume(hot: HotState): Promise<void> {
    this.readHead();
    await this.goOnFrom(hot);
  }

  private async goOnFrom({ state, txId }: HotState): Promise<void> {
    const { pipeline, options } = this.core;
    pipeline.state = state;
    const differences: ReplayDifference[] = [];
    await this.replay(state, txId + 1, options.verifyReplay ? differences : undefined);
    const [difference] = differences;
    if (difference !== undefined)
      this.core.alert(new ReplayDiffers(options.name, replayDiffers(options.name, difference)));
  }

  /**
   * Replays from the last snapshot into a fresh state and compares outbound messages and, at the end, the state. To be called
   * while the engine is idle.
   */
  async verify(): Promise<ReplayReport> {
    const { pipeline, store } = this.core;
    const stage = pipeline.stage;
    pipeline.stage = 'rebuilding';
    try {
      const state = this.loadSnapshot();
      const differences: ReplayDifference[] = [];
      const replayed = await this.replay(state, this.snapshotTxId + 1, differences);
      const expected = this.codec.save(pipeline.state);
      const got = this.codec.save(state);
      if (differences.length === 0 && Buffer.compare(expected, got) !== 0) {
        differences.push({
          txId: store.journal.stableTxId,
          cause: 'the last transaction',
          field: 'state',
          expected: describeBytes(expected),
          got: describeBytes(got),
        });
      }
      return {
        fromTxId: this.snapshotTxId + 1,
        toTxId: store.journal.stableTxId,
        replayed,
        difference: differences[0],
      };
    } finally {
      if (pipeline.stage === 'rebuilding') pipeline.stage = stage;
      this.core.onWake(); // what came meanwhile waits
    }
  }

  /** Asks for a snapshot when enough transactions have passed. */
  snapshotIfDue(): void {
    const { options, store } = this.core;
    const { snapshotEvery } = options.limits;
    if (snapshotEvery === 0 || this.isAsked || store.journal.lastTxId - this.snapshotTxId < snapshotEvery) return;
    this.isAsked = true;
    // A full queue only means: next time.
    if (this.core.offer(this.snapshotRequest()) !== 'accepted') this.isAsked = false;
  }

  private snapshotRequest(): LocalRequest {
    const done = (): void => void (this.isAsked = false);
    return {
      origin: 'command',
      cause: LocalCause.command,
      label: SNAPSHOT_LABEL,
      prepare: (transaction) => {
        const saved = this.codec.save(this.core.pipeline.state);
        const { lastTxId } = this.core.store.journal;
        putSnapshot(transaction, { txId: lastTxId, saved }, this.chunks, ({ txId, chunks }) => {
          this.snapshotTxId = txId;
          this.chunks = chunks;
          this.core.retention.snapshotTaken(txId, txId + 1);
        });
        return 'run';
      },
      onStable: done,
      onFailed: done,
    };
  }

  private readHead(): void {
    const head = snapshotHeadIn(this.core.store.tables);
    this.snapshotTxId = head?.txId ?? 0;
    this.chunks = head?.chunks ?? 0;
    if (head !== undefined) this.core.retention.snapshotTaken(head.txId, 0);
  }

  private loadSnapshot(): unknown {
    const { tables } = this.core.store;
    const head = snapshotHeadIn(tables);
    if (head === undefined) return this.codec.create();
    return loadState(this.codec, { txId: head.txId, saved: savedIn(tables, head) });
  }

  private async replay(state: unknown, from: number, differences: ReplayDifference[] | undefined): Promise<number> {
    const { journal } = this.core.store;
    if (from < journal.firstTxId && journal.stableTxId >= from) throw historyGone(from, journal.firstTxId);
    const { clock } = this.core.options;
    const reader = new RecordReader();
    let replayed = 0;
    for (const record of journal.stableTxId >= from ? journal.read(from) : []) {
      reader.open(record.bytes);
      const ran = this.step.run(reader, state, differences?.length === 0);
      if (ran === true || (ran !== false && (await ran))) replayed++;
      if (this.step.difference !== undefined) differences?.push(this.step.difference);
      // Others in the process have their turn: a member that is silent for long counts as dead (H7).
      if (record.txId % RECORDS_PER_TURN === 0) await new Promise<void>((resolve) => clock.defer(resolve));
    }
    return replayed;
  }
}

const RECORDS_PER_TURN = 512;

function historyGone(from: number, first: number): AepError {
  return new AepError(
    'AEP_REPLAY_HISTORY_GONE',
    'fatal',
    `the state must be replayed from transaction ${from}, and the journal begins at ${first}: the store is damaged or was trimmed by hand`,
    {
      from,
      first,
    },
  );
}
