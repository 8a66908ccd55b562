import type { NewOrderMessage, OrderEventMessage } from './gen/orders.js';

/** What the gateway may send: a wrong channel or message does not compile. */
export interface GatewayChannels {
  'new-orders-channel': NewOrderMessage;
}

/** What the order processor may send. */
export interface ProcessorChannels {
  'order-events-channel': OrderEventMessage;
}
