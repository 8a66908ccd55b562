import { AepError } from '@aep/kernel';
import type { GroupRecord } from '../arbiter/arbiter.js';

/** Said to whoever takes this member for the primary. */
export function notPrimary(member: string, epoch: number): AepError {
  return new AepError('AEP_CLUSTER_NOT_PRIMARY', 'retry', `member ${member} is not the primary in epoch ${epoch}`, {
    member,
    epoch,
  });
}

/** Said to a member that acts in an epoch that is over (H4). */
export function staleEpoch(member: string, epoch: number, higherEpoch: number): AepError {
  return new AepError(
    'AEP_CLUSTER_STALE_EPOCH',
    'retry',
    `member ${member} acts in epoch ${epoch}, but epoch ${higherEpoch} has begun`,
    { member, epoch, higherEpoch },
  );
}

/** The cause with which the engine of a deposed primary ends. */
export function steppedDown(member: string, epoch: number, current: GroupRecord): AepError {
  return new AepError(
    'AEP_CLUSTER_STEPPED_DOWN',
    'retry',
    `member ${member} was the primary in epoch ${epoch}; since epoch ${current.epoch} it is ${current.primary.name}`,
    { member, epoch, currentEpoch: current.epoch, primary: current.primary.name },
  );
}

/** The cause with which a member's links end when it stops in order: nobody need wait for it. */
export function memberStopped(member: string): AepError {
  return new AepError('AEP_CLUSTER_STOPPED', 'retry', `member ${member} has stopped`, { member });
}
