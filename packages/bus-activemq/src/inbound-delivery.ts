import type { ChannelDescription, Delivery } from '@aep/bus';
import { MessageMetadata } from '@aep/messages';
import type { StompConnection } from './stomp/stomp-connection.js';
import { NO_BYTES } from './stomp/stomp-frame.js';

/** A received message: its bytes lie in the piece of the stream that they came in. */
export class InboundDelivery implements Delivery {
  key = '';
  readonly metadata = new MessageMetadata();
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;

  constructor(
    readonly channel: ChannelDescription,
    /** It can be acknowledged only on the connection that it came through. */
    readonly connection: StompConnection,
    readonly ackId: string,
  ) {}
}
