import type { TimerHandle } from '@aep/kernel';
import type { GroupRecord, MemberRef, Presence } from '../arbiter/arbiter.js';
import type { MemberContext } from './context.js';
import { isListed, isSameMember } from './register.js';

/**
 * Decides *when* a listed member tries to take over (H7); whether it may is the register's business. At once when the primary
 * was there and now refuses connections or has said that it stops; after a while when it is only silent: the primary, which
 * would rather go on alone, is quicker with that.
 */
export class PrimaryWatch {
  private timer: TimerHandle | undefined;
  private lostSinceMs: number | undefined;
  private hasBeenLinked = false;
  private isGone = false;
  private isPaused = false;
  private record: GroupRecord | undefined;
  private self: MemberRef | undefined;
  private presence: readonly Presence[] = [];

  constructor(
    private readonly context: MemberContext,
    private readonly takeOver: () => void,
  ) {}

  onRegister(record: GroupRecord, self: MemberRef | undefined): void {
    if (!isSameMember(record.primary, this.record?.primary)) this.hasBeenLinked = false;
    this.record = record;
    this.self = self;
    this.arm();
  }

  present(presence: readonly Presence[]): void {
    this.presence = presence;
  }

  /** @param isGone it refuses connections, or has said that it stops */
  lost(isGone: boolean): void {
    this.lostSinceMs ??= this.context.clock.monotonicMs();
    this.isGone = isGone;
    this.arm();
  }

  found(): void {
    this.lostSinceMs = undefined;
    this.isGone = false;
    this.hasBeenLinked = true;
    this.disarm();
  }

  /** Nothing is tried while an attempt is under way. */
  pause(): void {
    this.isPaused = true;
    this.disarm();
  }

  resume(): void {
    this.isPaused = false;
    // The next attempt waits as the first one did.
    this.lostSinceMs = this.context.clock.monotonicMs();
    this.hasBeenLinked = false;
    this.arm();
  }

  stop(): void {
    this.isPaused = true;
    this.disarm();
  }

  private arm(): void {
    this.disarm();
    if (this.isPaused || this.lostSinceMs === undefined || !isListed(this.record, this.self)) return;
    const { takeOverAfterMs, headStartMs } = this.context.options.limits;
    const patienceMs = this.isGone && this.hasBeenLinked ? 0 : takeOverAfterMs;
    const dueMs = this.lostSinceMs + patienceMs + this.betterCandidates() * headStartMs;
    this.timer = this.context.clock.schedule(Math.max(0, dueMs - this.context.clock.monotonicMs()), () => {
      this.timer = undefined;
      this.takeOver();
    });
  }

  private disarm(): void {
    if (this.timer !== undefined) this.context.clock.cancel(this.timer);
    this.timer = undefined;
  }

  /** H8: listed members, not the primary, that would rather do it. The names decide between equals. */
  private betterCandidates(): number {
    const { record, self } = this;
    if (record === undefined || self === undefined) return 0;
    const mine = this.context.options.priority;
    return record.members.filter((ref) => {
      if (isSameMember(ref, record.primary) || isSameMember(ref, self)) return false;
      const theirs = this.presence.find(({ name }) => name === ref.name)?.priority;
      // One that has not announced itself is not there.
      return theirs !== undefined && (theirs > mine || (theirs === mine && ref.name < self.name));
    }).length;
  }
}
