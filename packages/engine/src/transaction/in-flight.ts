import { assert, type ObjectPool, RingQueue } from '@aep/kernel';
import type { Stable } from '@aep/store';
import { type OutboundMessage, resetOutbound } from '../messaging/outbound-message.js';
import type { LatencyStatistics } from '../statistics.js';
import type { LoopTime } from './loop-time.js';
import type { SealedTransaction } from './sealed-transaction.js';
import type { Work } from './work.js';

/** What happens outside when transactions move on; called in transaction order. */
export interface InFlightListener {
  /** All outbound messages up to here are confirmed. */
  onConfirmedUpTo(txId: number): void;
  onCallbackFailed(error: unknown): void;
}

/**
 * The transactions between seal and acknowledgement, in order. Everything that leaves the engine leaves from here, and
 * only behind a {@link Stable} mark of the journal (E31).
 *
 * ```
 *  head                 ackCount       stableCount                 tail
 *   | acknowledged, but    | released,     | sealed, waiting          |
 *   | sends unconfirmed    | not acked     | for the disk             |
 * ```
 */
export class InFlight {
  private readonly queue: RingQueue<SealedTransaction>;
  private stableCount = 0;
  /** Stable ones that were acknowledged if their bus has no broker; at least `ackCount`. */
  private custodyCount = 0;
  private ackCount = 0;
  private isFrozen = false;
  /** Outbound messages released before a crash whose confirmation is not known (E37). */
  inDoubt = 0;

  constructor(
    private readonly options: {
      readonly capacityMax: number;
      readonly acknowledgeAtStoreStability: boolean;
      readonly listener: InFlightListener;
      readonly transactions: ObjectPool<SealedTransaction>;
      readonly outbound: ObjectPool<OutboundMessage>;
      readonly works: ObjectPool<Work>;
      readonly time: LoopTime;
      readonly latencies: LatencyStatistics | undefined;
    },
  ) {
    this.queue = new RingQueue(QUEUE_MAX);
  }

  get size(): number {
    return this.queue.size;
  }

  get isFull(): boolean {
    return this.queue.size >= this.options.capacityMax;
  }

  /** Takes a transaction whose record was appended. */
  push(transaction: SealedTransaction): void {
    assert(this.queue.offer(transaction), 'the pipeline takes nothing while the in-flight queue is at its limit');
  }

  /** Takes an event without a record (duplicate, filtered): acknowledged when all before it are, and `txId` is stable. */
  pushAcknowledgeOnly(transaction: SealedTransaction): void {
    this.push(transaction);
    if (this.stableCount < this.queue.size - 1) return; // something before it waits for the journal
    this.stableCount++;
    this.callBack(transaction);
    this.advance();
  }

  /** Takes a transaction from before a restart whose messages are in doubt; they go out again when `resend` is called. */
  pushInDoubt(transaction: SealedTransaction): void {
    assert(this.stableCount === this.queue.size, 'messages in doubt come before new ones');
    this.push(transaction);
    transaction.unconfirmed = transaction.outboundCount;
    this.inDoubt += transaction.outboundCount;
    this.stableCount++;
    this.custodyCount++;
    this.ackCount++;
  }

  /** Releases messages in doubt to their buses, in order, with their old numbers. */
  resendInDoubt(): void {
    for (let index = 0; index < this.queue.size; index++) this.releaseOutbound(this.queue.at(index)!);
  }

  /** The journal's word. Releases sends in transaction order, then acknowledges what may be. */
  onStable(mark: Stable): void {
    const { latencies, time } = this.options;
    for (;;) {
      const transaction = this.queue.at(this.stableCount);
      if (transaction === undefined || transaction.txId > mark.txId) break;
      this.stableCount++;
      if (!transaction.hasRecord) {
        this.callBack(transaction);
        continue;
      }
      if (transaction.isTimed) latencies!.sealToStable.record((time.nowMs - transaction.sealedAtMs) * 1000);
      transaction.unconfirmed = transaction.outboundCount;
      // Callbacks first: a message that is confirmed on the spot (BestEffort) may complete and recycle the transaction.
      this.callBack(transaction);
      this.releaseOutbound(transaction);
    }
    this.advance();
  }

  onConfirmed(outbound: OutboundMessage): void {
    const { transaction } = outbound;
    const { options } = this;
    if (outbound.isTimed) {
      options.latencies!.stableToSent.record((outbound.sentAtMs - outbound.releasedAtMs) * 1000);
      options.latencies!.sentToConfirmed.record((options.time.nowMs - outbound.sentAtMs) * 1000);
    }
    outbound.port.statistics.confirmed++;
    if (outbound.metadata.possibleDuplicate) this.inDoubt--;
    resetOutbound(outbound);
    options.outbound.give(outbound);
    if (--transaction.unconfirmed === 0) this.advance();
  }

