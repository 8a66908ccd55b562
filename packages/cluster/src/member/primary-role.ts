import { AepError } from '@aep/kernel';
import { HEADER_BYTES, LocalCause, RECORD_VERSION, RecordKind, RecordWriter } from '@aep/store';
import type { GroupRecord, MemberRef } from '../arbiter/arbiter.js';
import type { Admission, DownstreamConnection } from '../link/downstream.js';
import type { Bye, GroupPosition } from '../link/frames.js';
import { checkVersions, type Hello, NONCE_BYTES, type Welcome } from '../link/handshake.js';
import type { FollowerSession, SessionOwner } from '../replication/follower-session.js';
import type { GroupStability } from '../replication/group-stability.js';
import type { HeldStore, StoreUser } from '../replication/held-store.js';
import type { RecentRecords } from '../replication/recent-records.js';
import type { Election } from './backup-role.js';
import type { MemberContext } from './context.js';
import { EngineRun } from './engine-run.js';
import type { Membership } from './membership.js';
import { notPrimary, staleEpoch, steppedDown } from './member-errors.js';
import { isSameMember } from './register.js';
import { ReplicationWatch } from './replication-watch.js';
import { SwitchOver, switchRefused } from './switch-over.js';

export interface PrimaryParts {
  readonly election: Election;
  readonly listener: PrimaryListener;
}

export interface PrimaryListener {
  /** The group has another primary; everything that could release something has been stopped. The engine is still ending. */
  onDeposed(cause: AepError): void;
  /** The engine is no more. `cause` is undefined when it was drained. */
  onEngineEnded(cause: AepError | undefined): void;
  onActive(): void;
}

/**
 * - `equalising`: the register is ours, but records of our journal are not stable in the group yet: the engine waits.
 * - `active`: the engine runs.
 * - `ended`: nothing is released any more.
 */
export type PrimaryPhase = 'equalising' | 'active' | 'ended';

/**
 * A member that is the primary: one life of it, from a change of the register that it made itself to the moment when it learns
 * of a later one. Everything late — an acknowledgement, an answer of the arbiter, a durable epoch — finds `ended` and does
 * nothing.
 */
export class PrimaryRole implements Admission, SessionOwner, StoreUser {
  phase: PrimaryPhase = 'equalising';
  /** In which this member acts: set in the register and durable here. */
  epoch: number;
  readonly self: MemberRef;
  readonly stability: GroupStability;
  readonly membership: Membership;
  readonly sessions = new Map<string, FollowerSession>();
  protected readonly held: HeldStore;
  private readonly recent: RecentRecords;
  private engine: EngineRun | undefined;
  private switchOver: SwitchOver | undefined;
  private isStopping = false;
  /** It ended without an engine, or after one that had been drained: nothing of it is on its way to the store. */
  isStoreIdle = false;
  /** A follower knows a higher epoch: nothing is released until the register has told whether it is still ours. */
  private isDoubted = false;
  private readonly watch: ReplicationWatch;

  constructor(
    protected readonly context: MemberContext,
    protected readonly parts: PrimaryParts,
  ) {
    const { held, follower, record, stableTxId } = parts.election;
    const { recent } = follower;
    this.held = held;
    this.recent = recent;
    const local = held.store;
    this.epoch = record.epoch;
    this.self = record.primary;
    this.stability = new context.parts.GroupStability(stableTxId, local.journal.stableTxId, (txId) =>
      this.onMark(txId),
    );
    this.membership = new context.parts.Membership(context, record, {
      sessions: this.sessions,
      stability: this.stability,
      beganAtTxId: local.journal.lastTxId,
      self: this.self,
      makeDurable: (epoch, done) => this.makeDurable(epoch, done),
      onAdopted: (adopted) => this.onAdopted(adopted),
      onLost: (current) => this.depose(current),
    });
    this.watch = new ReplicationWatch(context, {
      journal: local.journal,
      stability: this.stability,
      sessions: this.sessions,
      membership: this.membership,
    });
  }

  start(): void {
    if (this.phase === 'ended') return;
    this.held.usedBy(this);
    this.membership.start();
    this.watch.start();
    this.stability.local(this.held.store.journal.stableTxId);
    if (this.parts.election.isUnsafe) this.recordPromotion();
    this.held.store.journal.commit();
    this.startEngineWhenEqual();
  }

  /** H9: whoever reads the journal later sees where somebody decided that what others may have had is given up. */
  private recordPromotion(): void {
    const { journal } = this.held.store;
    const writer = new RecordWriter(HEADER_BYTES);
    writer.begin(RecordKind.epochStart, this.epoch, journal.lastTxId + 1, this.context.clock.wallMs());
    writer.localCause(LocalCause.command, 'promote --unsafe');
    writer.seal(journal.lastHash);
    const result = journal.append(writer.bytes, writer.length);
    if (result === 'accepted')
      this.recent.add(journal.lastTxId, journal.appended.bytes, journal.appended.start, writer.length);
    else this.context.log.log('error', 'the promotion could not be recorded in the journal', { result });
  }

