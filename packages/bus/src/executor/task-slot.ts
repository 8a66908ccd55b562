import { MessageMetadata } from '@aep/messages';
import type { ChannelDescription, Delivery, Outbound } from '../binding-contract.js';
import type { EncodedResult } from './task.js';

/** One task from its send to the acknowledgement of its result; also the delivery of the result. */
export class TaskSlot implements Delivery {
  readonly metadata = new MessageMetadata();
  key = '';
  bytes = NO_BYTES;
  readonly start = 0;
  end = 0;
  attempts = 0;
  isDone = false;
  hasResult = false;

  /** @param channel the reply channel */
  constructor(
    readonly channel: ChannelDescription,
    readonly outbound: Outbound,
    readonly isGuaranteed: boolean,
  ) {}

  /**
   * The result takes the numbers of the task under a sender of its own, and results of a channel come in the order of their tasks. So a task
   * that runs again after a failover gives a result with the number that it had before, which dedupe absorbs (E51, E65).
   */
  complete(result: EncodedResult | undefined, senderId: number, sentAtMs: number): void {
    this.isDone = true;
    if (result === undefined) return;
    const task = this.outbound.metadata;
    this.hasResult = true;
    this.key = result.key ?? this.outbound.key;
    this.bytes = result.bytes;
    this.end = result.bytes.length;
    this.metadata.copyFrom(task);
    this.metadata.senderId = senderId;
    this.metadata.factoryId = result.factoryId;
    this.metadata.typeId = result.typeId;
    this.metadata.sentAtMs = sentAtMs;
    // Tasks without result would look like gaps.
    this.metadata.channelSno = 0;
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0);
