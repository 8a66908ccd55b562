import type { AepError } from '@aep/kernel';

/** A member as the register knows it: a name of the deployment, and which life of its store. */
export interface MemberRef {
  readonly name: string;
  /**
   * Random, made when the member's store was made (`StoreIdentity.memberId`): a member that has lost its disk is not the
   * member it was, so it can neither take over nor acknowledge before it has been paired again.
   */
  readonly storeId: string;
}

/** What a group agrees on (H1): the value of its register. */
export interface GroupRecord {
  /** 1 for the first record; every change raises it by exactly one. */
  readonly epoch: number;
  readonly primary: MemberRef;
  /** Who must acknowledge a record before it is stable (H2), the primary included. Only they may take over. */
  readonly members: readonly MemberRef[];
  /** Of the group's sequence numbers (E51): the stores of all members carry it. */
  readonly incarnation: number;
}

/** What a member tells the others of itself. A hint: nothing is less safe when it is wrong, old or missing. */
export interface Presence {
  readonly name: string;
  readonly storeId: string;
  /** Where its link listens, `host:port`. */
  readonly address: string;
  /** The highest goes first when several may (H8). */
  readonly priority: number;
  /** Of the product, for people and for rolling upgrades (H14). */
  readonly version: string;
  readonly lastTxId: number;
}

/** Answer of {@link Arbiter.compareAndSet}. */
export interface SwapAnswer {
  readonly swapped: boolean;
  /** What the register holds now; after a swap the record that was given. */
  readonly current: GroupRecord | undefined;
}

/**
 * One small record for one group, changed only by compare-and-set on its epoch (H1). That, and nothing else, is what the
 * safety of a pair rests on: no clock, lease or presence does. Losing the arbiter stops changes of the group, never safety.
 *
 * - An error of `compareAndSet` leaves open whether the swap has happened **and whether it will still happen**: a request
 *   may be delivered long after its caller gave up. Who wants to be sure that it never will must change the register
 *   himself, so that the expected epoch is gone.
 * - All callbacks come from the event loop, never from inside the call, each exactly once, also after `close` (then with
 *   AEP_ARBITER_CLOSED). An implementation has its own deadline: a call that hangs ends with AEP_ARBITER_UNAVAILABLE.
 * - Calls may overlap; their answers may come in any order.
 */
export interface Arbiter {
  /** The register as of a moment between call and callback (linearizable); undefined when nothing was ever set. */
  read(done: (error: AepError | undefined, record: GroupRecord | undefined) => void): void;
  /**
   * Sets `record` when the register still has `expectedEpoch`; 0 means: when there is no record yet.
   * `record.epoch` is `expectedEpoch + 1`.
   */
  compareAndSet(
    expectedEpoch: number,
    record: GroupRecord,
    done: (error: AepError | undefined, answer: SwapAnswer | undefined) => void,
  ): void;
  /**
   * Calls with the present record soon after, then when it changes. Values in between may be missed, the last one never
   * while the arbiter can be reached. Answers a function that ends it; nothing comes after it.
   */
  watch(onChange: (record: GroupRecord | undefined) => void): () => void;
  /** Tells the others; repeated by the caller when something changes. Kept as long as this process lives and shortly after. */
  announce(presence: Presence): void;
  /** Who has announced itself lately, this member included. */
  presence(done: (error: AepError | undefined, present: readonly Presence[]) => void): void;
  /** Ends watches and announcements. */
  close(done: () => void): void;
}
