import type { AepError } from '@aep/kernel';
import type { Store } from '@aep/store';
import type { GroupRecord } from '../arbiter/arbiter.js';
import type { BackupRole } from './backup-role.js';
import type { MemberRole } from './events.js';
import type { ConcludedMemberOptions } from './options.js';
import type { ReplayPort, ReplayStatus } from '../replication/replay-port.js';
import type { PrimaryRole } from './primary-role.js';
import { isSameMember } from './register.js';

/** A follower as its primary sees it. */
export interface FollowerStatus {
  readonly name: string;
  readonly storeId: string;
  readonly remote: string;
  readonly phase: string;
  readonly ackedTxId: number;
  /** Records that it does not have. */
  readonly lag: number;
  readonly copiedEntries: number;
  readonly isListed: boolean;
}

/** What a member knows of itself and its group, for people and metrics. */
export interface MemberStatus {
  readonly group: string;
  readonly name: string;
  readonly role: MemberRole;
  readonly epoch: number;
  readonly address: string;
  readonly acks: 'members' | 'none';
  /** The register as it was last seen. */
  readonly register: GroupRecord | undefined;
  readonly storeId: string | undefined;
  readonly incarnation: number | undefined;
  readonly promisedEpoch: number;
  readonly lastTxId: number;
  /** In the group, as far as this member knows. */
  readonly stableTxId: number;
  readonly appliedTxId: number;
  /** Whether this member, as a backup, has a link to the primary over which it gets records. */
  readonly isLinked: boolean;
  readonly followers: readonly FollowerStatus[];
  /** Bytes of the newest records that a primary holds in memory for followers. */
  readonly recentBytes: number;
  /** Of the application whose handlers run on this backup; undefined when none do. */
  readonly replay: ReplayStatus | undefined;
  /** Why it has stopped. */
  readonly cause: string | undefined;
}

export function describeMember(parts: {
  readonly options: ConcludedMemberOptions;
  readonly role: MemberRole;
  readonly epoch: number;
  readonly address: string;
  readonly register: GroupRecord | undefined;
  readonly store: Store | undefined;
  readonly primary: PrimaryRole | undefined;
  readonly backup: BackupRole | undefined;
  readonly replay: ReplayPort | undefined;
  readonly cause: AepError | undefined;
}): MemberStatus {
  const { options, role, epoch, address, register, store, primary, backup, replay, cause } = parts;
  return {
    group: options.group,
    name: options.name,
    role,
    epoch,
    address,
    acks: options.acks,
    register,
    storeId: store?.identity.memberId,
    incarnation: store?.identity.incarnation,
    promisedEpoch: store?.epoch ?? 0,
    lastTxId: store?.journal.lastTxId ?? 0,
    stableTxId: primary?.stability.markTxId ?? backup?.stableTxId ?? 0,
    appliedTxId: store?.tables.appliedTxId ?? 0,
    isLinked: backup?.isLinked ?? false,
    followers: primary === undefined ? [] : followersOf(primary),
    recentBytes: primary?.recentBytes ?? 0,
    replay: primary === undefined ? replay?.status() : undefined,
    cause: cause === undefined ? undefined : `${cause.code}: ${cause.message}`,
  };
}

function followersOf(primary: PrimaryRole): FollowerStatus[] {
  const { members } = primary.membership.record;
  return [...primary.sessions.values()].map((session) => ({
    name: session.name,
    storeId: session.storeId,
    remote: session.remote,
    phase: session.phase,
    ackedTxId: session.ackedTxId,
    lag: session.lacks,
    copiedEntries: session.copiedEntries,
    isListed: members.some((ref) => isSameMember(ref, session)),
  }));
}
