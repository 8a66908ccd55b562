import { AepError, type TimerHandle, toError } from '@aep/kernel';
import { RecordReader, type RecordRun, type Store } from '@aep/store';
import type { StateCodec } from '../app/app-definition.js';
import { ReplayDiffers, StuckAlert } from '../app/events.js';
import type { EngineCore } from '../engine-core.js';
import { stopped } from '../engine-errors.js';
import type { HotState } from '../services/event-sourcing.js';
import { describeBytes, replayDiffers, type ReplayDifference } from './replay-difference.js';
import { ReplayStep } from './replay-step.js';
import { loadState, savedIn, type Snapshot, snapshotHeadIn, snapshotOf } from './snapshot.js';
import { digestOf } from './state-digest.js';

/** What a backup's replay tells whoever feeds it; from the event loop, or from inside of `records`. */
export interface BackupReplayListener {
  /** It was behind, and is not any more. */
  onRoom(): void;
  /** Handlers made something else than the journal has, or threw: AEP_REPLAY_DIFFERS, AEP_REPLAY_FAILED and others that name the transaction. */
  onProblem(problem: AepError): void;
  /** The journal cannot be read: fatal for the member (H22). */
  onFailure(error: AepError): void;
}

/**
 * - `opening`: the application is being loaded.
 * - `following`: the state is that of transaction `txId`.
 * - `waiting`: there is no state: the history that it needs is gone, or a handler threw; the next snapshot gives one.
 * - `ended`: nothing more is replayed.
 */
export type BackupReplayPhase = 'opening' | 'following' | 'waiting' | 'ended';

export interface BackupReplayStatus {
  readonly phase: BackupReplayPhase;
  readonly txId: number;
  readonly problems: number;
  /** Code and message of the first problem. */
  readonly firstProblem: string | undefined;
}

/**
 * The state of an event-sourced application on a backup (H11): its handlers are called with the messages of stable records as
 * they come, one after the other, so that it is there when this member becomes the primary. What they send goes nowhere.
 *
 * ```
 * snapshot in the tables ─> records of the journal up to where the tables are ─> records as they become stable
 * ```
 * With `verifyReplay` what they do is compared with each record. After a difference the handlers go on, because a state that
 * is nearly right is better than none, until the next snapshot of the primary says what the state is; then it is compared again.
 */
export class BackupReplay {
  private state: unknown;
  private txId: number;
  private phase: BackupReplayPhase = 'following';
  /** Something differed since the state was last known to be the primary's. */
  private hasDiverged = false;
  private problems = 0;
  private first: AepError | undefined;
  private readonly reader = new RecordReader();
  private readonly step: ReplayStep;
  private readonly queue: RunPart[] = [];
  private queuedBytes = 0;
  /** Records of the journal up to `historyEndTxId`, which the tables hold already; read as they are needed. */
  private history: IterableIterator<RecordRun> | undefined;
  private historyPart: RunPart | undefined;
  private readonly historyEndTxId: number;
  private isPlanned = false;
  private isAwaiting = false;
  private wasBehind = true;
  private onRest: (() => void) | undefined;

  constructor(
    private readonly core: EngineCore,
    private readonly codec: StateCodec,
    store: Store,
    private readonly listener: BackupReplayListener,
  ) {
    this.step = new ReplayStep(core, (state) => digestOf(codec, state));
    const { journal, tables } = store;
    const head = snapshotHeadIn(tables);
    this.txId = head?.txId ?? 0;
    this.historyEndTxId = tables.appliedTxId;
    if (this.txId < this.historyEndTxId && this.txId + 1 < journal.firstTxId) this.phase = 'waiting';
    else if (head === undefined) this.setState(codec.create(), 0);
    else this.take({ ...head, saved: savedIn(tables, head) }, head.txId);
    if (this.phase === 'waiting') this.txId = this.historyEndTxId;
    else if (this.txId < this.historyEndTxId) this.history = journal.readRuns(this.txId + 1);
    this.plan();
  }

  /** It has as much to do as it may: nothing is given to it, and the journal is not trimmed, until `onRoom`. */
  get isBehind(): boolean {
    return this.history !== undefined || this.queuedBytes > QUEUED_BYTES_MAX;
  }

