import { AepError, type TimerHandle } from '@aep/kernel';
import type { GroupRecord, MemberRef } from '../arbiter/arbiter.js';
import type { Bye } from '../link/frames.js';
import type { Follower } from '../replication/follower.js';
import type { HeldStore } from '../replication/held-store.js';
import type { MemberContext } from './context.js';
import { FollowedStore } from './followed-store.js';
import type { PrimaryWatch } from './primary-watch.js';
import { isListed, isSameMember } from './register.js';
import type { UpstreamOwner, UpstreamSession } from './upstream-session.js';

/** A member that has become primary. */
export interface Election {
  /** The register has it, set by this process; the promise of its epoch is durable. */
  readonly record: GroupRecord;
  /** The member's store: nobody uses it at the moment, nothing is being written. */
  readonly held: HeldStore;
  /** Has ended. */
  readonly follower: Follower;
  /** Up to here its records are known to be stable in the group. */
  readonly stableTxId: number;
  /** It was not listed, and a person has made it primary all the same (H9). */
  readonly isUnsafe: boolean;
}

export interface BackupListener {
  /** This role has ended. */
  onElected(election: Election): void;
  /** Listed or not, linked or not: look again. */
  onMoved(): void;
  /** The register is still empty after an attempt to set it. */
  onUnclaimed(): void;
}

/**
 * A member that is not the primary: follows whoever is, and takes over when it may and must.
 *
 * ```
 * connect ─ hello ─ welcome ─ [epoch durable] ─ proof ─ (search) ─ follow ─ [cut durable] ─ records ─ acked …
 *    └── lost ── again, or: the primary is gone ── [fence ourselves] ── register ── [epoch durable] ── elected
 * ```
 */
export class BackupRole implements UpstreamOwner {
  protected readonly store: FollowedStore;
  protected session: UpstreamSession | undefined;
  protected isClaiming = false;
  protected isEnded = false;
  /** Whom the link is to; changes with the register. */
  private target: MemberRef | undefined;
  private isConnecting = false;
  private reconnectTimer: TimerHandle | undefined;
  private attempts = 0;
  private readonly watch: PrimaryWatch;

  constructor(
    protected readonly context: MemberContext,
    held: HeldStore | undefined,
    protected readonly listener: BackupListener,
  ) {
    this.watch = new context.parts.PrimaryWatch(context, () => this.takeOver());
    this.store = new FollowedStore(context, {
      onDurable: () => this.session?.acknowledge(),
      onBadRecord: (error) => this.session?.refuse(error),
      onCopied: () => {
        this.session?.acknowledge();
        this.listener.onMoved();
      },
    });
    if (held !== undefined) this.store.use(held);
  }

  /** undefined while there is no store that counts. */
  get self(): MemberRef | undefined {
    return this.store.self;
  }

  get isLinked(): boolean {
    return this.session?.isFollowing === true;
  }

  get held(): HeldStore | undefined {
    return this.store.complete;
  }

  get stableTxId(): number {
    return this.store.follower?.groupStableTxId ?? 0;
  }

  onRegister(record: GroupRecord | undefined): void {
    if (this.isEnded || this.isClaiming || record === undefined) return;
    // Named as primary by a change that this process did not make, or whose answer it never got: not to be acted on (H3).
    if (isSameMember(record.primary, this.self)) {
      this.context.mark('restart-of-primary');
      return this.claim({ ...record, epoch: record.epoch + 1 });
    }
    if (record.primary.name === this.context.options.name) this.lostOwnStore(record);
    else if (!isSameMember(record.primary, this.target)) this.follow(record.primary);
    this.watch.onRegister(record, this.self);
  }

  /** Ends. A store that counts is the owner's when `done` comes, and nothing else is open. */
  end(done: () => void, saying?: AepError): void {
    this.isEnded = true;
    this.watch.stop();
    this.dropLink(saying ?? new AepError('AEP_LINK_REPLACED', 'retry', 'this member begins anew'));
    this.store.end(done);
  }

  // The link.

  /** The register names this member with a store that is gone: it is not the member it was (H3), and waits for another primary. */
  private lostOwnStore({ epoch, primary }: GroupRecord): void {
    if (isSameMember(this.target, primary)) return;
    this.target = primary;
    this.dropLink(new AepError('AEP_CLUSTER_NOT_PRIMARY', 'retry', `the primary is ${primary.name} now`));
    this.context.log.log(
      'error',
      'this member was the primary and has lost its store: another listed member takes over; when there is none, `promote --unsafe`',
      { epoch, lostStoreId: primary.storeId },
    );
  }

