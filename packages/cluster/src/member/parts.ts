import type { FollowerSession } from '../replication/follower-session.js';
import type { Follower } from '../replication/follower.js';
import type { GroupStability } from '../replication/group-stability.js';
import type { ReplicatedJournal } from '../replication/replicated-journal.js';
import type { BackupRole } from './backup-role.js';
import type { Membership } from './membership.js';
import type { PrimaryRole } from './primary-role.js';
import type { PrimaryWatch } from './primary-watch.js';
import type { Register } from './register.js';
import type { UpstreamSession } from './upstream-session.js';

/**
 * The classes that a member is made of. A simulation gives subclasses that break one rule, to prove that its checkers find
 * what comes of it (H33); everybody else leaves them as they are.
 */
export interface MemberParts {
  readonly Register: typeof Register;
  readonly BackupRole: typeof BackupRole;
  readonly UpstreamSession: typeof UpstreamSession;
  readonly PrimaryRole: typeof PrimaryRole;
  readonly PrimaryWatch: typeof PrimaryWatch;
  readonly Membership: typeof Membership;
  readonly Follower: typeof Follower;
  readonly FollowerSession: typeof FollowerSession;
  readonly GroupStability: typeof GroupStability;
  readonly ReplicatedJournal: typeof ReplicatedJournal;
}
