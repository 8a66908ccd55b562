import {
  App,
  Command,
  defineApp,
  type Engine,
  EventHandler,
  InjectEngine,
  InjectSender,
  type Sender,
} from '@aep/engine';
import { NewOrder, OrderEvent, OrderState, Reminder, Shop, ShopFactory } from './gen/shop.js';

export interface ShopChannels {
  orders: NewOrder;
  events: OrderEvent;
}

/** Takes orders; `instruction` makes it misbehave in the ways that tests ask for. */
@App({ name: 'shop', state: Shop, factories: [ShopFactory] })
export class ShopApp {
  @InjectSender() sender!: Sender<ShopChannels>;
  @InjectEngine() engine!: Engine<Shop>;
  /** Calls of this instance's handler, failed ones included. */
  calls = 0;

  @EventHandler(NewOrder)
  onNewOrder(message: NewOrder, shop: Shop): void | Promise<void> {
    this.calls++;
    const known = shop.orders.get(message.orderId);
    const order = known ?? shop.orders.create(message.orderId);
    order.quantity += message.quantity;
    shop.lines++;
    this.sender.send(
      'events',
      eventOf(message, known === undefined ? OrderState.NEW : OrderState.AMENDED, order.quantity),
    );
    if (message.instruction === 'remind')
      this.engine.schedule(reminderOf(message.orderId), { delayMs: 60_000, id: `r ${message.orderId}` });
    if (message.instruction === 'fail') throw new Error('the shop was asked to fail');
    if (message.instruction === 'forget') OrderEvent.create();
    if (message.instruction === 'fail later') return Promise.reject(new Error('the shop failed later'));
  }

  @EventHandler(Reminder)
  onReminder(reminder: Reminder, shop: Shop): void {
    shop.reminders++;
    const event = OrderEvent.create();
    event.orderId = reminder.orderId;
    event.region = 'none';
    event.notes.push('reminded');
    this.sender.send('events', event);
  }

  @Command('count', { options: { least: { type: 'number', default: 0 } } })
  count(args: { readonly least: number }, shop: Shop): number {
    if (args.least < 0) throw new Error('least must not be negative');
    return [...shop.orders.range()].filter(([, order]) => order.quantity >= args.least).length;
  }
}

function eventOf(message: NewOrder, state: OrderState, quantity: number): OrderEvent {
  const event = OrderEvent.create();
  event.orderId = message.orderId;
  event.orderState = state;
  event.region = message.region;
  event.total = BigInt(quantity);
  event.counts.set('lines', 1);
  event.customer.name = `customer of ${message.orderId}`;
  return event;
}

function reminderOf(orderId: string): Reminder {
  const reminder = Reminder.create();
  reminder.orderId = orderId;
  return reminder;
}

export function newOrder(orderId: string, quantity = 1, region = 'EMEA', instruction = ''): NewOrder {
  return NewOrder.fromJSON({ orderId, quantity, region, instruction });
}

/** The channels of the shop as its tests wire them. */
export const SHOP_CHANNELS = {
  orders: { carries: NewOrder, join: true, key: 'Orders/${Region}', filter: 'Region=US|EMEA' },
  events: { carries: OrderEvent, key: 'Events/${OrderState}/${Region}' },
} as const;

/** An event-sourced application: its state is any object, made by its messages. */
export function tally() {
  return defineApp<Map<string, number>>({
    name: 'tally',
    factories: [ShopFactory],
    stateCodec: {
      create: () => new Map(),
      save: (state) => new TextEncoder().encode(JSON.stringify([...state])),
      load: (bytes) => new Map(JSON.parse(new TextDecoder().decode(bytes)) as [string, number][]),
    },
  }).on(OrderEvent, (event, { state }) => void state.set(event.orderId, Number(event.total)));
}