  /** The register has another value than the one that this role has set. */
  onRegister(record: GroupRecord): void {
    if (this.phase !== 'ended') this.membership.onRegister(record);
  }

  /** Ends this life: no further mark, no further frame. The engine is told as by a disk that failed. */
  end(cause: AepError, saying: AepError = cause): void {
    if (this.phase === 'ended') return;
    if (this.phase === 'equalising') this.context.mark('stepped-down-early');
    this.phase = 'ended';
    // First of all the engine and its journal: whatever the calls below cause, nothing can be released by it.
    const { engine } = this;
    engine?.halt(cause);
    this.membership.stop();
    this.switchOver?.stop();
    this.held.usedBy(undefined);
    this.watch.stop();
    for (const session of this.sessions.values()) session.end(saying);
    this.sessions.clear();
    if (engine !== undefined) return;
    this.isStoreIdle = true;
    this.context.clock.defer(() => this.parts.listener.onEngineEnded(cause));
  }

  /** Handles what was accepted and ends the engine in order; `onEngineEnded` follows. @param isForGood no other one begins here */
  drain(isForGood = false): void {
    this.isStopping ||= isForGood;
    if (this.engine !== undefined) this.engine.drain();
    else this.context.clock.defer(() => this.parts.listener.onEngineEnded(undefined));
  }

  /**
   * Hands over to a listed member (H8). `done` comes when the register has it, or with the reason why not; then this member is
   * still the primary.
   */
  switchTo(name: string, done: (error: AepError | undefined) => void): void {
    const target = this.membership.listedOthers().find((ref) => ref.name === name);
    if (this.phase !== 'active' || this.switchOver !== undefined || target === undefined)
      return done(
        switchRefused(name, target === undefined ? 'it is not listed as a member' : 'this one is not ready for it'),
      );
    this.switchOver = new SwitchOver(this.context, this, target, (error) => {
      this.switchOver = undefined;
      done(error);
    });
    this.switchOver.start();
  }

  /** After a switch that was given up: the engine has been drained for nothing. */
  restartEngine(): void {
    if (this.phase === 'ended') return;
    this.phase = 'equalising';
    if (this.isStopping) this.drain();
    else this.startEngineWhenEqual();
  }

  /** All listed members have all there is. */
  get isEqual(): boolean {
    return this.stability.markTxId === this.held.store.journal.lastTxId;
  }

  /** Of the newest records, held in memory. */
  get recentBytes(): number {
    return this.recent.heldBytes;
  }

  // Followers come and go.

  welcome(hello: Hello): Omit<Welcome, 'proof'> {
    const { options, random } = this.context;
    checkVersions({ version: options.version, recordVersion: RECORD_VERSION }, hello);
    this.checkStillPrimary(hello);
    return {
      member: this.self.name,
      storeId: this.self.storeId,
      epoch: this.epoch,
      incarnation: this.held.store.identity.incarnation,
      version: options.version,
      heartbeatMs: options.limits.heartbeatMs,
      nonce: Uint8Array.from({ length: NONCE_BYTES }, () => random.below(256)),
    };
  }

  join(hello: Hello, connection: DownstreamConnection): FollowerSession {
    this.checkStillPrimary(hello);
    const { limits } = this.context.options;
    const session = new this.context.parts.FollowerSession(
      {
        clock: this.context.clock,
        store: this.held.store,
        maker: this.context.maker,
        source: { journal: this.held.store.journal, recent: this.recent, kept: this.held },
        owner: this,
        mark: this.context.mark,
        limits,
        isWaitedFor: (follower) => this.membership.isWaitedFor(follower),
      },
      hello,
      connection,
    );
    const before = this.sessions.get(hello.member);
    this.sessions.set(hello.member, session);
    before?.end(replaced(hello.member));
    this.context.emit({ type: 'MemberUp', member: hello.member });
    // The connection must know the session before the session ends it.
    this.context.clock.defer(() => {
      if (session.phase !== 'ended') session.start();
    });
    return session;
  }

  position(): GroupPosition {
    const { journal } = this.held.store;
    const stableTxId = this.stability.markTxId;
    return {
      epoch: this.epoch,
      stableTxId,
      confirmedTxId: Math.min(journal.confirmedTxId, stableTxId),
      firstTxId: this.held.firstTxId,
    };
  }

  onDiverged(session: FollowerSession, commonTxId: number): boolean {
    const { options, emit } = this.context;
    emit({
      type: 'DivergenceDetected',
      member: session.name,
      commonTxId,
      appliedTxId: session.appliedTxId,
    });
    if (options.onDivergence === 'copy') return true;
    session.end(diverged(session.name, commonTxId, session.appliedTxId));
    return false;
  }

  onMoved(session: FollowerSession): void {
    if (this.phase === 'ended') return;
    this.membership.onMoved(session);
    this.switchOver?.look();
  }

