import type { TimerHandle } from '@aep/kernel';
import type { GroupRecord, MemberRef } from '../arbiter/arbiter.js';
import type { FollowerSession } from '../replication/follower-session.js';
import type { GroupStability } from '../replication/group-stability.js';
import type { MemberContext } from './context.js';
import { isSameMember } from './register.js';

export interface MembershipParts {
  readonly self: MemberRef;
  readonly sessions: ReadonlyMap<string, FollowerSession>;
  readonly stability: GroupStability;
  /**
   * Where the journal ended when this life of the primary began. Any of it may have been released in an earlier life, although
   * after a restart the mark does not say so yet.
   */
  readonly beganAtTxId: number;
  /** Calls back when the epoch is durable here, unless the role has ended. */
  readonly makeDurable: (epoch: number, done: () => void) => void;
  /** The register has this value, this member is its primary, and the promise is durable. */
  readonly onAdopted: (record: GroupRecord) => void;
  /** Another member is the primary. */
  readonly onLost: (current: GroupRecord) => void;
}

interface Candidate {
  readonly ref: MemberRef;
  /** A change that lists it has been asked for: it may have happened, or still happen. */
  isProposed: boolean;
}

/**
 * Whom the primary counts, and how it changes that (H3). The rule behind all of it: **whoever the register lists may take over
 * at any moment, so the register never lists a member that lacks something released, not even by a change that was asked for
 * long ago and arrives late.**
 *
 * - *pair*: first the member is counted, which freezes the mark until it has acknowledged all that was released; only then the
 *   register is asked to list it.
 * - *solo*: first the register, then the member stops being counted. While the answer is missing, nothing becomes stable.
 * - A member that was asked for and went away before the answer came is still counted. Reading the register does not help: the
 *   change may be on its way. Only a later change of our own makes sure that it never happens, so one is made.
 */
export class Membership {
  /** Of the register, durable here or about to be. */
  record: GroupRecord;
  protected readonly candidates = new Map<string, Candidate>();
  private readonly goneSinceMs = new Map<string, number>();
  /** Since when a follower that is not listed has lacked no more than `pairWithinRecords`. */
  private readonly nearSinceMs = new WeakMap<FollowerSession, number>();
  private isChanging = false;
  private isUnanswered = false;
  /** The epoch of `record` is not durable here yet. */
  private isAdopting = false;
  private isStopped = false;
  /** While a switch is under way nobody is added or left out. */
  private isHeld = false;
  private timer: TimerHandle | undefined;

  constructor(
    private readonly context: MemberContext,
    record: GroupRecord,
    protected readonly parts: MembershipParts,
  ) {
    this.record = record;
    for (const ref of this.listedOthers()) {
      if (this.waitsForMembers) parts.stability.count(ref.name, 0);
      this.goneSinceMs.set(ref.name, context.clock.monotonicMs());
    }
  }

  start(): void {
    this.evaluate();
  }

  stop(): void {
    this.isStopped = true;
    this.disarm();
  }

  /** The others that are listed. */
  listedOthers(): MemberRef[] {
    return this.record.members.filter((ref) => !isSameMember(ref, this.parts.self));
  }

  isListed(session: FollowerSession): boolean {
    return this.record.members.some((ref) => isSameMember(ref, session));
  }

  /** Listed, or about to be: nothing becomes stable without it. */
  isWaitedFor(session: FollowerSession): boolean {
    return this.isListed(session) || this.candidates.has(session.name);
  }

  onMoved(session: FollowerSession): void {
    if (session.isStreaming) {
      const counted =
        this.candidates.get(session.name)?.ref ?? this.record.members.find(({ name }) => name === session.name);
      // What another life of its store has acknowledged says nothing about this one, nor the other way round.
      if (isSameMember(counted, session)) this.parts.stability.acked(session.name, session.ackedTxId);
    }
    // The usual acknowledgement changes nothing about who is listed.
    if (this.candidates.size === 0 && session.isStreaming && this.isListed(session)) return;
    this.evaluate();
  }

  /** @param forGood it has said that it stops: nobody need wait for it */
  onGone(session: FollowerSession, forGood: boolean): void {
    this.goneSinceMs.set(session.name, forGood ? -Infinity : this.context.clock.monotonicMs());
    this.evaluate();
  }

