import { ObjectPool } from '@aep/kernel';
import type { OutboundMessage } from '../messaging/outbound-message.js';
import type { AckToken } from '../services/ack-token.js';
import type { Work } from './work.js';

/**
 * A transaction between its seal and its acknowledgement. The queue of these is the only record in memory of what is in
 * flight; each stage below is passed in transaction order.
 *
 * ```
 * sealed ──stable──> released ──all confirmed──> done ──> acknowledged
 * ```
 * A duplicate or filtered event is one of these without a record: it waits its turn and is acknowledged.
 */
export class SealedTransaction {
  /** Stable when the journal is stable up to here; for an event without a record, the transaction before it. */
  txId = 0;
  work: Work | undefined;
  /** False for an event that was only to be acknowledged. */
  hasRecord = false;
  /** The first `outboundCount` are this transaction's; what lies behind is of an earlier use. */
  readonly outbound: OutboundMessage[] = [];
  outboundCount = 0;
  unconfirmed = 0;
  /** Set by `delayAcknowledgment` (E64). */
  ackToken: AckToken | undefined;
  /** Calls once the transaction is stable. */
  readonly afterStable: (() => void)[] = [];
  /** Its latencies are taken, from `sealedAtMs` on. */
  isTimed = false;
  sealedAtMs = 0;

  addOutbound(message: OutboundMessage): void {
    this.outbound[this.outboundCount++] = message;
  }

  reset(): void {
    this.txId = 0;
    this.work = undefined;
    this.hasRecord = false;
    this.isTimed = false;
    // Counted, not emptied: setting the length of an array costs as much as encoding a small message.
    this.outboundCount = 0;
    this.unconfirmed = 0;
    this.ackToken = undefined;
    if (this.afterStable.length > 0) this.afterStable.length = 0;
  }
}

export function sealedPool(idleMax: number): ObjectPool<SealedTransaction> {
  return new ObjectPool(() => new SealedTransaction(), idleMax);
}
