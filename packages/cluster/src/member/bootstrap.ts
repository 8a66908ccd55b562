import { AepError, type TimerHandle } from '@aep/kernel';
import type { Store } from '@aep/store';
import type { GroupRecord, Presence } from '../arbiter/arbiter.js';
import type { MemberContext } from './context.js';

export interface BootstrapListener {
  /** A store was made for this member, which had none; also when the group has begun elsewhere meanwhile. */
  onStore(store: Store): void;
  /** Ask the register for this; it is empty as far as is known. */
  onClaim(record: GroupRecord): void;
}

/**
 * The beginning of a group: the register is empty, and one of its members becomes the first primary. Which one, is decided by the
 * register; the head start only spares the others the attempt: a member with records before one without, then priority, then
 * name (H8).
 */
export class Bootstrap {
  private timer: TimerHandle | undefined;
  private isStopped = false;
  /** A store is being made; until `onStore` nobody else may make one. */
  isMaking = false;

  constructor(
    private readonly context: MemberContext,
    private readonly store: Store | undefined,
    private readonly listener: BootstrapListener,
  ) {}

  start(): void {
    const { store, context } = this;
    if (store !== undefined && store.epoch > 0) {
      // It has promised an epoch, so there was a register: this is a lost one, not a new group. Who has the newest records is
      // something that only a person can find out now.
      context.log.log(
        'error',
        'the register is empty although this member was part of a group',
        {},
        registerLost(store),
      );
      return;
    }
    context.arbiter.presence((error, present) => {
      if (this.isStopped) return;
      const { headStartMs } = context.options.limits;
      const better = error === undefined ? this.betterOnes(present) : 0;
      const delayMs =
        (store === undefined || store.journal.lastTxId === 0 ? headStartMs : 0) + better * 4 * headStartMs;
      this.timer = context.clock.schedule(delayMs, () => this.claim());
    });
  }

  stop(): void {
    this.isStopped = true;
    if (this.timer !== undefined) this.context.clock.cancel(this.timer);
  }

  private claim(): void {
    const { store, context } = this;
    if (this.isStopped) return;
    if (store === undefined) return this.makeStore();
    const self = { name: context.options.name, storeId: store.identity.memberId };
    this.listener.onClaim({ epoch: 1, primary: self, members: [self], incarnation: store.identity.incarnation });
  }

  private makeStore(): void {
    this.isMaking = true;
    this.context.maker.create({}, (error, making) => {
      if (error !== undefined || making === undefined) return this.context.fail(error!);
      making.complete(0, (failure) => {
        if (failure !== undefined) this.context.fail(failure);
        else this.listener.onStore(making.store);
      });
    });
  }

  private betterOnes(present: readonly Presence[]): number {
    const { name, priority } = this.context.options;
    const mine = { name, priority, hasRecords: (this.store?.journal.lastTxId ?? 0) > 0 };
    return present.filter((other) => {
      if (other.name === name) return false;
      const hasRecords = other.lastTxId > 0;
      if (hasRecords !== mine.hasRecords) return hasRecords;
      return other.priority > mine.priority || (other.priority === mine.priority && other.name < mine.name);
    }).length;
  }
}

function registerLost(store: Store): AepError {
  return new AepError(
    'AEP_CLUSTER_REGISTER_LOST',
    'fatal',
    `the register of this group is empty, but this member has promised epoch ${store.epoch}: the arbiter has lost its data; ` +
      'bring it back, or compare `aep cluster status` of all members and promote the one with the highest txId with `aep cluster promote --unsafe`',
    { promisedEpoch: store.epoch, lastTxId: store.journal.lastTxId },
  );
}
