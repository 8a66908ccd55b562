import type { AepError } from '@aep/kernel';
import type { MemberRef } from '../arbiter/arbiter.js';

/**
 * - `joining`: not (or not yet) listed in the register with this store, or the register is not known yet.
 * - `backup`: listed; follows the primary and may take over.
 * - `primary`: the register says so, in an epoch that this process obtained itself.
 * - `stepping-down`: was primary; its engine is ending.
 * - `stopped`: for good.
 */
export type MemberRole = 'joining' | 'backup' | 'primary' | 'stepping-down' | 'stopped';

/** What happens in a group, for the host, the log and metrics (H21). */
export type MemberEvent =
  | { readonly type: 'RoleChanged'; readonly role: MemberRole; readonly epoch: number }
  /** A link to this member is up. */
  | { readonly type: 'MemberUp'; readonly member: string }
  | { readonly type: 'MemberDown'; readonly member: string; readonly cause: AepError }
  | { readonly type: 'MembersChanged'; readonly epoch: number; readonly members: readonly MemberRef[] }
  /** Of a follower as its primary sees it: how far it is, now and then while it is not listed. */
  | {
      readonly type: 'CatchUpProgress';
      readonly member: string;
      readonly phase: 'copy' | 'records';
      readonly atTxId: number;
      readonly lastTxId: number;
      readonly copiedEntries: number;
    }
  /** An alert: nothing has become stable for a while although something waits; who holds it back, when it is not the disk here. */
  | {
      readonly type: 'ReplicationStalled';
      readonly member: string | undefined;
      readonly stableTxId: number;
      readonly lastTxId: number;
      readonly sinceMs: number;
    }
  /** An alert: a member holds in its tables what its group does not have. */
  | {
      readonly type: 'DivergenceDetected';
      readonly member: string;
      readonly commonTxId: number;
      readonly appliedTxId: number;
    }
  /** An alert: handlers that ran on this backup did something else than they did on the primary, or threw; the cause names the first difference (H11). */
  | { readonly type: 'ReplayDiffers'; readonly member: string; readonly cause: AepError }
  /** Somebody acted in an epoch that is over. */
  | {
      readonly type: 'StaleEpochRefused';
      readonly member: string;
      readonly theirEpoch: number;
      readonly epoch: number;
    };
