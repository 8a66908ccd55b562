import { App, EventHandler, InjectSender, type Sender } from '@aep/engine';
import type { ProcessorChannels } from './channels.js';
import { NewOrderMessage, type Order, OrderBook, OrderEventMessage, OrdersFactory, OrderState } from './gen/orders.js';
import { regionOf } from './region.js';

/** Keeps orders, customers and totals per country, and tells what each line did to its order. */
@App({ name: 'order-processor', state: OrderBook, factories: [OrdersFactory] })
export class OrderProcessor {
  @InjectSender() readonly sender!: Sender<ProcessorChannels>;

  @EventHandler(NewOrderMessage, { source: 'new-orders-channel' })
  onNewOrder(line: NewOrderMessage, book: OrderBook): void {
    const amountMicros = BigInt(line.quantity) * BigInt(line.unitPriceMicros);
    const known = book.orders.get(line.invoiceNo);
    const state = stateAfter(line, known);
    const order = known ?? book.orders.create(line.invoiceNo);
    const country = book.countries.getOrCreate(line.country);
    if (isFirstFor(line.country, order)) country.orders++;
    addToOrder(order, line, state, amountMicros);
    country.lines++;
    country.quantity += line.quantity;
    country.amountMicros += amountMicros;
    if (line.customerId !== '') {
      const customer = book.customers.getOrCreate(line.customerId);
      customer.lines++;
      customer.amountMicros += amountMicros;
    }
    book.lines++;
    if (state === OrderState.Cancelled) book.cancelledLines++;
    book.events++;
    this.sender.send('order-events-channel', eventOf(line, state, amountMicros));
  }
}

/** A cancellation is one whatever came before it; else the first line of an invoice is new and further ones amend it. */
function stateAfter(line: NewOrderMessage, known: Order | undefined): OrderState {
  if (line.quantity < 0 || line.invoiceNo.startsWith('C')) return OrderState.Cancelled;
  return known === undefined ? OrderState.New : OrderState.Amended;
}

function addToOrder(order: Order, line: NewOrderMessage, state: OrderState, amountMicros: bigint): void {
  order.state = state;
  order.customerId = line.customerId;
  order.lines++;
  order.quantity += line.quantity;
  order.amountMicros += amountMicros;
}

/** Whether this is the order's first line for the country; notes it on the order. */
function isFirstFor(country: string, order: Order): boolean {
  if (order.countries.includes(country)) return false;
  order.countries.push(country);
  return true;
}

function eventOf(line: NewOrderMessage, state: OrderState, amountMicros: bigint): OrderEventMessage {
  const event = OrderEventMessage.create();
  event.invoiceNo = line.invoiceNo;
  event.orderState = state;
  event.region = regionOf(line.country);
  event.department = line.department;
  event.country = line.country;
  event.quantity = line.quantity;
  event.amountMicros = amountMicros;
  return event;
}
