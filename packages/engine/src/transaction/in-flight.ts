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
  private ackCount = 0;
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
    private stableTxId: number,
  ) {
    this.queue = new RingQueue(options.capacityMax * 2 + 1);
  }

  get size(): number {
    return this.queue.size;
  }

  get isFull(): boolean {
    return this.queue.size >= this.options.capacityMax;
  }

  /** Takes a transaction whose record was appended. */
  push(transaction: SealedTransaction): void {
    assert(this.queue.offer(transaction), 'the pipeline stops before the in-flight queue is full');
  }

  /** Takes an event without a record (duplicate, filtered): acknowledged when all before it are, and `txId` is stable. */
  pushAcknowledgeOnly(transaction: SealedTransaction): void {
    this.push(transaction);
    if (transaction.txId > this.stableTxId || this.stableCount < this.queue.size - 1) return;
    this.stableCount++;
    this.callBack(transaction);
    this.advance();
  }

  /** Takes a transaction from before a restart whose messages are in doubt; they go out again when `resend` is called. */
  pushInDoubt(transaction: SealedTransaction): void {
    assert(this.stableCount === this.queue.size, 'messages in doubt come before new ones');
    this.push(transaction);
    transaction.unconfirmed = transaction.outbound.length;
    this.inDoubt += transaction.outbound.length;
    this.stableCount++;
    this.ackCount++;
  }

  /** Releases messages in doubt to their buses, in order, with their old numbers. */
  resendInDoubt(): void {
    for (let index = 0; index < this.queue.size; index++) this.releaseOutbound(this.queue.at(index)!);
  }

  /** The journal's word. Releases sends in transaction order, then acknowledges what may be. */
  onStable(mark: Stable): void {
    this.stableTxId = mark.txId;
    const { latencies, time } = this.options;
    for (;;) {
      const transaction = this.queue.at(this.stableCount);
      if (transaction === undefined || transaction.txId > mark.txId) break;
      this.stableCount++;
      if (!transaction.hasRecord) {
        this.callBack(transaction);
        continue;
      }
      latencies?.sealToStable.record((time.nowMs - transaction.sealedAtMs) * 1000);
      transaction.unconfirmed = transaction.outbound.length;
      // Callbacks first: a message that is confirmed on the spot (BestEffort) may complete and recycle the transaction.
      this.callBack(transaction);
      this.releaseOutbound(transaction);
    }
    this.advance();
  }

  onConfirmed(outbound: OutboundMessage): void {
    const { transaction } = outbound;
    const { options } = this;
    options.latencies?.releaseToConfirmed.record((options.time.nowMs - outbound.releasedAtMs) * 1000);
    outbound.port.statistics.confirmed++;
    if (outbound.metadata.possibleDuplicate) this.inDoubt--;
    resetOutbound(outbound);
    options.outbound.give(outbound);
    if (--transaction.unconfirmed === 0) this.advance();
  }

  /** Acknowledges and completes as far as order allows; also called when a delayed acknowledgement is given (E64). */
  advance(): void {
    const { queue, options } = this;
    // Ack only now: a crash between release and ack re-delivers the event, and dedupe absorbs it. The other order loses it.
    while (this.ackCount < this.stableCount) {
      const transaction = queue.at(this.ackCount)!;
      if (transaction.ackToken !== undefined && !transaction.ackToken.isAcknowledged) break;
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
      this.ackCount--;
      confirmedTxId = transaction.txId;
      transaction.reset();
      options.transactions.give(transaction);
    }
    if (confirmedTxId > 0) options.listener.onConfirmedUpTo(confirmedTxId);
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
      if (transaction.work !== undefined) onLocal(transaction.work);
    }
    this.stableCount = 0;
    this.ackCount = 0;
  }

  /** The oldest acknowledgement that is held back by a token, if any. */
  heldToken() {
    return this.queue.at(this.ackCount)?.ackToken;
  }

  private releaseOutbound(transaction: SealedTransaction): void {
    const { outbound } = transaction;
    const count = outbound.length;
    // A confirmation may come from inside `release` and complete the transaction, which empties the list.
    for (let index = 0; index < count; index++) {
      const message = outbound[index]!;
      message.releasedAtMs = this.options.time.nowMs;
      message.port.bus.release(message);
    }
  }

  private acknowledge(transaction: SealedTransaction): void {
    const { work } = transaction;
    if (work === undefined) return;
    const { options } = this;
    if (work.delivery !== undefined) {
      options.latencies?.receiveToAck.record((options.time.nowMs - work.offeredAtMs) * 1000);
      work.port!.bus.binding?.acknowledge(work.delivery);
    }
    transaction.work = undefined;
    work.reset();
    options.works.give(work);
  }

  private callBack(transaction: SealedTransaction): void {
    const local = transaction.work?.local;
    try {
      if (local?.onStable !== undefined) local.onStable(transaction.work!.result);
      for (const callback of transaction.afterStable) callback();
    } catch (error) {
      this.options.listener.onCallbackFailed(error);
    }
    if (transaction.afterStable.length > 0) transaction.afterStable.length = 0;
  }
}