  status(): BackupReplayStatus {
    const { phase, txId, problems, first } = this;
    return { phase, txId, problems, firstProblem: first && `${first.code}: ${first.message}` };
  }

  /** Stable records, in order, each once. The bytes never change. */
  records(run: RecordRun): void {
    if (this.phase === 'ended') return;
    this.queue.push({ run, at: run.start });
    this.queuedBytes += run.end - run.start;
    this.plan();
  }

  /** No more records come, and the store is its owner's again: what it was still to read of it is left to the start. */
  end(): void {
    this.history = this.historyPart = undefined;
  }

  /**
   * As {@link end}, when an engine is to go on with it. Resolves with the state of the last one; undefined when there is none, or when it was closed: then
   * it is rebuilt from the journal.
   */
  async finish(): Promise<HotState | undefined> {
    this.end();
    if (this.hasWork) await new Promise<void>((resolve) => (this.onRest = resolve));
    const { phase, state, txId, hasDiverged, core } = this;
    if (hasDiverged)
      core.options.log.log('warn', 'this member becomes primary with a state whose replay differed', { txId });
    this.close();
    return phase === 'following' ? { state, txId } : undefined;
  }

  /** Ends where it is; an asynchronous handler that is under way goes on for nobody. */
  close(): void {
    this.phase = 'ended';
    this.queue.length = 0;
    this.queuedBytes = 0;
    this.history = this.historyPart = undefined;
    this.state = undefined;
    this.core.pipeline.stage = 'closed';
    this.rest();
  }

  private get hasWork(): boolean {
    return this.phase !== 'ended' && (this.isAwaiting || this.history !== undefined || this.queue.length > 0);
  }

  private plan(): void {
    if (this.isPlanned || this.isAwaiting || this.phase === 'ended') return;
    this.isPlanned = true;
    this.core.options.clock.defer(this.work);
  }

  /** So many records that acknowledgements and heartbeats of this member do not wait for the handlers of a backup. */
  private readonly work = (): void => {
    this.isPlanned = false;
    try {
      for (let count = 0; count < RECORDS_PER_TURN && !this.isAwaiting && this.openNext(); count++) this.replayOpen();
    } catch (thrown) {
      this.close();
      this.listener.onFailure(toError(thrown) as AepError);
      return;
    }
    if (this.hasWork) this.plan();
    this.look();
  };

  private look(): void {
    if (!this.hasWork) this.rest();
    const { isBehind, wasBehind } = this;
    this.wasBehind = isBehind;
    if (wasBehind && !isBehind) this.listener.onRoom();
  }

  private rest(): void {
    const { onRest } = this;
    this.onRest = undefined;
    onRest?.();
  }

  /** Opens the record after the last one; false when there is none. @throws AEP_RECORD_CORRUPT, AEP_JOURNAL_TRIMMED */
  private openNext(): boolean {
    return this.openHistory() || this.openQueued();
  }

  private openHistory(): boolean {
    const { history, reader } = this;
    if (history === undefined) return false;
    if (this.historyPart === undefined || this.historyPart.at >= this.historyPart.run.end) {
      const { value, done } = history.next();
      this.historyPart = done === true ? undefined : { run: value, at: value.start };
    }
    const part = this.historyPart;
    if (part !== undefined && this.txId < this.historyEndTxId) {
      part.at = reader.open(part.run.bytes, part.at, part.run.end);
      return true;
    }
    this.history = this.historyPart = undefined;
    return false;
  }

  private openQueued(): boolean {
    const { reader, queue } = this;
    const part = queue[0];
    if (part === undefined) return false;
    // The follower has checked it.
    const end = reader.openTrusted(part.run.bytes, part.at);
    this.queuedBytes -= end - part.at;
    part.at = end;
    if (end >= part.run.end) queue.shift();
    return true;
  }

  private replayOpen(): void {
    const { reader, core } = this;
    if (this.phase === 'waiting') return this.lookForSnapshot();
    core.pipeline.stage = 'rebuilding';
    let ran: boolean | Promise<boolean>;
    try {
      ran = this.step.run(reader, this.state, core.options.verifyReplay && !this.hasDiverged);
    } catch (thrown) {
      return this.replayed(toError(thrown) as AepError, true);
    }
    if (typeof ran === 'boolean') this.replayed(undefined, ran);
    else this.await(ran);
  }

