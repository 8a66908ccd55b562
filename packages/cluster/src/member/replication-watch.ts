import type { TimerHandle } from '@aep/kernel';
import type { Journal } from '@aep/store';
import type { FollowerSession } from '../replication/follower-session.js';
import type { GroupStability } from '../replication/group-stability.js';
import type { MemberContext } from './context.js';
import type { Membership } from './membership.js';

export interface ReplicationWatchParts {
  readonly journal: Pick<Journal, 'lastTxId'>;
  readonly stability: GroupStability;
  readonly sessions: ReadonlyMap<string, FollowerSession>;
  readonly membership: Membership;
}

/** The longest pause between two looks. */
const LOOK_MS_MAX = 1_000;

/** Tells people how replication gets on (H21): that nothing becomes stable, and how far those are who catch up. */
export class ReplicationWatch {
  private timer: TimerHandle | undefined;
  private lastMark = 0;
  private sinceMs = 0;
  private hasAlerted = false;

  constructor(
    private readonly context: MemberContext,
    private readonly parts: ReplicationWatchParts,
  ) {}

  start(): void {
    const { clock, options } = this.context;
    this.sinceMs = clock.monotonicMs();
    const look = (): void => {
      this.timer = clock.schedule(Math.min(options.limits.stallAlertMs / 2, LOOK_MS_MAX), look);
      this.lookForStall();
      this.tellProgress();
    };
    look();
  }

  stop(): void {
    if (this.timer !== undefined) this.context.clock.cancel(this.timer);
  }

  /** Once for each stall, not at each look. */
  private lookForStall(): void {
    const { journal, stability } = this.parts;
    const { clock, options, emit } = this.context;
    const { markTxId } = stability;
    if (markTxId !== this.lastMark || markTxId === journal.lastTxId) {
      this.lastMark = markTxId;
      this.sinceMs = clock.monotonicMs();
      this.hasAlerted = false;
      return;
    }
    const sinceMs = clock.monotonicMs() - this.sinceMs;
    if (this.hasAlerted || sinceMs < options.limits.stallAlertMs) return;
    this.hasAlerted = true;
    const { lastTxId } = journal;
    emit({ type: 'ReplicationStalled', member: stability.slowest, stableTxId: markTxId, lastTxId, sinceMs });
  }

  private tellProgress(): void {
    const { sessions, membership, journal } = this.parts;
    for (const session of sessions.values()) {
      if (membership.isListed(session) || (session.phase !== 'copying' && !session.isStreaming)) continue;
      this.context.emit({
        type: 'CatchUpProgress',
        member: session.name,
        phase: session.phase === 'copying' ? 'copy' : 'records',
        atTxId: session.ackedTxId,
        lastTxId: journal.lastTxId,
        copiedEntries: session.copiedEntries,
      });
    }
  }
}