  /** The register has a higher epoch than we have set or know of. */
  onRegister(record: GroupRecord): void {
    if (this.isStopped || record.epoch <= this.record.epoch) return;
    if (isSameMember(record.primary, this.parts.self)) {
      // Only this process changes the register while it is the primary: a change whose answer was lost or is still coming.
      if (this.isUnanswered) this.context.mark('change-happened-unseen');
      this.adopt(record);
    } else this.parts.onLost(record);
  }

  /** No member comes or goes any more: for a switch. */
  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    if (!isHeld) this.evaluate();
  }

  /** Whether a change is under way whose outcome is open. */
  get isBusy(): boolean {
    return this.isChanging || this.isAdopting;
  }

  protected get waitsForMembers(): boolean {
    return this.context.options.acks === 'members';
  }

  /** Looks at who is there, and asks for the change that follows, one at a time. */
  protected evaluate(): void {
    if (this.isStopped || this.isChanging || this.isAdopting) return;
    // Also while a switch is under way, which would else wait for somebody who is not there.
    this.dropAbsentCandidates();
    if (this.isHeld) return;
    this.disarm();
    this.considerCandidates();
    const kept = this.listedOthers().filter((ref) => this.isToStay(ref));
    const added = [...this.candidates.values()].filter((candidate) => this.isReady(candidate)).map(({ ref }) => ref);
    const isFenceNeeded = [...this.candidates.values()].some(
      (candidate) => candidate.isProposed && !this.isPresent(candidate.ref),
    );
    const isSame = kept.length === this.listedOthers().length && added.length === 0;
    this.startCopies();
    if (isSame && !isFenceNeeded) return;
    if (isFenceNeeded) this.context.mark('pairing-fenced');
    if (kept.length < this.listedOthers().length) this.context.mark('solo');
    this.propose([this.parts.self, ...kept, ...added]);
  }

  /** Whoever was never asked for in the register need not be waited for. */
  private dropAbsentCandidates(): void {
    for (const [name, candidate] of this.candidates) {
      if (candidate.isProposed || this.isPresent(candidate.ref)) continue;
      this.candidates.delete(name);
      this.parts.stability.uncount(name);
    }
  }

  protected considerCandidates(): void {
    const { sessions, stability } = this.parts;
    for (const session of sessions.values()) {
      // A name that is listed with another store is left out first.
      if (this.record.members.some(({ name }) => name === session.name) || this.candidates.has(session.name)) continue;
      if (!session.isStreaming || !session.hasAcknowledged || session.lacks > this.mayLack(session)) continue;
      const ref = { name: session.name, storeId: session.storeId };
      this.candidates.set(session.name, { ref, isProposed: false });
      // From here on nothing becomes stable without it: it behaves as paired before it is.
      if (this.waitsForMembers) stability.count(session.name, session.ackedTxId);
    }
  }

  /**
   * Records that a follower may lack when it is counted. Few at first, because nothing becomes stable until it has them; then more
   * and more, because under load it always lacks what is under way.
   */
  private mayLack(session: FollowerSession): number {
    const { clock, options } = this.context;
    const { pairWithinRecords } = options.limits;
    const nowMs = clock.monotonicMs();
    const sinceMs = this.nearSinceMs.get(session) ?? nowMs;
    if (session.lacks > pairWithinRecords) this.nearSinceMs.delete(session);
    else this.nearSinceMs.set(session, sinceMs);
    return Math.min(pairWithinRecords, NEAR_RECORDS * 2 ** ((nowMs - sinceMs) / NEAR_DOUBLES_MS));
  }

  /** It has all that was released, and because it is counted that stays so. */
  protected isReady({ ref }: Candidate): boolean {
    const session = this.parts.sessions.get(ref.name);
    const { stability, beganAtTxId } = this.parts;
    if (!this.isPresent(ref)) return false;
    // With `acks: none` it is not waited for, so it may never have all of it while there is work; being near is enough, once its
    // store counts.
    const neededTxId = this.waitsForMembers ? Math.max(stability.markTxId, beganAtTxId) : session!.copiedTxId;
    return session!.isCaughtUp(neededTxId);
  }

  protected isPresent(ref: MemberRef): boolean {
    const session = this.parts.sessions.get(ref.name);
    return session !== undefined && session.isStreaming && isSameMember(session, ref);
  }

  /** A listed member stays while its link is up, and for a moment after. */
  protected isToStay(ref: MemberRef): boolean {
    const session = this.parts.sessions.get(ref.name);
    if (session !== undefined) {
      if (isSameMember(session, ref) && session.phase !== 'awaiting-copy') return true;
      // It says itself that it has lost its store, or that what it has is of no use.
      this.context.mark('copy-of-a-member');
      return false;
    }
    const { clock, options } = this.context;
    const goneMs = clock.monotonicMs() - (this.goneSinceMs.get(ref.name) ?? 0);
    const leftMs = options.limits.soloAfterMs - goneMs;
    if (leftMs <= 0) return false;
    // Not less than a step of the clock: the sum of two times may fall short of the second by a rounding.
    this.arm(Math.max(1, leftMs));
    return true;
  }

  /** A copy replaces a store that nobody counts on. */
  private startCopies(): void {
    for (const session of this.parts.sessions.values()) {
      if (session.phase !== 'awaiting-copy' || this.candidates.has(session.name)) continue;
      if (!this.record.members.some(({ name }) => name === session.name)) session.startCopy();
    }
  }

  protected propose(members: readonly MemberRef[]): void {
    const next: GroupRecord = { ...this.record, epoch: this.record.epoch + 1, members };
    for (const candidate of this.candidates.values()) if (members.includes(candidate.ref)) candidate.isProposed = true;
    this.isChanging = true;
    this.context.register.change(next, (outcome) => {
      this.isChanging = false;
      if (this.isStopped) return;
      if (outcome === 'done') this.adopt(next);
      this.isUnanswered = outcome === 'unknown';
      if (outcome === 'unknown') this.retryAfterRead();
      // What the register has instead of `next` comes by `onRegister`; it may have come before this answer.
      else this.context.clock.defer(() => this.evaluate());
    });
  }

  /** What is known is at least as new as the failed change; asking again from the same epoch then decides which one happens. */
  protected retryAfterRead(): void {
    this.isChanging = true;
    this.context.register.refresh(() => {
      this.isChanging = false;
      this.evaluate();
    });
  }

  protected adopt(record: GroupRecord): void {
    if (record.epoch <= this.record.epoch) return;
    const added = record.members.filter((ref) => !this.record.members.some((old) => isSameMember(old, ref)));
    this.record = record;
    this.isAdopting = true;
    if (added.length > 0) this.context.mark('paired');
    this.parts.makeDurable(record.epoch, () => {
      // A later one is under way already: it decides.
      if (this.isStopped || record.epoch !== this.record.epoch) return;
      this.isAdopting = false;
      this.recount();
      this.parts.onAdopted(record);
      this.evaluate();
    });
  }

  /** Changes asked for before this epoch can never happen any more: only who is listed now counts. */
  protected recount(): void {
    const { stability } = this.parts;
    const listed = this.listedOthers();
    for (const name of this.candidates.keys()) {
      this.candidates.delete(name);
      if (!listed.some((ref) => ref.name === name)) stability.uncount(name);
    }
    for (const name of stability.countedNames()) if (!listed.some((ref) => ref.name === name)) stability.uncount(name);
    for (const ref of listed) if (this.waitsForMembers) stability.count(ref.name, this.ackedBy(ref));
  }

  protected ackedBy(ref: MemberRef): number {
    const session = this.parts.sessions.get(ref.name);
    return session !== undefined && isSameMember(session, ref) ? session.ackedTxId : 0;
  }

  private arm(delayMs: number): void {
    if (this.timer !== undefined) return;
    this.timer = this.context.clock.schedule(delayMs, () => {
      this.timer = undefined;
      this.evaluate();
    });
  }

  private disarm(): void {
    if (this.timer !== undefined) this.context.clock.cancel(this.timer);
    this.timer = undefined;
  }
}

/** Some milliseconds of work for a follower. */
const NEAR_RECORDS = 200;
const NEAR_DOUBLES_MS = 200;
