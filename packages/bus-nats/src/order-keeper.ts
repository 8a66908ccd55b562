import { assert } from '@aep/kernel';
import type { DeliveryPosition } from './ack-subject.js';

/** Where a session with a consumer begins. */
export interface SessionStart {
  /** Number of the consumer's last delivery; the next one comes to this session. */
  readonly deliverySeq: number;
}

/**
 * - `deliver`: the next message for the engine.
 * - `known`: the engine has it already and has not acknowledged it.
 * - `acknowledged`: the engine has acknowledged it, but the broker does not know: acknowledge again.
 * - `gap`: a delivery went somewhere else: nothing can be said about the order any more, begin a new session.
 * - `replaced`: the stream holds another message under a number that was seen before: forget everything, begin a new session.
 */
export type Verdict = 'deliver' | 'known' | 'acknowledged' | 'gap' | 'replaced';

/**
 * Holds the deliveries of a consumer against what the engine has had of its stream, over any number of sessions. An engine that saw message 9
 * before message 5 would take 5 for a duplicate and lose it (E51), so within a session not one delivery may be missing: a session reads the
 * stream in its order, and every delivery has a number.
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

  /** A new session: what was let through and not given to the engine is forgotten, it comes again. */
  begin({ deliverySeq }: SessionStart): void {
    this.nextDeliverySeq = deliverySeq + 1;
    this.passedSeq = this.given.streamSeq;
  }

  /** Nothing that was seen counts any more. */
  forget(): void {
    this.given = { streamSeq: 0, storedAtNs: 0 };
    this.acknowledgedSeq = 0;
  }

  accept({ streamSeq, deliverySeq, storedAtNs }: DeliveryPosition): Verdict {
    if (deliverySeq !== this.nextDeliverySeq) return 'gap';
    this.nextDeliverySeq++;
    if (streamSeq <= this.given.streamSeq) {
      if (storedAtNs > this.given.storedAtNs) return 'replaced';
      return streamSeq <= this.acknowledgedSeq ? 'acknowledged' : 'known';
    }
    if (streamSeq <= this.passedSeq) return 'known';
    this.passedSeq = streamSeq;
    return 'deliver';
  }

  /** The engine is given this message. */
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
  }
}
