import { defineApp } from '@aep/engine';
import { NewOrderMessage, OrderBook, OrderEventMessage, OrderProcessor, OrdersFactory } from '@aep/example-orders';

/** Messages longer than this cannot be sent; see `oversize`. */
export const MESSAGE_BYTES_MAX = 2_000;

/** What the handler of a line does wrong, by the number of the line. */
type Misdeed = 'none' | 'throws before' | 'throws after' | 'rejects later' | 'poison' | 'oversize';

function misdeedOf(line: number): Misdeed {
  if (line % 23 === 5) return 'poison';
  if (line % 19 === 4) return 'oversize';
  if (line % 7 === 3) return 'throws after';
  if (line % 11 === 2) return 'rejects later';
  return line % 13 === 6 ? 'throws before' : 'none';
}

/**
 * The order processor of the example with handlers that fail: before they have done anything, after state and sends, later,
 * always, or by sending what is too large. All but the last two succeed at the second attempt.
 */
export function faultyProcessor() {
  const failed = new Set<number>();
  return defineApp<OrderBook>({ name: 'order-processor', state: OrderBook, factories: [OrdersFactory] }).on(
    NewOrderMessage,
    (message, { state, send }): void | Promise<void> => {
      const { line } = message;
      const misdeed = misdeedOf(line);
      const isFirst = !failed.has(line);
      failed.add(line);
      if (misdeed === 'throws before' && isFirst) throw new Error('before anything');
      const processor = { sender: { send } } as unknown as OrderProcessor;
      OrderProcessor.prototype.onNewOrder.call(processor, message, state);
      if (misdeed === 'oversize') send('order-events-channel', oversizeEvent());
      if (misdeed === 'poison' || (misdeed === 'throws after' && isFirst)) throw new Error('after state and sends');
      if (misdeed === 'rejects later' && isFirst) return Promise.reject(new Error('later'));
      failed.delete(line);
    },
    { source: 'new-orders-channel' },
  );
}

function oversizeEvent(): OrderEventMessage {
  const event = OrderEventMessage.create();
  event.invoiceNo = 'x'.repeat(MESSAGE_BYTES_MAX * 2);
  event.region = 'EMEA';
  event.department = 'x';
  return event;
}
