import type { GroupRecord } from '@aep/cluster';
import {
  BackupRole,
  type ChangeOutcome,
  Follower,
  FollowerSession,
  GroupStability,
  Membership,
  PrimaryRole,
  Register,
  ReplicatedJournal,
  UpstreamSession,
} from '@aep/cluster/internal';
import type { AepError } from '@aep/kernel';
import type { Store, StoreMaker } from '@aep/store';
import { type MethodBug, patched } from './patched-methods.js';
import { REPLAY_BUGS } from './planted-replay-bugs.js';
import type { SimulationOptions } from './simulation.js';

/** A rule that is broken on purpose, to prove that a checker finds what comes of it (H33). */
export interface PlantedBug extends SimulationOptions {
  readonly name: string;
  /** Why nothing can come of it that an application would notice; such a bug need not be found. */
  readonly equivalent?: string;
}

type GroupPosition = ReturnType<PrimaryRole['position']>;

// Classes of a member with one method that breaks a rule.

class EarlyAcknowledgement extends UpstreamSession {
  override acknowledgement() {
    const acked = super.acknowledgement();
    const lastTxId = this.store.open?.store.journal.lastTxId ?? 0;
    return acked === undefined ? undefined : { ...acked, durableTxId: Math.max(acked.durableTxId, lastTxId) };
  }
}

class AnyEpochTaken extends UpstreamSession {
  protected override isOfPresent(): boolean {
    return true;
  }
}

class ForgottenPromise extends UpstreamSession {
  protected override promise(_epoch: number, done: () => void): void {
    done();
  }
}

class StabilityWithoutOwnDisk extends GroupStability {
  protected override advance(): void {
    const next = this.counted.size === 0 ? this.localTxId : this.lowestAckedTxId;
    if (next <= this.mark) return;
    this.mark = next;
    this.onMark(next);
  }
}

class StabilityOfTheFastest extends GroupStability {
  protected override advance(): void {
    const next = Math.min(this.localTxId, Math.max(0, ...this.counted.values()));
    if (next <= this.mark) return;
    this.mark = next;
    this.onMark(next);
  }
}

class EarlySolo extends Membership {
  protected override propose(members: Parameters<Membership['propose']>[0]): void {
    for (const { name } of this.listedOthers())
      if (!members.some((ref) => ref.name === name)) this.parts.stability.uncount(name);
    super.propose(members);
  }
}

class PairsWhoeverIsThere extends Membership {
  protected override isReady(candidate: Parameters<Membership['isReady']>[0]): boolean {
    return this.isPresent(candidate.ref);
  }
}

class PairsByTheMarkOnly extends Membership {
  protected override isReady({ ref }: Parameters<Membership['isReady']>[0]): boolean {
    return this.isPresent(ref) && this.parts.sessions.get(ref.name)!.isCaughtUp(this.parts.stability.markTxId);
  }
}

class PairsBeforeItCounts extends Membership {
  protected override considerCandidates(): void {
    super.considerCandidates();
    for (const name of this.candidates.keys()) this.parts.stability.uncount(name);
  }
}

class NoFence extends Membership {
  protected override considerCandidates(): void {
    for (const [name, { ref }] of this.candidates) {
      if (this.isPresent(ref)) continue;
      this.candidates.delete(name);
      this.parts.stability.uncount(name);
    }
    super.considerCandidates();
  }
}

class ListedDoNotCount extends Membership {
  protected override recount(): void {
    super.recount();
    for (const { name } of this.listedOthers()) this.parts.stability.uncount(name);
  }
}

class AnyStoreOfAName extends Membership {
  override onMoved(session: FollowerSession): void {
    if (session.isStreaming) this.parts.stability.acked(session.name, session.ackedTxId);
    super.onMoved(session);
  }
}

class SameEpochAgain extends BackupRole {
  override onRegister(record: GroupRecord | undefined): void {
    const isOwn = record !== undefined && record.primary.storeId === this.self?.storeId;
    if (!isOwn || this.isEnded || this.isClaiming) return super.onRegister(record);
    this.isClaiming = true;
    this.elected(record, false);
  }
}

class TakesOverByName extends BackupRole {
  protected override takeOver(): void {
    const { latest } = this.context.register;
    const { self } = this;
    if (this.isEnded || this.isClaiming || self === undefined || latest === undefined) return;
    if (latest.members.some(({ name }) => name === self.name))
      this.claim({ ...latest, epoch: latest.epoch + 1, primary: self, members: [self] });
  }
}

