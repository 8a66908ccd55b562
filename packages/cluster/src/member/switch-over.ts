import { AepError, type TimerHandle } from '@aep/kernel';
import type { GroupRecord, MemberRef } from '../arbiter/arbiter.js';
import type { FollowerSession } from '../replication/follower-session.js';
import type { MemberContext } from './context.js';
import type { Membership } from './membership.js';
import { isSameMember } from './register.js';

/** What a hand-over needs of the primary. */
export interface SwitchingPrimary {
  readonly membership: Membership;
  readonly sessions: ReadonlyMap<string, FollowerSession>;
  /** All listed members have all there is. */
  readonly isEqual: boolean;
  drain(): void;
  restartEngine(): void;
  onRegister(record: GroupRecord): void;
}

/**
 * A planned hand-over (H8): the engine finishes what it has, the target gets all of it, and then the register names the target.
 * Nothing is in doubt but what buses have not confirmed, so nothing is redelivered. Until the register is asked it can be given
 * up, and this member goes on as the primary with a new engine.
 *
 * ```
 * settling ─ draining ─ equalising ─ changing ─> the target asks for an epoch of its own, as after a restart
 * ```
 */
export class SwitchOver {
  private phase: 'settling' | 'draining' | 'equalising' | 'changing' | 'ending' | 'over' = 'settling';
  private refusal: AepError | undefined;
  private timer: TimerHandle | undefined;

  constructor(
    private readonly context: MemberContext,
    private readonly primary: SwitchingPrimary,
    private readonly target: MemberRef,
    private readonly done: (error: AepError | undefined) => void,
  ) {}

  start(): void {
    const { clock, options } = this.context;
    this.primary.membership.hold(true);
    // It would be found out only after the engine was drained, and intake would have stood still for nothing.
    if (this.context.register.isUnreachable) return this.giveUp('the arbiter cannot be read');
    this.timer = clock.schedule(options.limits.switchTimeoutMs, () => this.giveUp('it took too long'));
    this.look();
  }

  /** The role ends, by this switch or otherwise; its links are still up. */
  stop(): void {
    if (this.phase === 'over') return;
    const isDone = isSameMember(this.context.register.latest?.primary, this.target);
    if (isDone) {
      this.context.mark('switched');
      // It would find out from the register; this is quicker.
      this.primary.sessions.get(this.target.name)?.tellSwitched();
    }
    this.finish(isDone ? undefined : switchRefused(this.target.name, 'another change of the group came first'));
  }

  /** Something moved. */
  look(): void {
    const { membership, isEqual } = this.primary;
    if (this.phase === 'over' || this.phase === 'changing' || this.phase === 'ending') return;
    if (!this.areAllThere()) return this.giveUp('a listed member went away, or the target is not listed any more');
    if (this.phase === 'settling' && !membership.isBusy) {
      this.phase = 'draining';
      this.primary.drain();
    } else if (this.phase === 'settling') this.context.clock.schedule(1, () => this.look());
    else if (this.phase === 'equalising' && isEqual) this.change();
  }

  /** Whether the end of the engine belongs to this switch. */
  onEngineEnded(cause: AepError | undefined): boolean {
    if (cause !== undefined) return false;
    if (this.phase === 'draining') {
      this.phase = 'equalising';
      this.look();
      return true;
    }
    if (this.phase !== 'ending') return false;
    this.finish(this.refusal);
    this.primary.restartEngine();
    return true;
  }

  private change(): void {
    this.phase = 'changing';
    const { record } = this.primary.membership;
    const next: GroupRecord = { ...record, epoch: record.epoch + 1, primary: this.target };
    // The target is to know that it has everything, so that it need not wait for us when it begins.
    for (const session of this.primary.sessions.values()) {
      session.tellPosition();
      session.flush();
    }
    this.context.register.change(next, (outcome) => {
      if (this.phase === 'over') return;
      // Ends the role of this member, and with it this switch; the register's watch may have been quicker.
      if (outcome === 'done') this.primary.onRegister(next);
      else if (outcome === 'lost') this.giveUp('another change of the group came first');
      // It may have happened, or still happen. Should it happen later, this member steps down as before any later epoch; going
      // on until then is safe, because the target acknowledges whatever is released meanwhile.
      else this.context.register.refresh(() => this.giveUp('the arbiter did not answer'));
    });
  }

  private giveUp(why: string): void {
    if (this.phase === 'over' || this.phase === 'ending') return;
    const { phase } = this;
    this.context.mark('switch-given-up');
    this.refusal = switchRefused(this.target.name, why);
    // Members may come and go again: the engine may be waiting for one that has gone.
    this.phase = 'ending';
    this.primary.membership.hold(false);
    // An engine that is being drained ends first; then another one begins.
    if (phase === 'draining') return;
    this.finish(this.refusal);
    if (phase !== 'settling') this.primary.restartEngine();
  }

  private finish(error: AepError | undefined): void {
    this.phase = 'over';
    if (this.timer !== undefined) this.context.clock.cancel(this.timer);
    this.done(error);
  }

  /** A change that was under way when the switch began may have left the target out. */
  private areAllThere(): boolean {
    const listed = this.primary.membership.listedOthers();
    if (!listed.some((ref) => isSameMember(ref, this.target))) return false;
    return listed.every((ref) => {
      const session = this.primary.sessions.get(ref.name);
      return session !== undefined && session.isStreaming && isSameMember(session, ref);
    });
  }
}

export function switchRefused(target: string, why: string): AepError {
  return new AepError(
    'AEP_CLUSTER_SWITCH_REFUSED',
    'retry',
    `the switch to member ${target} was not made: ${why}; see the members with \`aep cluster status\``,
    { target },
  );
}