  onEnded(session: FollowerSession, cause: AepError, peerSaid: Bye | undefined): void {
    if (this.sessions.get(session.name) !== session) return;
    this.sessions.delete(session.name);
    this.context.emit({ type: 'MemberDown', member: session.name, cause });
    if (this.phase === 'ended') return;
    this.membership.onGone(session, peerSaid?.code === 'AEP_CLUSTER_STOPPED');
    this.switchOver?.look();
  }

  // What becomes durable and stable.

  onDurable(txId: number): void {
    if (this.phase === 'ended') return;
    this.recent.durable(txId);
    this.stability.local(txId);
    // A follower that reads from the journal may go on.
    this.pump();
  }

  protected onMark(txId: number): void {
    if (this.phase === 'ended') return;
    if (!this.isDoubted) this.engine?.stable(txId);
    this.startEngineWhenEqual();
  }

  /** The mark as the engine may know it. */
  protected releasedTxId(): number {
    return this.isDoubted ? this.doubtedAtTxId : this.stability.markTxId;
  }

  private doubtedAtTxId = 0;

  protected pump(): void {
    for (const session of this.sessions.values()) {
      session.pump();
      session.flush();
    }
  }

  protected neededFromTxId(): number {
    let lowest = this.stability.lowestAckedTxId + 1;
    for (const session of this.sessions.values()) lowest = Math.min(lowest, session.neededFromTxId);
    return lowest;
  }

  /**
   * The engine takes what its journal holds for the truth, so all of it must be stable first. After a takeover that is so at
   * once; after a restart the members that are still listed must have the tail of the journal, or be left out.
   */
  protected startEngineWhenEqual(): void {
    if (this.phase !== 'equalising' || !this.isEqual || this.isDoubted || this.isStopping) return;
    this.phase = 'active';
    this.context.log.log('info', 'this member is the primary', {
      epoch: this.epoch,
      lastTxId: this.held.store.journal.lastTxId,
    });
    this.engine = new EngineRun(this.context, {
      held: this.held,
      recent: this.recent,
      epoch: () => this.epoch,
      markTxId: () => this.releasedTxId(),
      neededFromTxId: () => this.neededFromTxId(),
      onCommit: () => this.pump(),
      onStarted: () => {
        if (this.phase !== 'ended') this.parts.listener.onActive();
      },
      onEnded: (cause) => {
        this.engine = undefined; // before a switch that is given up begins another one
        if (this.switchOver?.onEngineEnded(cause) !== true) this.parts.listener.onEngineEnded(cause);
      },
    });
  }

  // The epoch.

  /** Durable here before anything is done in it (H4). */
  protected makeDurable(epoch: number, done: () => void): void {
    this.held.store.setEpoch(epoch, (error) => {
      if (error !== undefined) this.context.fail(error);
      else if (this.phase !== 'ended') done();
    });
  }

  protected onAdopted(record: GroupRecord): void {
    this.epoch = record.epoch;
    this.context.emit({ type: 'MembersChanged', epoch: record.epoch, members: record.members });
    for (const session of this.sessions.values()) {
      if (record.members.some((one) => isSameMember(one, session))) session.tellPaired(record.epoch);
    }
    this.startEngineWhenEqual();
  }

  protected depose(current: GroupRecord): void {
    if (this.phase === 'ended') return;
    this.context.mark('stepped-down');
    const cause = steppedDown(this.self.name, this.epoch, current);
    this.end(cause, notPrimary(this.self.name, current.epoch));
    this.parts.listener.onDeposed(cause);
  }

  /**
   * A member promises an epoch only after the register has had it, so a higher one than ours means that the register has moved.
   * It is read before anything more is released (H4); most often it then turns out that another member is the primary.
   */
  protected checkStillPrimary(hello: Hello): void {
    if (this.phase === 'ended') throw notPrimary(this.self.name, this.epoch);
    if (hello.promisedEpoch <= this.epoch) return;
    this.context.mark('higher-epoch-seen');
    this.doubt();
    throw staleEpoch(this.self.name, this.epoch, hello.promisedEpoch);
  }

  protected doubt(): void {
    if (this.isDoubted) return;
    this.doubtedAtTxId = this.stability.markTxId;
    this.isDoubted = true;
    this.context.register.refresh(() => {
      // When another member was found, this role has ended by now.
      if (this.phase === 'ended') return;
      this.isDoubted = false;
      this.startEngineWhenEqual();
      if (this.stability.markTxId > this.doubtedAtTxId) this.engine?.stable(this.stability.markTxId);
    });
  }
}

function replaced(member: string): AepError {
  return new AepError('AEP_LINK_REPLACED', 'retry', `member ${member} has made a newer link`, { member });
}

function diverged(member: string, commonTxId: number, appliedTxId: number): AepError {
  return new AepError(
    'AEP_CLUSTER_DIVERGED',
    'fatal',
    `member ${member} holds records up to ${appliedTxId} in its tables that the group does not have after ${commonTxId}: ` +
      'keep its data directory for inspection, then let it join with an empty one (or set onDivergence to "copy")',
    { member, commonTxId, appliedTxId },
  );
}