class NobodyIsAsked extends BackupRole {
  protected override takeOver(): void {
    const { latest } = this.context.register;
    const { self } = this;
    if (this.isEnded || this.isClaiming || self === undefined || latest === undefined) return;
    this.isClaiming = true;
    this.elected({ ...latest, epoch: latest.epoch + 1, primary: self, members: [self] }, false);
  }
}

class UnlistedTakesOver extends BackupRole {
  override onEnded(...args: Parameters<BackupRole['onEnded']>): void {
    super.onEnded(...args);
    this.context.clock.schedule(20, () => {
      const { latest } = this.context.register;
      const { self } = this;
      if (this.isEnded || self === undefined || latest === undefined || this.session !== undefined) return;
      this.claim({ ...latest, epoch: latest.epoch + 1, primary: self, members: [self] });
    });
  }
}

class FollowsWhileItTakesOver extends BackupRole {
  protected override dropLink(cause: AepError): void {
    if (!this.isClaiming) super.dropLink(cause);
  }
}

class NeverCuts extends Follower {
  override cut(_afterTxId: number, done: (error: AepError | undefined) => void): void {
    this.parts.clock.defer(() => done(undefined));
  }
}

class FoldsEverything extends Follower {
  override position(position: GroupPosition): void {
    super.position({ ...position, stableTxId: this.parts.held.store.journal.lastTxId });
  }
}

class SettlesAtOnce extends Follower {
  override settleAs(isTruth: boolean, done: () => void): void {
    super.settleAs(isTruth, () => undefined);
    this.parts.clock.defer(done);
  }
}

class KeepsTheQueue extends Follower {
  override forgetQueue(): void {
    // What waited for room is appended under the next primary.
  }
}

class EqualNumbersAreEqual extends FollowerSession {
  protected override isOurs(): boolean {
    return true;
  }
}

class StartsBeforeItIsEqual extends PrimaryRole {
  override get isEqual(): boolean {
    return true;
  }
}

class NeverStepsDown extends PrimaryRole {
  protected override depose(): void {
    // It takes itself for the primary for ever.
  }
}

class WelcomesAnyPromise extends PrimaryRole {
  protected override checkStillPrimary(): void {
    // Whatever the member has promised.
  }
}

class TakesAllForConfirmed extends PrimaryRole {
  override position(): GroupPosition {
    const position = super.position();
    return { ...position, confirmedTxId: position.stableTxId };
  }
}

class ActsBeforeItPromises extends PrimaryRole {
  protected override makeDurable(_epoch: number, done: () => void): void {
    done();
  }
}

class JournalThatDoesNotEnd extends ReplicatedJournal {
  override end(): void {
    // The engine hears nothing of it.
  }
}

class UnknownMeansDone extends Register {
  override change(next: GroupRecord, done: (outcome: ChangeOutcome) => void): void {
    super.change(next, (outcome) => done(outcome === 'unknown' ? 'done' : outcome));
  }
}

class LostMeansDone extends Register {
  override change(next: GroupRecord, done: (outcome: ChangeOutcome) => void): void {
    super.change(next, (outcome) => done(outcome === 'lost' ? 'done' : outcome));
  }
}

/** A store that says at once that it has made an epoch durable. */
function forgetfulStores(maker: StoreMaker): StoreMaker {
  const open: StoreMaker['open'] = (done) => maker.open((error, store) => done(error, store && forgetful(store)));
  return Object.create(maker, { open: { value: open } }) as StoreMaker;
}

function forgetful(store: Store): Store {
  let said = store.epoch;
  return Object.create(store, {
    epoch: { get: () => said },
    setEpoch: {
      value: (epoch: number, done: (error: AepError | undefined) => void) => {
        said = epoch;
        done(undefined);
      },
    },
  }) as Store;
}

