import { AepError, type Clock } from '@aep/kernel';
import { readU32 } from '@aep/net/internal';
import { type AppendResult, Checkpointer, type CheckpointOptions, HEADER_BYTES, RecordReader } from '@aep/store';
import { issueStable } from '@aep/store/internal';
import type { GroupPosition } from '../link/frames.js';
import { protocolError } from '../link/protocol.js';
import type { MarkName } from '../member/marks.js';
import type { HeldStore, StoreUser } from './held-store.js';
import { RecentRecords } from './recent-records.js';
import { RecordFeed } from './record-feed.js';
import type { ReplayPort } from './replay-port.js';

export interface FollowerParts {
  readonly held: HeldStore;
  readonly clock: Clock;
  /** Bytes of records that may wait to be appended: what the primary was told in the hello. */
  readonly windowBytes: number;
  readonly recentBytesMax: number;
  readonly checkpoint: CheckpointOptions;
  readonly mark: (name: MarkName) => void;
  readonly listener: FollowerListener;
  readonly replay: ReplayPort | undefined;
}

export interface FollowerListener {
  /** More is durable: acknowledge. */
  onDurable(txId: number): void;
  /** What came over the link is wrong; nothing of it was kept. */
  onBadRecord(error: AepError): void;
  /** The tables could not be written: fatal for the member (H22). */
  onFailure(error: AepError): void;
  /** Handlers that were run here did something else than they did on the primary (H11). */
  onReplayProblem(problem: AepError): void;
}

interface PendingRun {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

/** Records folded before other work of the process gets its turn. */
const FOLD_RECORDS_MAX = 2_048;

/**
 * A backup's side of replication: appends what the primary sends, after checking every record against its checksum and the one
 * before it, and folds into the tables what the group has (H11, E35).
 *
 * ```
 * records ─> check ─> journal ─ sync ─> acknowledged
 *                        └─ up to min(durable here, stable in the group) ─> tables
 * ```
 * So a cut never meets a record that is in the tables: what may be cut is not stable in the group.
 */
export class Follower implements StoreUser {
  /** Records up to here are stable in the group, as far as the primary has told. */
  groupStableTxId = 0;
  readonly recent: RecentRecords;
  private readonly reader = new RecordReader();
  private readonly queue: PendingRun[] = [];
  private queuedBytes = 0;
  private checkpointer: Checkpointer | undefined;
  private folds: RecordFeed;
  private isFoldPlanned = false;
  private isCutting = false;
  private isClosed = false;
  private whenAtRest: (() => void)[] = [];
  private keepFromTxId = 0;
  /** Everything is to be folded, then this is called: the journal has become the truth. */
  private settled: (() => void) | undefined;

  constructor(protected readonly parts: FollowerParts) {
    const { held } = parts;
    const { journal, tables } = held.store;
    this.recent = new RecentRecords(journal.lastTxId, parts.recentBytesMax);
    this.folds = new RecordFeed({ journal, recent: this.recent, kept: held }, tables.appliedTxId + 1);
    held.usedBy(this);
  }

  /** The tables are complete, so they may follow the journal: at once, or when the copy of a state has come to its end. */
  startFolding(): void {
    const { held, clock, listener, checkpoint } = this.parts;
    const { journal, tables } = held.store;
    this.folds = new RecordFeed({ journal, recent: this.recent, kept: held }, tables.appliedTxId + 1);
    this.checkpointer = new Checkpointer(
      tables,
      clock,
      {
        onApplied: () => this.goOn(),
        onFailure: (error) => listener.onFailure(error),
      },
      checkpoint,
    );
    this.parts.replay?.begin(held.store, tables.appliedTxId, {
      onRoom: () => this.goOn(),
      onProblem: (problem) => listener.onReplayProblem(problem),
      onFailure: (error) => listener.onFailure(error),
    });
    this.fold();
  }

  /** Nothing is being written: what the journal says of itself can be told to a primary. */
  get isAtRest(): boolean {
    const { journal } = this.parts.held.store;
    return !this.isCutting && journal.stableTxId === journal.lastTxId;
  }

