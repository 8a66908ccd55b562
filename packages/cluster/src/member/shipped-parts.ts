import { FollowerSession } from '../replication/follower-session.js';
import { Follower } from '../replication/follower.js';
import { GroupStability } from '../replication/group-stability.js';
import { ReplicatedJournal } from '../replication/replicated-journal.js';
import { BackupRole } from './backup-role.js';
import { Membership } from './membership.js';
import type { MemberParts } from './parts.js';
import { PrimaryRole } from './primary-role.js';
import { PrimaryWatch } from './primary-watch.js';
import { Register } from './register.js';
import { UpstreamSession } from './upstream-session.js';

/** What every member is made of. */
export const SHIPPED_PARTS: MemberParts = {
  Register,
  BackupRole,
  UpstreamSession,
  PrimaryRole,
  PrimaryWatch,
  Membership,
  Follower,
  FollowerSession,
  GroupStability,
  ReplicatedJournal,
};