const MEMBERS: readonly PlantedBug[] = [
  { name: 'a backup acknowledges before its sync', parts: { UpstreamSession: EarlyAcknowledgement } },
  {
    name: 'a backup takes records of any epoch',
    parts: { UpstreamSession: AnyEpochTaken },
    equivalent:
      'a link is to one life of one primary, whose epoch only rises, and its welcome was compared with the promise: a lower one never follows',
  },
  {
    name: 'a backup does not make its promise durable',
    parts: { UpstreamSession: ForgottenPromise },
    equivalent:
      'the second of two fences while the register keeps its data: it is read before a link is made, so nobody follows a primary of an older epoch',
  },
  { name: 'the primary releases before its own sync', parts: { GroupStability: StabilityWithoutOwnDisk } },
  { name: 'the fastest member decides what is stable', parts: { GroupStability: StabilityOfTheFastest } },
  { name: 'solo before the register says so', parts: { Membership: EarlySolo } },
  { name: 'a member is paired before it has caught up', parts: { Membership: PairsWhoeverIsThere } },
  { name: 'a restarted primary pairs by what it knows to be stable', parts: { Membership: PairsByTheMarkOnly } },
  { name: 'a member is paired before it counts', parts: { Membership: PairsBeforeItCounts } },
  { name: 'a pairing whose answer is missing is forgotten', parts: { Membership: NoFence } },
  { name: 'a listed member does not count', parts: { Membership: ListedDoNotCount } },
  { name: 'acknowledgements of another store count', parts: { Membership: AnyStoreOfAName } },
  { name: 'a restarted primary resumes its epoch', parts: { BackupRole: SameEpochAgain } },
  { name: 'a backup takes over without the register', parts: { BackupRole: NobodyIsAsked } },
  {
    name: 'a member takes over by its name, with whatever store',
    parts: { BackupRole: TakesOverByName },
    equivalent: 'the second of two fences: the watch over the primary asks for it only where this very store is listed',
  },
  { name: 'a member that is not listed takes over', parts: { BackupRole: UnlistedTakesOver } },
  {
    name: 'a backup follows on while it takes over',
    parts: { BackupRole: FollowsWhileItTakesOver },
    equivalent:
      'what it acknowledges until its new promise is durable is in the journal that it takes over with; after that a link of the older epoch is refused',
  },
  { name: 'the tail is not cut', parts: { Follower: NeverCuts } },
  { name: 'a backup folds what is not stable', parts: { Follower: FoldsEverything } },
  { name: 'a new primary begins before its tables have everything', parts: { Follower: SettlesAtOnce } },
  {
    name: 'records of a link that has ended are appended',
    parts: { Follower: KeepsTheQueue },
    equivalent:
      'only records that continue the chain are appended, and the next primary has them cut like those that came in time',
  },
  { name: 'records with equal numbers are taken for equal', parts: { FollowerSession: EqualNumbersAreEqual } },
  { name: 'the engine starts before the members are equal', parts: { PrimaryRole: StartsBeforeItIsEqual } },
  { name: 'a primary never steps down', parts: { PrimaryRole: NeverStepsDown } },
  {
    name: 'a primary welcomes members of a later epoch',
    parts: { PrimaryRole: WelcomesAnyPromise },
    equivalent:
      'the first of two fences: the member refuses the welcome of an epoch that it has promised not to follow',
  },
  { name: 'a backup takes everything for confirmed', parts: { PrimaryRole: TakesAllForConfirmed } },
  { name: 'a primary acts in an epoch that is not durable', parts: { PrimaryRole: ActsBeforeItPromises } },
  { name: 'the journal of a deposed primary goes on', parts: { ReplicatedJournal: JournalThatDoesNotEnd } },
  { name: 'a change without an answer is taken for done', parts: { Register: UnknownMeansDone } },
  { name: 'a change that was lost is taken for done', parts: { Register: LostMeansDone } },
  { name: 'epochs are never durable', stores: forgetfulStores },
];

const ENGINES: readonly MethodBug[] = [
  ['timers are not taken on', 'engine/dist/services/timers.js', 'Timers', 'load', () => () => undefined],
  ['a damaged record is taken for good', 'store/dist/memory-disk.js', 'MemoryDisk', 'damage', () => () => undefined],
  [
    'duplicates are handled',
    'engine/dist/transaction/dedupe.js',
    'StreamMarks',
    'classify',
    (original) =>
      function (...args) {
        const verdict = original.apply(this, args) as string;
        return verdict === 'duplicate' ? 'new' : verdict;
      },
  ],
  [
    'messages in doubt are not sent again',
    'engine/dist/transaction/in-flight.js',
    'InFlight',
    'pushInDoubt',
    () => () => undefined,
  ],
  ['numbers of sends are not restored', 'engine/dist/transaction/sequencer.js', 'Sequencer', 'read', () => () => 0],
  [
    'a failed sync is called good',
    'store/dist/group-commit.js',
    'GroupCommitJournal',
    'fail',
    () =>
      function () {
        this['committed']!();
      },
  ],
  [
    'an unfinished copy is acknowledged',
    'cluster/dist/replication/copy-in.js',
    'CopyIn',
    'acknowledgeable',
    () => (durableTxId) => durableTxId,
  ],
  [
    'a change is left out of the tables',
    'store/dist/change-map.js',
    'ChangeMap',
    'put',
    (original) =>
      function (...args) {
        if ((args[0] as { txId: number }).txId % 5 !== 0) original.apply(this, args);
      },
  ],
];

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...MEMBERS,
  ...[...ENGINES, ...REPLAY_BUGS].map((bug) => ({ name: bug[0], patch: () => patched(bug) })),
];
