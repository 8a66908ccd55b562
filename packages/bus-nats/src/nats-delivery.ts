import { MessageMetadata } from '@aep/messages';
import type { ChannelDescription, Delivery } from '@aep/bus';
import type { DeliveryPosition } from './ack-subject.js';

/** Who takes the acknowledgement of a delivery. */
export interface DeliverySource {
  acknowledge(delivery: NatsDelivery): void;
}

const NOWHERE: DeliveryPosition = { streamSeq: 0, deliverySeq: 0, attempts: 1, storedAtNs: 0 };

/** A received message. Its bytes are those that the client read from the socket; nothing else uses them. */
export class NatsDelivery implements Delivery {
  readonly metadata = new MessageMetadata();
  readonly start = 0;
  readonly end: number;
  /** Where it is acknowledged; empty for BestEffort. */
  ackSubject = '';
  position = NOWHERE;

  constructor(
    readonly source: DeliverySource,
    readonly channel: ChannelDescription,
    readonly key: string,
    readonly bytes: Uint8Array,
  ) {
    this.end = bytes.length;
  }
}
