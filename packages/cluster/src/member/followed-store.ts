import type { AepError } from '@aep/kernel';
import { NO_HASH } from '@aep/store';
import type { MemberRef } from '../arbiter/arbiter.js';
import type { CopyHead } from '../link/frames.js';
import type { Hello } from '../link/handshake.js';
import { protocolError } from '../link/protocol.js';
import { CopyIn } from '../replication/copy-in.js';
import type { Follower } from '../replication/follower.js';
import { HeldStore } from '../replication/held-store.js';
import type { MemberContext } from './context.js';

export interface FollowedStoreListener {
  onDurable(): void;
  onBadRecord(error: AepError): void;
  /** A copy has become an ordinary store. */
  onCopied(): void;
}

/** What the hello says of a store. */
export type StoreClaims = Pick<
  Hello,
  'storeId' | 'incarnation' | 'firstTxId' | 'lastTxId' | 'lastHash' | 'appliedTxId' | 'promisedEpoch'
>;

/**
 * The store of a member that is not the primary, which a copy may replace by another one: between two stores there is a while
 * with none, and one that is still being filled counts for nothing.
 */
export class FollowedStore {
  protected held: HeldStore | undefined;
  protected copyIn: CopyIn | undefined;
  private user: Follower | undefined;
  /** A store is being closed, made or given up. */
  private isBusy = false;
  /** Which making is wanted; an older one that comes to its end is given up. */
  private wanted = 0;
  private isEnded = false;
  private readonly waiting: (() => void)[] = [];

  constructor(
    protected readonly context: MemberContext,
    private readonly listener: FollowedStoreListener,
  ) {}

  /** undefined while there is no store that counts. */
  get self(): MemberRef | undefined {
    const held = this.complete;
    return held === undefined ? undefined : { name: this.context.options.name, storeId: held.store.identity.memberId };
  }

  /** The store, when it is not being filled. */
  get complete(): HeldStore | undefined {
    return this.copyIn?.isComplete === false ? undefined : this.held;
  }

  /** The store, also while it is being filled. */
  get open(): HeldStore | undefined {
    return this.held;
  }

  get follower(): Follower | undefined {
    return this.user;
  }

  get copy(): CopyIn | undefined {
    return this.copyIn;
  }

  get promisedEpoch(): number {
    return this.held?.store.epoch ?? 0;
  }

  use(held: HeldStore): void {
    this.held = held;
    this.user = this.newFollower(held);
    this.user.startFolding();
  }

  /** For a hello; when the store is at rest. */
  claims(): StoreClaims {
    const store = this.complete?.store;
    return {
      storeId: this.self?.storeId ?? '',
      incarnation: store?.identity.incarnation ?? 0,
      firstTxId: this.complete?.firstTxId ?? 1,
      lastTxId: store?.journal.lastTxId ?? 0,
      lastHash: store?.journal.lastHash ?? NO_HASH,
      appliedTxId: store?.tables.appliedTxId ?? 0,
      promisedEpoch: this.promisedEpoch,
    };
  }

  /** Calls back when what `claims` says is durable. */
  atRest(done: () => void): void {
    if (this.isBusy) this.waiting.push(() => this.atRest(done));
    else if (this.user === undefined) done();
    else this.user.rest(done);
  }

  /**
   * Makes the store anew for a copy; `ready` comes when entries can be taken and the epoch of the primary is durable there: the
   * promise was only in memory while there was nothing to write it to.
   */
  remake(head: CopyHead, epoch: number, onTaken: (storeId: string, chunkCount: number) => void): void {
    const { held } = this;
    const making = ++this.wanted;
    this.letGo();
    this.isBusy = true;
    const create = (): void => this.create(head, epoch, { making, onTaken });
    if (held === undefined) create();
    else held.store.close().then(create, create);
  }

  /** The link over which a copy came has ended: what there is of it is of no use (H12). */
  linkEnded(): void {
    this.user?.forgetQueue();
    this.wanted++;
    const { copyIn } = this;
    if (copyIn === undefined || copyIn.isComplete) return;
    this.context.mark('copy-interrupted');
    this.letGo();
    this.isBusy = true;
    copyIn.abandon(() => this.free());
  }

  /** Nothing of it is used any more when `done` comes; a store that counts is still open, and the owner's. */
  end(done: () => void): void {
    this.linkEnded();
    this.isEnded = true;
    this.user?.close();
    this.held?.usedBy(undefined);
    if (this.isBusy) this.waiting.push(done);
    else this.context.clock.defer(done);
  }

  private create(
    head: CopyHead,
    epoch: number,
    { making, onTaken }: { making: number; onTaken: (storeId: string, chunkCount: number) => void },
  ): void {
    this.context.maker.create({ incarnation: head.incarnation, base: head.base }, (error, made) => {
      if (error !== undefined || made === undefined)
        return this.context.fail(error ?? protocolError('no store was made'));
      if (this.isEnded || making !== this.wanted) {
        this.context.mark('copy-interrupted');
        return made.abandon(() => this.free());
      }
      const { memberId } = made.store.identity;
      this.copyIn = new CopyIn({
        making: made,
        head,
        onTaken: (count) => {
          if (making === this.wanted) onTaken(memberId, count);
        },
        onComplete: () => {
          this.user?.startFolding();
          this.listener.onCopied();
        },
        onFailure: (failure) => this.context.fail(failure),
      });
      this.held = new HeldStore(made.store, (failure) => this.context.fail(failure));
      this.user = this.newFollower(this.held);
      made.store.setEpoch(epoch, (failure) => {
        if (failure !== undefined) this.context.fail(failure);
        else if (making === this.wanted) onTaken(memberId, 0);
      });
      this.free();
    });
  }

  private letGo(): void {
    this.user?.close();
    this.held?.usedBy(undefined);
    this.user = undefined;
    this.held = undefined;
    this.copyIn = undefined;
  }

  private free(): void {
    this.isBusy = false;
    for (const done of this.waiting.splice(0)) done();
  }

  private newFollower(held: HeldStore): Follower {
    const { clock, options, mark, fail, emit, parts, replay } = this.context;
    const { limits } = options;
    return new parts.Follower({
      held,
      clock,
      windowBytes: limits.windowBytes,
      recentBytesMax: limits.recentBytesMax,
      checkpoint: { intervalMs: limits.checkpointIntervalMs, entriesMax: limits.checkpointEntriesMax },
      mark,
      replay,
      listener: {
        onDurable: (txId) => {
          this.copyIn?.durable(txId);
          this.listener.onDurable();
        },
        onBadRecord: (error) => this.listener.onBadRecord(error),
        onFailure: (error) => fail(error),
        onReplayProblem: (cause) => emit({ type: 'ReplayDiffers', member: options.name, cause }),
      },
    });
  }
}