  private await(pending: Promise<boolean>): void {
    this.isAwaiting = true;
    const watch = this.watch();
    const goOn = (error: AepError | undefined): void => {
      watch.end();
      this.isAwaiting = false;
      if (this.phase === 'ended') return this.rest();
      this.replayed(error, true);
      this.plan();
      this.look();
    };
    pending.then(
      () => goOn(undefined),
      (thrown: unknown) => goOn(toError(thrown) as AepError),
    );
  }

  /** E12: a handler that does not end stalls a backup as it would stall its primary. */
  private watch(): { end(): void } {
    const { clock, limits, name } = this.core.options;
    const { stuckAlertThresholdMs } = limits;
    const sinceMs = clock.monotonicMs();
    const { txId } = this.reader;
    let timer: TimerHandle;
    const arm = (): void => {
      timer = clock.schedule(stuckAlertThresholdMs, () => {
        this.core.alert(new StuckAlert(name, `the replay of transaction ${txId}`, clock.monotonicMs() - sinceMs));
        arm();
      });
    };
    arm();
    return { end: () => clock.cancel(timer) };
  }

  private replayed(error: AepError | undefined, ran: boolean): void {
    const { step, core, reader } = this;
    core.pipeline.stage = 'closed';
    this.refuseLocalWork();
    this.txId = reader.txId;
    if (error !== undefined) {
      // The handlers have been stopped half-way: what there is is no state of the application.
      this.phase = 'waiting';
      this.state = core.pipeline.state = undefined;
      this.problem(error);
      return;
    }
    if (step.difference !== undefined) this.differs(step.difference);
    if (!ran) this.compareSnapshot();
  }

  /** While an asynchronous handler was awaited, something may have been offered; only a primary takes it. */
  private refuseLocalWork(): void {
    const { inbound, works, options } = this.core;
    for (let work = inbound.poll(); work !== undefined; work = inbound.poll()) {
      work.local?.onFailed?.(stopped(options.name));
      work.reset();
      works.give(work);
    }
  }

  /** The primary's own word on what the state is; it was free to be had, so it is taken whether replays are compared or not. */
  private compareSnapshot(): void {
    const snapshot = snapshotOf(this.reader);
    if (snapshot === undefined) return;
    if (this.hasDiverged) return this.take(snapshot);
    if (!this.core.options.verifyReplay) return;
    const got = this.codec.save(this.state);
    if (Buffer.compare(got, snapshot.saved) === 0) return;
    const [expected, made] = [describeBytes(snapshot.saved), describeBytes(got)];
    this.differs({ txId: snapshot.txId, cause: 'a snapshot', field: 'state', expected, got: made });
    this.take(snapshot);
  }

  private lookForSnapshot(): void {
    const snapshot = snapshotOf(this.reader);
    this.txId = this.reader.txId;
    if (snapshot !== undefined) this.take(snapshot);
  }

  /** @param txId the state is that of this transaction: of the snapshot, or of the one that took it */
  private take(snapshot: Snapshot, txId = this.reader.txId): void {
    try {
      this.setState(loadState(this.codec, snapshot), txId);
      this.phase = 'following';
      this.hasDiverged = false;
    } catch (thrown) {
      this.phase = 'waiting';
      this.problem(thrown as AepError);
    }
  }

  private setState(state: unknown, txId: number): void {
    this.state = this.core.pipeline.state = state;
    this.txId = txId;
  }

  private differs(difference: ReplayDifference): void {
    this.hasDiverged = true;
    this.problem(replayDiffers(this.core.options.name, difference));
  }

  private problem(problem: AepError): void {
    this.problems++;
    this.first ??= problem;
    this.core.alert(new ReplayDiffers(this.core.options.name, problem));
    this.listener.onProblem(problem);
  }
}

interface RunPart {
  readonly run: RecordRun;
  at: number;
}

const RECORDS_PER_TURN = 128;

/** Records that wait for the handlers; their bytes are mostly in memory anyway. */
const QUEUED_BYTES_MAX = 1024 * 1024;
