import { MessageMetadata } from '@aep/messages';
import type { ChannelDescription, Delivery } from '@aep/bus';
import type { InboundConnection } from './inbound-connection.js';

const NO_BYTES = new Uint8Array(0);

/** A received message: its bytes lie in the piece of the stream that they came in. Pooled. */
export class InboundDelivery implements Delivery {
  channel!: ChannelDescription;
  key = '';
  readonly metadata = new MessageMetadata();
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  connection!: InboundConnection;

  clear(): void {
    this.key = '';
    this.bytes = NO_BYTES;
  }
}
