import { App, EventHandler } from '@aep/engine';
import { LedgerBook, OrderEventMessage, OrdersFactory, OrderState } from './gen/orders.js';

/** Keeps running totals of the order events that its filter lets through. */
@App({ name: 'ledger', state: LedgerBook, factories: [OrdersFactory] })
export class Ledger {
  @EventHandler(OrderEventMessage, { source: 'order-events-channel' })
  onOrderEvent(event: OrderEventMessage, book: LedgerBook): void {
    book.lines++;
    book.quantity += event.quantity;
    book.amountMicros += event.amountMicros;
    const totals = book.states.getOrCreate(OrderState[event.orderState]);
    totals.lines++;
    totals.amountMicros += event.amountMicros;
  }
}
