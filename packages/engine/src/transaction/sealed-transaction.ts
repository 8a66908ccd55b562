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
  readonly outbound: OutboundMessage[] = [];
  unconfirmed = 0;
  /** Set by `delayAcknowledgment` (E64). */
  ackToken: AckToken | undefined;
  /** Calls once the transaction is stable. */
  readonly afterStable: (() => void)[] = [];
  sealedAtMs = 0;

  reset(): void {
    this.txId = 0;
    this.work = undefined;
    this.hasRecord = false;
    this.outbound.length = 0;
    this.unconfirmed = 0;
    this.ackToken = undefined;
    this.afterStable.length = 0;
  }
}

export function sealedPool(idleMax: number): ObjectPool<SealedTransaction> {
  return new ObjectPool(() => new SealedTransaction(), idleMax);
}