  private follow(target: MemberRef): void {
    this.target = target;
    this.attempts = 0;
    this.dropLink(new AepError('AEP_CLUSTER_NOT_PRIMARY', 'retry', `the primary is ${target.name} now`));
    this.watch.lost(false);
    this.connectSoon();
  }

  private get mayConnect(): boolean {
    return !this.isEnded && !this.isClaiming && this.session === undefined;
  }

  private connectSoon(): void {
    if (!this.mayConnect || this.isConnecting) return;
    if (this.reconnectTimer !== undefined) this.context.clock.cancel(this.reconnectTimer);
    this.reconnectTimer = this.context.clock.schedule(this.pauseMs(), () => {
      this.reconnectTimer = undefined;
      this.findAddress();
    });
  }

  private findAddress(): void {
    const { target } = this;
    if (!this.mayConnect || target === undefined || target.name === this.context.options.name) return;
    this.isConnecting = true;
    this.context.arbiter.presence((error, present) => {
      this.isConnecting = false;
      if (!this.mayConnect) return;
      if (error === undefined) this.watch.present(present);
      const { peers } = this.context.options;
      const address = present.find(({ name }) => name === target.name)?.address ?? peers[target.name];
      if (target !== this.target) return this.connectSoon();
      if (address === undefined) {
        // It is not there any more: on one host that is known as soon as its process is dead (H7).
        if (error === undefined) this.watch.lost(true);
        return this.connectSoon();
      }
      this.isConnecting = true;
      this.store.atRest(() => {
        this.isConnecting = false;
        if (this.mayConnect && target === this.target) this.connect(target, address);
        else this.connectSoon();
      });
    });
  }

  private connect(target: MemberRef, address: string): void {
    this.session = new this.context.parts.UpstreamSession(this.context, this.store, target, this);
    this.session.connect(address);
  }

  /** Ends the link from this side. */
  protected dropLink(cause: AepError): void {
    const { session } = this;
    this.session = undefined;
    session?.drop(cause);
    if (this.reconnectTimer !== undefined) this.context.clock.cancel(this.reconnectTimer);
    this.reconnectTimer = undefined;
  }

  onFollowing(): void {
    this.attempts = 0;
    this.watch.found();
    this.listener.onMoved();
  }

  onHint(): void {
    this.context.register.refresh(() => {
      this.onRegister(this.context.register.latest);
      this.listener.onMoved();
    });
  }

  onEnded(session: UpstreamSession, cause: AepError, peerSaid: Bye | undefined): void {
    if (session !== this.session) return;
    this.session = undefined;
    this.context.log.log('info', 'the link to the primary has ended', { primary: this.target?.name }, cause);
    if (peerSaid !== undefined && REFUSED_FOR_GOOD.has(peerSaid.code))
      return this.context.fail(new AepError(peerSaid.code, 'fatal', peerSaid.message));
    // It may have said that another one is the primary, and which one is in the register.
    if (peerSaid !== undefined) this.onHint();
    this.watch.lost(cause.code === 'AEP_NET_CONNECT_FAILED' || peerSaid?.code === 'AEP_CLUSTER_STOPPED');
    this.connectSoon();
    this.listener.onMoved();
  }

