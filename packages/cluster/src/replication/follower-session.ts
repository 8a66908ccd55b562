import { AepError, type Clock } from '@aep/kernel';
import { LINK_HIGH_WATER_BYTES } from '@aep/net';
import type { RecordRun, Store, StoreMaker } from '@aep/store';
import type { DownstreamConnection, DownstreamHandler } from '../link/downstream.js';
import type { Acked, Bye, GroupPosition, Probed } from '../link/frames.js';
import type { Hello } from '../link/handshake.js';
import { protocolError } from '../link/protocol.js';
import type { MarkName } from '../member/marks.js';
import type { MemberLimits } from '../member/options.js';
import { CatchUpPace } from './catch-up-pace.js';
import { CopyOut } from './copy-out.js';
import type { RecordSource } from './record-feed.js';
import { RecordFeed } from './record-feed.js';
import { CommonRecordSearch, hashAt } from './record-hashes.js';

/**
 * - `searching`: looking for the last common record.
 * - `awaiting-copy`: too little in common; the copy begins when the primary says so.
 * - `copying`: entries of the tables are on their way.
 * - `streaming`: records are on their way, and acknowledgements count.
 * - `ended`
 */
export type SessionPhase = 'searching' | 'awaiting-copy' | 'copying' | 'streaming' | 'ended';

export interface SessionOwner {
  /** Of this primary's life: told with every frame. */
  position(): GroupPosition;
  /** The follower has a record in its tables that the group does not have. @throws or answers whether a copy may replace its store */
  onDiverged(session: FollowerSession, commonTxId: number): boolean;
  /** Something moved: phase, acknowledgement, end. */
  onMoved(session: FollowerSession): void;
  onEnded(session: FollowerSession, cause: AepError, peerSaid: Bye | undefined): void;
}

export interface SessionParts {
  readonly clock: Clock;
  readonly store: Store;
  readonly maker: StoreMaker;
  readonly source: RecordSource;
  readonly owner: SessionOwner;
  readonly mark: (name: MarkName) => void;
  readonly limits: Pick<MemberLimits, 'copyChunkBytesMax' | 'copyWindowChunks' | 'catchUpBytesPerSecond'>;
  /** What clients of the primary wait for waits for this follower. */
  readonly isWaitedFor: (session: FollowerSession) => boolean;
}

/**
 * A primary's side of one follower, from its proof on: finds where their histories part, has it cut or copies the state, then
 * streams records inside the window that the follower gave. It belongs to one connection and one life of the primary, so what
 * it hears can be of no other.
 */
export class FollowerSession implements DownstreamHandler {
  phase: SessionPhase = 'searching';
  readonly name: string;
  /** Which life of its store this is; changes when a copy makes it anew. */
  storeId: string;
  /** Durable there, of our history. 0 until the stream has begun. */
  ackedTxId = 0;
  /** Its first acknowledgement says that the tail is cut and our epoch is durable there. */
  hasAcknowledged = false;
  protected readonly search: CommonRecordSearch;
  protected feed: RecordFeed | undefined;
  private copy: CopyOut | undefined;
  /** What was sent and is not acknowledged, in order: last txId and bytes of each frame. */
  private readonly unacked: { lastTxId: number; bytes: number }[] = [];
  private unackedBytes = 0;
  private unsent: RecordRun | undefined;
  /** Records from here on stay in the journal because of this follower. */
  private keepFromTxId: number;
  private toldStableTxId = 0;
  private pace: CatchUpPace;
  /** More goes later: in the next turn, or after a pause. */
  private isResting = false;

  constructor(
    protected readonly parts: SessionParts,
    protected readonly hello: Hello,
    protected readonly connection: DownstreamConnection,
  ) {
    this.name = hello.member;
    this.storeId = hello.storeId;
    const { journal } = parts.store;
    const { firstTxId } = parts.source.kept;
    this.keepFromTxId = firstTxId;
    this.pace = this.newPace();
    this.search = new CommonRecordSearch(
      Math.max(firstTxId, hello.firstTxId) - 1,
      Math.min(journal.lastTxId, hello.lastTxId),
    );
  }

  get remote(): string {
    return this.connection.remote;
  }

  /** The journal must keep records from here on. */
  get neededFromTxId(): number {
    return this.phase === 'streaming' ? Math.max(this.ackedTxId + 1, this.keepFromTxId) : this.keepFromTxId;
  }

  get isStreaming(): boolean {
    return this.phase === 'streaming';
  }

  /** Records that it does not have. */
  get lacks(): number {
    return this.parts.store.journal.lastTxId - this.ackedTxId;
  }

  /** In its tables when it connected. */
  get appliedTxId(): number {
    return this.hello.appliedTxId;
  }