  /**
   * Takes packed records, `bytes[start, end)`, of a primary of this epoch.
   *
   * @throws AEP_LINK_PROTOCOL, AEP_RECORD_CORRUPT: the connection is to end; nothing wrong was kept
   */
  records(bytes: Uint8Array, start: number, end: number): void {
    if (this.isClosed) return;
    if (this.queue.length > 0 && this.queuedBytes + end - start > this.parts.windowBytes)
      throw protocolError('more records than the window that it was told');
    this.queue.push({ bytes, at: start, end });
    this.queuedBytes += end - start;
    this.append();
  }

  /** What the primary has told of the group. */
  position(position: GroupPosition): void {
    if (this.isClosed) return;
    this.groupStableTxId = Math.max(this.groupStableTxId, position.stableTxId);
    const { journal } = this.parts.held.store;
    journal.setConfirmed(Math.min(position.confirmedTxId, journal.stableTxId, this.groupStableTxId));
    this.keepFromTxId = Math.max(this.keepFromTxId, position.firstTxId);
    this.goOn();
  }

  /** Something that trimming and folding wait for has moved. */
  private goOn(): void {
    this.trim();
    this.fold();
  }

  /** What waited to be appended came over a link that has ended. */
  forgetQueue(): void {
    this.queue.length = 0;
    this.queuedBytes = 0;
  }

  /** Calls back when nothing is being written. */
  rest(done: () => void): void {
    this.whenAtRest.push(done);
    this.parts.held.store.journal.commit();
    this.lookForRest();
  }

  /**
   * Gives up what lies after the last common record (H5); the records that follow wait for it. The caller has made the epoch of
   * the primary durable before: else, after a crash, an older primary might fill the place again.
   */
  cut(afterTxId: number, done: (error: AepError | undefined) => void): void {
    const { held } = this.parts;
    const { journal } = held.store;
    this.isCutting = true;
    this.parts.mark('tail-cut');
    journal.cut(afterTxId, (error) => {
      if (this.isClosed) return;
      this.isCutting = false;
      if (error === undefined) {
        this.recent.endAt(afterTxId);
        // Nothing that was cut had been folded, but the feed may stand in bytes that are gone.
        this.folds = new RecordFeed({ journal, recent: this.recent, kept: held }, this.folds.nextTxId);
      }
      done(error);
      this.append();
      this.lookForRest();
    });
  }

  onDurable(txId: number): void {
    if (this.isClosed) return;
    this.recent.durable(txId);
    // First of all: the clients of the primary wait for it.
    if (!this.isCutting) this.parts.listener.onDurable(txId);
    this.append();
    this.fold();
    this.lookForRest();
  }

  /**
   * This member becomes primary: nothing is taken from another one any more. Calls back when the journal is durable and the
   * tables have all that is stable in the group.
   *
   * @param isTruth all that the journal holds is the group's truth: this member took over alone
   */
  settleAs(isTruth: boolean, done: () => void): void {
    this.forgetQueue();
    this.rest(() => {
      this.settled = done;
      if (isTruth) this.groupStableTxId = this.parts.held.store.journal.lastTxId;
      this.fold();
    });
  }

  /** Stops; the store is its owner's again. A write to the tables that is under way ends without a callback. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.checkpointer !== undefined) this.parts.replay?.end();
    this.forgetQueue();
    this.whenAtRest = [];
    this.checkpointer?.close();
  }

  protected append(): void {
    if (this.isCutting || this.isClosed || this.queue.length === 0) return;
    const { journal } = this.parts.held.store;
    try {
      for (let run = this.queue[0]; run !== undefined; run = this.queue[0]) {
        while (run.at < run.end) {
          const result = this.appendSome(run);
          if (result === 'closed') return;
          if (result === 'back-pressured') {
            // Something waits for the disk, so `onDurable` comes and goes on here; the window bounds what waits with it.
            this.parts.mark('follower-back-pressured');
            return;
          }
        }
        this.queue.shift();
      }
    } catch (error) {
      this.forgetQueue();
      this.parts.listener.onBadRecord(error instanceof AepError ? error : protocolError(String(error)));
    } finally {
      journal.commit();
    }
  }

  /**
   * Copies as much of the run as there is room to where the journal keeps records, then checks and appends each of them there: one
   * copy for many. What is left behind a record that was refused is overwritten by whatever comes next.
   */
  private appendSome(run: PendingRun): AppendResult {
    const { journal } = this.parts.held.store;
    const { bytes, start } = journal.room;
    const end = start + Math.min(run.end - run.at, bytes.length - start);
    bytes.set(run.bytes.subarray(run.at, run.at + end - start), start);
    for (let at = start; ;) {
      const isWhole = end - at >= HEADER_BYTES && readU32(bytes, at) <= end - at;
      // One that reaches beyond the room is appended from where it came: the journal then makes room elsewhere.
      const from = isWhole ? at : run.at;
      const source = isWhole ? bytes : run.bytes;
      const length = this.check(source, from, isWhole ? end : run.end) - from;
      const result = journal.append(source, length, from);
      if (result !== 'accepted') return result;
      this.recent.add(this.reader.txId, journal.appended.bytes, journal.appended.start, length);
      this.queuedBytes -= length;
      run.at += length;
      at += length;
      if (!isWhole || run.at === run.end) return 'accepted';
    }
  }

