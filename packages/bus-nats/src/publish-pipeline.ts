import { assert, RingQueue } from '@aep/kernel';
import type { Outbound } from '@aep/bus';

/** A Guaranteed message between its acceptance and the broker's confirmation. */
export interface PublishEntry {
  readonly outbound: Outbound;
  readonly bytes: number;
  /** For the broker's own dedupe, and for the chain. */
  readonly id: string;
  isStored: boolean;
}

export interface PipelineLimits {
  /** Sent and not answered. */
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** One message to be put on the wire now; `ordinal` and `run` come back with the answer. */
export interface PublishStep {
  readonly entry: PublishEntry;
  readonly ordinal: number;
  readonly run: number;
  /** The message is to be refused unless this one is the last of the stream; undefined for the first in flight. */
  readonly expectedLastId: string | undefined;
}

/**
 * Guaranteed messages of one channel on their way into its stream, many at a time and yet in order: each is sent on condition that
 * the one before it is the last of the stream. So when one is refused (stream full, lost on the way, another sender in
 * between) all behind it are refused as well, and no later message can overtake it.
 * ```
 *   [ sent, unanswered … | not sent … ]
 *     ^ head              ^ sentCount       stored: the head moves on; refused: sentCount goes back to 0, in a new run
 * ```
 * Other senders in the same stream break the chain: each break halves the width, each success widens it by one.
 */
export class PublishPipeline {
  private readonly entries: RingQueue<PublishEntry>;
  private headOrdinal = 1;
  private sentCount = 0;
  private bytesInFlight = 0;
  private width = 1;
  /** Refusals of an earlier run are old news. */
  private run = 1;
  private isHeld = false;

  /** @param capacityMax messages that wait or are in flight */
  constructor(
    private readonly limits: PipelineLimits,
    capacityMax: number,
  ) {
    this.entries = new RingQueue(capacityMax);
  }

  /** Accepted and not confirmed. */
  get size(): number {
    return this.entries.size;
  }

  get inFlightCount(): number {
    return this.sentCount;
  }

  /** False when there is no room. */
  offer(outbound: Outbound, id: string): boolean {
    return this.entries.offer({ outbound, bytes: outbound.end - outbound.start, id, isStored: false });
  }

  /** The next message to send, which counts as sent; undefined when there is none or it must wait. */
  next(): PublishStep | undefined {
    if (this.isHeld || this.sentCount >= this.entries.size || !this.hasRoom()) return undefined;
    const entry = this.entries.at(this.sentCount)!;
    const expectedLastId = this.sentCount === 0 ? undefined : this.entries.at(this.sentCount - 1)!.id;
    const ordinal = this.headOrdinal + this.sentCount;
    this.sentCount++;
    this.bytesInFlight += entry.bytes;
    return { entry, ordinal, run: this.run, expectedLastId };
  }

  /** The stream has the message, now or since an earlier attempt. Calls back for each entry that is done, in order. */
  onStored(ordinal: number, onDone: (entry: PublishEntry) => void): void {
    const index = ordinal - this.headOrdinal;
    if (index < 0 || index >= this.entries.size) return; // confirmed before
    this.entries.at(index)!.isStored = true;
    this.width = Math.min(this.limits.messagesMax, this.width + 1);
    while (this.entries.size > 0 && this.entries.at(0)!.isStored) this.finishHead(onDone);
  }

  /**
   * A message of the current run was refused: all that is not confirmed is sent again, in a new run; after `release` if told to hold.
   *
   * @returns false for a refusal that was expected: of an earlier run
   */
  onRefused(run: number, { hold }: { readonly hold: boolean }): boolean {
    if (run !== this.run) return false;
    this.rewind();
    this.width = Math.max(1, this.width >> 1);
    this.isHeld = hold;
    return true;
  }

  /** Nothing that was sent counts as sent: the connection is gone, or the broker does not answer. */
  rewind(): void {
    this.sentCount = 0;
    this.bytesInFlight = 0;
    this.run++;
    this.isHeld = false;
  }

  /** Sends again after a refusal that had to wait. */
  release(): void {
    this.isHeld = false;
  }

  private hasRoom(): boolean {
    if (this.sentCount === 0) return true;
    return this.sentCount < this.width && this.bytesInFlight < this.limits.bytesMax;
  }

  private finishHead(onDone: (entry: PublishEntry) => void): void {
    const entry = this.entries.poll()!;
    this.headOrdinal++;
    if (this.sentCount > 0) {
      this.sentCount--;
      this.bytesInFlight -= entry.bytes;
    }
    assert(this.bytesInFlight >= 0, 'bytes in flight are those of the entries in flight');
    onDone(entry);
  }
}
