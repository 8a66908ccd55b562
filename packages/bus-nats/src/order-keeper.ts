import { assert } from '@aep/kernel';
import type { DeliveryPosition } from './ack-subject.js';

/** The state of a consumer when a session with it begins. */
export interface ConsumerPosition {
  /** Number of its last delivery. */
  readonly deliverySeq: number;
  /** The last message of the stream that it has delivered. */
  readonly streamSeq: number;
  /** Delivered and not acknowledged. */
  readonly pendingCount: number;
}

/**
 * - `deliver`: the next message for the engine.
 * - `hold`: must wait until all redeliveries of the recovery are here.
 * - `known`: the engine has it already and has not acknowledged it.
 * - `acknowledged`: the engine has acknowledged it, but the broker does not know: acknowledge again.
 * - `gap`: a delivery went somewhere else: nothing can be said about the order any more, begin again.
 * - `replaced`: the stream holds another message under a number that was seen before: forget everything, begin again.
 */
export type Verdict = 'deliver' | 'hold' | 'known' | 'acknowledged' | 'gap' | 'replaced';

/**
 * Keeps the order of a stream over redeliveries. JetStream sends what was not acknowledged again, but between new messages;
 * an engine that saw message 9 before the redelivered 5 would take 5 for a duplicate and lose it. So:
 * ```
 *   begin ──nothing pending──────────────────────────────> flowing ──gap──> begin
 *     └──pending──> recovering: everything is held ──all pending are here──^
 * ```
 * While flowing, deliveries are numbered without gaps; a missing number means that somebody else got it, or nobody.
 */
export class OrderKeeper {
  /** Last message that the engine was given, and when the stream stored it. */
  private given = { streamSeq: 0, storedAtNs: 0 };
  private givenBefore = this.given;
  /** The engine has acknowledged everything up to here. */
  private acknowledgedSeq = 0;
  /** Last message that was let through in this session. */
  private passedSeq = 0;
  private nextDeliverySeq = 0;
  private recoverThroughSeq = 0;
  /** Pending messages of the recovery that are here or done with. */
  private readonly recovered = new Set<number>();
  private pendingCount = 0;
  private recovering = false;

  get isRecovering(): boolean {
    return this.recovering;
  }

  /** Pending messages that have not come yet. */
  get missingCount(): number {
    return this.recovering ? Math.max(0, this.pendingCount - this.recovered.size) : 0;
  }

  /** A new session with the consumer; what was let through and not given to the engine is forgotten, it comes again. */
  begin(position: ConsumerPosition): void {
    this.nextDeliverySeq = position.deliverySeq + 1;
    this.recoverThroughSeq = position.streamSeq;
    this.pendingCount = position.pendingCount;
    this.recovered.clear();
    this.recovering = position.pendingCount > 0;
    this.passedSeq = this.given.streamSeq;
  }

  /** Nothing that was seen counts any more. */
  forget(): void {
    this.given = { streamSeq: 0, storedAtNs: 0 };
    this.acknowledgedSeq = 0;
  }

  accept({ streamSeq, deliverySeq, storedAtNs }: DeliveryPosition): Verdict {
    if (deliverySeq > this.nextDeliverySeq) return 'gap';
    if (deliverySeq === this.nextDeliverySeq) this.nextDeliverySeq++;
    if (this.recovering && streamSeq <= this.recoverThroughSeq) this.recovered.add(streamSeq);
    if (streamSeq <= this.given.streamSeq) {
      if (storedAtNs > this.given.storedAtNs) return 'replaced';
      return streamSeq <= this.acknowledgedSeq ? 'acknowledged' : 'known';
    }
    if (this.recovering) return 'hold';
    if (streamSeq <= this.passedSeq) return 'known';
    this.passedSeq = streamSeq;
    return 'deliver';
  }

  /** Ends the recovery. @param lastSeq the last of the held messages that are let through now */
  recoveryDone(lastSeq: number): void {
    assert(this.recovering && this.missingCount === 0, 'a recovery is done when nothing is missing');
    this.recovering = false;
    this.recovered.clear();
    this.passedSeq = Math.max(this.passedSeq, lastSeq);
  }

  /** The engine was given this message. */
  onGiven({ streamSeq, storedAtNs }: Pick<DeliveryPosition, 'streamSeq' | 'storedAtNs'>): void {
    assert(streamSeq > this.given.streamSeq, 'an engine is given the messages of a stream in their order');
    this.givenBefore = this.given;
    this.given = { streamSeq, storedAtNs };
  }

  /** The engine did not take the last one that it was given. */
  onRefused(): void {
    this.given = this.givenBefore;
  }

  /** The engine has acknowledged this message and all before it. */
  onAcknowledged(streamSeq: number): void {
    if (streamSeq > this.given.streamSeq) return; // of a time that was forgotten
    this.acknowledgedSeq = Math.max(this.acknowledgedSeq, streamSeq);
    // It may leave the broker's list before it is redelivered, so nobody must wait for it.
    if (this.recovering && streamSeq <= this.recoverThroughSeq) this.recovered.add(streamSeq);
  }
}