  /** What it acknowledges at least when the store that it gets by a copy is complete; 0 without a copy. */
  get copiedTxId(): number {
    return this.copy?.appliedTxId ?? 0;
  }

  /** It has acknowledged in this stream, and has everything up to there. */
  isCaughtUp(txId: number): boolean {
    return this.phase === 'streaming' && this.hasAcknowledged && this.ackedTxId >= txId;
  }

  get copiedEntries(): number {
    return this.copy?.entryCount ?? 0;
  }

  /** Begins; not in the constructor, because the owner must know the session first. */
  start(): void {
    this.guard(() => this.begin());
  }

  /**
   * What is done outside a frame of the follower: a record that cannot be read, or that is gone, ends this session and no more.
   */
  private guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.end(error instanceof AepError ? error : protocolError(String(error)));
    }
  }

  private begin(): void {
    const { identity } = this.parts.store;
    const hasRecords = this.hello.lastTxId > 0;
    if (hasRecords && this.hello.incarnation !== identity.incarnation) return this.end(otherHistory(this.hello));
    if (this.hello.storeId === '' || (!hasRecords && this.hello.incarnation !== identity.incarnation))
      return this.needCopy();
    // The hello has told one hash: in the usual case the search ends with it.
    if (this.search.question === this.hello.lastTxId && this.hello.lastTxId >= this.parts.source.kept.firstTxId - 1)
      this.search.answer(this.isOurs(this.hello.lastTxId, this.hello.lastHash));
    this.goOnSearching();
  }

  end(cause: AepError): void {
    this.connection.end(cause);
  }

  /** Sends what there is, as far as the window and the network let it. */
  pump(): void {
    if (this.phase === 'streaming') this.guard(() => this.sendRecords());
  }

  /**
   * What is in memory goes at once to a follower that is waited for. Of what must be read from the journal, one run a turn, so that
   * the primary's own work comes in between; and who is not waited for yet is sent all of it at a pace.
   */
  private sendRecords(): void {
    const { owner } = this.parts;
    for (;;) {
      if (this.isResting && (this.isFar || !this.isWaitedFor)) break;
      const run = this.unsent ?? this.nextRun();
      this.unsent = undefined;
      if (run === undefined) break;
      const bytes = run.end - run.start;
      // An empty window takes any record, else one that is larger than the window could never pass.
      const isFull = this.unackedBytes > 0 && this.unackedBytes + bytes > this.hello.windowBytes;
      if (isFull || this.connection.bufferedBytes >= LINK_HIGH_WATER_BYTES) {
        if (isFull) this.parts.mark('window-full');
        this.unsent = run;
        break;
      }
      this.unacked.push({ lastTxId: this.feed!.nextTxId - 1, bytes });
      this.unackedBytes += bytes;
      const position = owner.position();
      this.toldStableTxId = position.stableTxId;
      this.connection.records(position, run.bytes.subarray(run.start, run.end));
      const items = this.feed!.nextTxId - run.firstTxId;
      const pauseMs = this.isWaitedFor ? 0 : this.pace.sent(items, bytes);
      if (this.isFar || pauseMs > 0) this.goOnLater(pauseMs);
    }
  }

  private get isWaitedFor(): boolean {
    return this.parts.isWaitedFor(this);
  }

  private newPace(): CatchUpPace {
    const { clock, store, limits } = this.parts;
    return new CatchUpPace({ clock, journal: store.journal, bytesPerSecond: limits.catchUpBytesPerSecond });
  }

  /** What comes next is not in memory any more. */
  private get isFar(): boolean {
    return this.feed!.nextTxId < this.parts.source.recent.firstTxId;
  }

  private goOnLater(pauseMs: number): void {
    if (this.isResting) return;
    this.isResting = true;
    const goOn = (): void => {
      this.isResting = false;
      const againMs = this.isWaitedFor ? 0 : this.pace.pauseMs();
      if (againMs > 0) return this.goOnLater(againMs);
      this.guard(() => this.copy?.nextTurn());
      this.pump();
    };
    if (pauseMs === 0) return this.parts.clock.defer(goOn);
    this.parts.clock.schedule(pauseMs, goOn);
  }

  /** Puts out at once what `pump` has written. */
  flush(): void {
    this.connection.flushNow();
  }

  /** Tells how far the group is, when that has not gone with records. */
  tellPosition(): void {
    if (this.phase !== 'streaming') return;
    const position = this.parts.owner.position();
    if (position.stableTxId > this.toldStableTxId) this.connection.mark(position);
    this.toldStableTxId = position.stableTxId;
  }

  tellPaired(epoch: number): void {
    this.connection.paired(epoch);
  }

  tellSwitched(): void {
    this.connection.switched();
  }

  /** The primary has made sure that nobody counts on the store that is replaced. */
  startCopy(): void {
    if (this.phase !== 'awaiting-copy') return;
    this.phase = 'copying';
    this.parts.mark('state-copy');
    const { store, maker, limits } = this.parts;
    this.keepFromTxId = this.parts.source.kept.firstTxId;
    this.pace = this.newPace();
    this.copy = new CopyOut({
      store,
      snapshot: maker.copySnapshot(store),
      source: this.parts.source,
      connection: this.connection,
      chunkBytesMax: limits.copyChunkBytesMax,
      windowChunks: limits.copyWindowChunks,
      onSent: (items, bytes) => this.goOnLater(this.pace.sent(items, bytes)),
      onDone: (baseTxId) => {
        this.copy?.close();
        this.connection.copyEnd();
        this.stream(baseTxId);
      },
    });
    const { copy } = this;
    this.guard(() => copy.start());
    this.parts.owner.onMoved(this);
  }

  onProbed(probed: Probed): void {
    if (this.phase !== 'searching' || probed.txId !== this.search.question)
      throw protocolError('an answer to no question');
    this.search.answer(probed.hash !== undefined && this.isOurs(probed.txId, probed.hash));
    this.goOnSearching();
  }

  onAcked(acked: Acked): void {
    if (this.phase !== 'streaming') throw protocolError('an acknowledgement before the stream');
    const { owner } = this.parts;
    if (acked.epoch > owner.position().epoch) throw protocolError('an acknowledgement of an epoch that is not yet');
    if (acked.durableTxId >= this.feed!.nextTxId) throw protocolError('an acknowledgement of what was never sent');
    this.hasAcknowledged = true;
    if (acked.durableTxId > this.ackedTxId) {
      this.ackedTxId = acked.durableTxId;
      while (this.unacked.length > 0 && this.unacked[0]!.lastTxId <= acked.durableTxId)
        this.unackedBytes -= this.unacked.shift()!.bytes;
    }
    owner.onMoved(this);
    this.pump();
  }

  onCopyTaken(storeId: string, chunkCount: number): void {
    if (this.phase !== 'copying' || this.copy === undefined) return;
    this.storeId = storeId;
    this.copy.taken(chunkCount);
    this.parts.owner.onMoved(this);
  }

  onRoom(): void {
    this.guard(() => this.copy?.pump());
    this.pump();
  }

  position(): GroupPosition {
    const position = this.parts.owner.position();
    this.toldStableTxId = position.stableTxId;
    return position;
  }

  onEnded(cause: AepError, peerSaid: Bye | undefined): void {
    this.phase = 'ended';
    this.copy?.close();
    this.parts.owner.onEnded(this, cause, peerSaid);
  }

  protected goOnSearching(): void {
    const { question } = this.search;
    if (question !== undefined) {
      this.parts.mark('search-by-halves');
      return this.connection.probe(question);
    }
    const { commonTxId } = this.search;
    const isCutTooDeep = commonTxId !== undefined && this.hello.appliedTxId > commonTxId;
    if (isCutTooDeep) {
      this.parts.mark('diverged');
      if (!this.parts.owner.onDiverged(this, commonTxId)) return;
    }
    if (commonTxId === undefined || isCutTooDeep) this.needCopy();
    else {
      this.connection.follow(commonTxId);
      this.stream(commonTxId);
    }
  }

  protected needCopy(): void {
    this.phase = 'awaiting-copy';
    this.parts.owner.onMoved(this);
  }

  protected stream(afterTxId: number): void {
    this.phase = 'streaming';
    this.pace = this.newPace();
    this.feed = new RecordFeed(this.parts.source, afterTxId + 1);
    this.keepFromTxId = afterTxId + 1;
    this.parts.owner.onMoved(this);
    this.pump();
    this.tellPosition();
  }

  private nextRun(): RecordRun | undefined {
    const feed = this.feed!;
    if (this.isFar) this.parts.mark('fed-from-journal');
    return feed.next(Number.MAX_SAFE_INTEGER);
  }

  protected isOurs(txId: number, hash: { low: number; high: number }): boolean {
    const ours = hashAt(this.parts.source, txId);
    return ours !== undefined && ours.low === hash.low && ours.high === hash.high;
  }
}

function otherHistory(hello: Hello): AepError {
  return new AepError(
    'AEP_CLUSTER_OTHER_HISTORY',
    'reject',
    `member ${hello.member} holds ${hello.lastTxId} records of another history (incarnation ${hello.incarnation}): ` +
      'it was never part of this group; check its data directory, and move it away if it is to join',
    { member: hello.member, lastTxId: hello.lastTxId, incarnation: hello.incarnation },
  );
}