  /** The first attempt follows at once: a connection may be lost while both are well. */
  private pauseMs(): number {
    const { reconnectMinMs, reconnectMaxMs } = this.context.options.limits;
    const attempt = this.attempts++;
    if (attempt === 0) return 0;
    const pauseMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(attempt - 1, 20));
    return pauseMs * (0.5 + this.context.random.float() / 2);
  }

  // Becoming the primary.

  protected takeOver(): void {
    const { latest } = this.context.register;
    const { self } = this;
    if (this.isEnded || this.isClaiming || self === undefined || latest === undefined || !isListed(latest, self))
      return;
    this.context.mark('take-over');
    this.claim({ ...latest, epoch: latest.epoch + 1, primary: self, members: [self] });
  }

  /** Asks the register for an epoch in which this member is the primary. */
  claim(next: GroupRecord, unsafe?: Promotion): void {
    if (this.isEnded || this.isClaiming) {
      unsafe?.done(promotionRefused(this.context.options.name, 'it is becoming primary already'));
      return;
    }
    this.isClaiming = true;
    this.watch.pause();
    // Before the register can have the change: whatever the old primary sends from here on is not acknowledged any more, so it
    // cannot release anything that this journal does not hold.
    this.dropLink(new AepError('AEP_CLUSTER_TAKING_OVER', 'retry', `member ${next.primary.name} takes over`));
    this.context.register.change(next, (outcome) => {
      if (this.isEnded) return;
      if (outcome === 'done') return this.won(next, unsafe);
      if (next.epoch === 1) this.context.mark('bootstrap-lost');
      unsafe?.done(promotionRefused(next.primary.name, 'the register was changed by somebody else, or did not answer'));
      // Whether it has happened or not: what the register has now decides. If it names this member, that is not acted on
      // but asked for again, one epoch higher.
      this.context.register.refresh(() => this.unclaimed());
    });
  }

  private won(record: GroupRecord, unsafe: Promotion | undefined): void {
    const { complete: held } = this.store;
    // A register that was lost begins anew at 1; the epochs of records never fall, so it is raised to where they are.
    if (held !== undefined && record.epoch <= held.store.epoch && unsafe !== undefined) {
      const next = { ...record, epoch: record.epoch + 1 };
      this.context.register.change(next, (outcome) => {
        if (this.isEnded) return;
        if (outcome === 'done') this.won(next, unsafe);
        else unsafe.done(promotionRefused(next.primary.name, 'the register did not answer: try again'));
      });
      return;
    }
    unsafe?.done(undefined);
    this.elected(record, unsafe !== undefined);
  }

  /**
   * Makes this member the primary although nobody knows whether it has everything that was acknowledged (H9): for the day when
   * no listed member is left. What only others had is lost.
   */
  promoteUnsafe(done: (error: AepError | undefined) => void): void {
    const { self } = this;
    const { name } = this.context.options;
    const held = this.store.complete;
    if (self === undefined || held === undefined) return done(promotionRefused(name, 'it has no complete store'));
    this.context.register.refresh(() => {
      if (this.isEnded) return done(promotionRefused(name, 'its role has changed meanwhile'));
      this.context.mark('promoted-unsafe');
      const epoch = (this.context.register.latest?.epoch ?? 0) + 1;
      const { incarnation } = held.store.identity;
      this.claim({ epoch, primary: self, members: [self], incarnation }, { done });
    });
  }

  private unclaimed(): void {
    if (this.isEnded) return;
    this.isClaiming = false;
    this.watch.resume();
    this.target = undefined;
    const { latest } = this.context.register;
    if (latest === undefined) this.listener.onUnclaimed();
    else this.onRegister(latest);
  }

  protected elected(record: GroupRecord, isUnsafe: boolean): void {
    const { complete: held, follower } = this.store;
    if (held === undefined || follower === undefined) return;
    const isTruth = record.members.length === 1;
    // H4: durable before anything is done in it. A primary that forgot its epoch in a crash could be taken for an older one.
    held.store.setEpoch(record.epoch, (error) => {
      if (this.isEnded) return;
      if (error !== undefined) return this.context.fail(error);
      follower.settleAs(isTruth, () => {
        if (this.isEnded) return;
        this.isEnded = true;
        this.watch.stop();
        follower.close();
        held.usedBy(undefined);
        const { journal, tables } = held.store;
        const known = Math.max(Math.min(follower.groupStableTxId, journal.lastTxId), tables.appliedTxId);
        this.listener.onElected({ record, held, follower, stableTxId: isTruth ? journal.lastTxId : known, isUnsafe });
      });
    });
  }
}

interface Promotion {
  readonly done: (error: AepError | undefined) => void;
}

export function promotionRefused(member: string, why: string): AepError {
  return new AepError('AEP_CLUSTER_PROMOTION_REFUSED', 'retry', `member ${member} was not made primary: ${why}`, {
    member,
  });
}

/** What another attempt cannot change: a person has to look at it. */
const REFUSED_FOR_GOOD: ReadonlySet<string> = new Set(['AEP_CLUSTER_DIVERGED', 'AEP_CLUSTER_OTHER_HISTORY']);