  /** Checks the record at `bytes[start]` before it is kept; answers its end. */
  protected check(bytes: Uint8Array, start: number, limit: number): number {
    const { journal } = this.parts.held.store;
    const end = this.reader.open(bytes, start, limit);
    this.reader.checkFollows(journal.lastTxId, journal.lastHash);
    if (this.reader.epoch < journal.lastEpoch)
      throw protocolError(`record ${this.reader.txId} has an older epoch than the one before it`);
    return end;
  }

  /** Feeds the tables with what is durable here and stable in the group, as fast as they take it. */
  protected fold(): void {
    const { checkpointer } = this;
    if (checkpointer === undefined || this.isClosed || this.isCutting || this.isFoldPlanned) return;
    const { journal } = this.parts.held.store;
    const upToTxId = Math.min(this.groupStableTxId, journal.stableTxId);
    if (!checkpointer.isBehind && this.parts.replay?.isBehind !== true) {
      try {
        this.feed(checkpointer, Math.min(upToTxId, this.folds.nextTxId + FOLD_RECORDS_MAX - 1));
      } catch (error) {
        // A record of our own that cannot be read: this disk is damaged (S5, H22).
        this.isClosed = true;
        return this.parts.listener.onFailure(error instanceof AepError ? error : protocolError(String(error)));
      }
      if (this.folds.nextTxId > 1) checkpointer.onStable(issueStable(this.folds.nextTxId - 1));
      if (this.folds.nextTxId <= upToTxId) this.planFold();
    }
    this.settle(checkpointer, upToTxId);
  }

  private feed(checkpointer: Checkpointer, lastTxId: number): void {
    for (let run = this.folds.next(lastTxId); run !== undefined; run = this.folds.next(lastTxId)) {
      this.parts.replay?.records(run);
      const view = new DataView(run.bytes.buffer, run.bytes.byteOffset);
      let txId = run.firstTxId;
      for (let at = run.start; at < run.end; txId++) {
        const length = view.getUint32(at, true);
        checkpointer.append(txId, run.bytes, at, length);
        at += length;
      }
    }
  }

  private planFold(): void {
    this.isFoldPlanned = true;
    this.parts.clock.defer(() => {
      this.isFoldPlanned = false;
      this.fold();
    });
  }

  protected settle(checkpointer: Checkpointer, upToTxId: number): void {
    const { settled } = this;
    if (settled === undefined || this.folds.nextTxId <= upToTxId) return;
    this.settled = undefined;
    checkpointer.flush(() => {
      if (!this.isClosed) settled();
    });
  }

  /** A backup keeps what its primary keeps: whatever somebody may still ask of the journal after a failover. */
  protected trim(): void {
    const { held, replay } = this.parts;
    // It may be reading the journal.
    if (replay?.isBehind === true || this.isClosed) return;
    const { tables } = held.store;
    const beforeTxId = Math.min(this.keepFromTxId, tables.appliedTxId);
    held.trim(beforeTxId);
  }

  private lookForRest(): void {
    if (this.whenAtRest.length === 0 || !this.isAtRest) return;
    const waiting = this.whenAtRest;
    this.whenAtRest = [];
    for (const done of waiting) done();
  }
}