  /** Acknowledges and completes as far as order allows; also called when a delayed acknowledgement is given (E64). */
  advance(): void {
    if (this.isFrozen) return;
    const { queue, options } = this;
    this.acceptCustody();
    // Ack only now: a crash between release and ack re-delivers the event, and dedupe absorbs it. The other order loses it.
    while (this.ackCount < this.stableCount) {
      const transaction = queue.at(this.ackCount)!;
      if (transaction.ackToken !== undefined && !transaction.ackToken.isReleased) break;
      if (!options.acknowledgeAtStoreStability && transaction.unconfirmed > 0) break;
      this.acknowledge(transaction);
      this.ackCount++;
    }
    let confirmedTxId = 0;
    while (this.ackCount > 0) {
      const transaction = queue.peek()!;
      if (transaction.unconfirmed > 0) break;
      queue.poll();
      this.stableCount--;
      this.custodyCount--;
      this.ackCount--;
      confirmedTxId = transaction.txId;
      transaction.reset();
      options.transactions.give(transaction);
    }
    if (confirmedTxId > 0) options.listener.onConfirmedUpTo(confirmedTxId);
  }

  /**
   * Acknowledges deliveries of buses without a broker as soon as they are stable, whatever the policy (E32). There an
   * acknowledgement is the sender's confirmation: held back until our own sends are confirmed, two applications that answer
   * each other would wait for each other for ever. Nothing is less safe by it: what was sent is in our journal.
   */
  private acceptCustody(): void {
    while (this.custodyCount < this.stableCount) {
      const transaction = this.queue.at(this.custodyCount)!;
      if (transaction.ackToken !== undefined && !transaction.ackToken.isReleased) break;
      if (transaction.work?.port?.bus.isHeldByReceiver === true) this.acknowledge(transaction);
      this.custodyCount++;
    }
  }

  /** After a storage error nothing is acknowledged any more (H22). */
  freeze(): void {
    this.isFrozen = true;
  }

  /** The oldest transaction in flight, and whether it waits for something inside: a token is watched by its own timeout. */
  get head(): { readonly txId: number; readonly isHeldByToken: boolean } | undefined {
    const head = this.queue.peek();
    if (head === undefined) return undefined;
    const token = this.queue.at(this.ackCount)?.ackToken;
    return { txId: head.txId, isHeldByToken: head.unconfirmed === 0 && token !== undefined && !token.isReleased };
  }

  /** What holds the oldest transaction, for alerts and the report of a stop; undefined when nothing is in flight. */
  describeHead(): string | undefined {
    const head = this.queue.peek();
    if (head === undefined) return undefined;
    if (this.stableCount === 0) return `transaction ${head.txId} waits for the journal`;
    const waiting = head.outbound.find((outbound) => outbound.transaction === head);
    if (head.unconfirmed > 0 && waiting !== undefined) {
      return `transaction ${head.txId} waits for ${head.unconfirmed} confirmation(s), the first of channel ${waiting.port.where}`;
    }
    const token = this.queue.at(this.ackCount)?.ackToken;
    return token === undefined
      ? `transaction ${head.txId} is about to complete`
      : `the acknowledgement delayed by ${token.handler} was not given`;
  }

  /** Events that were not acknowledged when the engine stops: their bus delivers them again. */
  abandon(onLocal: (work: Work) => void): void {
    for (let transaction = this.queue.poll(); transaction !== undefined; transaction = this.queue.poll()) {
      transaction.ackToken?.abandon();
      if (transaction.work !== undefined) onLocal(transaction.work);
    }
    this.stableCount = 0;
    this.custodyCount = 0;
    this.ackCount = 0;
  }

  private releaseOutbound(transaction: SealedTransaction): void {
    // A confirmation may come from inside `release` and complete the transaction, which resets the count.
    const { outbound, outboundCount: count } = transaction;
    for (let index = 0; index < count; index++) {
      const message = outbound[index]!;
      if (message.isTimed) message.releasedAtMs = this.options.time.nowMs;
      message.port.bus.release(message);
    }
  }

  private acknowledge(transaction: SealedTransaction): void {
    const { work } = transaction;
    if (work === undefined) return;
    const { options } = this;
    if (work.delivery !== undefined) {
      if (work.isTimed) options.latencies!.receiveToAck.record((options.time.nowMs - work.offeredAtMs) * 1000);
      work.port!.bus.binding?.acknowledge(work.delivery);
    }
    transaction.work = undefined;
    work.reset();
    options.works.give(work);
  }

  private callBack(transaction: SealedTransaction): void {
    const { work, afterStable } = transaction;
    if (work?.local?.onStable !== undefined) this.guard(() => work.local!.onStable!(work.result));
    if (afterStable.length === 0) return;
    for (const callback of afterStable) this.guard(callback);
    afterStable.length = 0;
  }

  /** One callback that throws must not keep the others, or the stream, from going on (E22). */
  private guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.options.listener.onCallbackFailed(error);
    }
  }
}

/** The bound is the pipeline's: it stops at `capacityMax`. Messages in doubt after a restart with a lower limit may exceed it. */
const QUEUE_MAX = 2 ** 30;
