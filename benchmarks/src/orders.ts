import { SeededRandom } from '@aep/kernel';
import { Execution, Order, type Position, Side } from './gen/trade.js';

/** Entities that the reference case chooses from, uniformly. */
export const ACCOUNTS = 100_000;

/** Plain content of the order with this number; 110 to 200 bytes as protobuf. */
export function orderContent(sequence: number, random: SeededRandom) {
  return {
    orderId: `ORD-${1_000_000 + sequence}`,
    account: `account-${random.below(ACCOUNTS)}`,
    symbol: `SYM${random.below(500)}`,
    side: sequence % 2 === 0 ? Side.BUY : Side.SELL,
    quantity: 1 + random.below(1000),
    price: Math.round(random.float() * 100_000) / 100,
    placedAtMs: 1_760_000_000_000 + sequence,
    region: ['EMEA', 'AMER', 'APAC'][random.below(3)]!,
    department: `dept-${random.below(20)}`,
    allOrNone: sequence % 3 === 0,
    sequence,
    note: 'deliver before noon, call at the gate'.slice(0, 10 + random.below(27)),
  };
}

export type OrderContent = ReturnType<typeof orderContent>;

export function fillOrder(order: Order, content: OrderContent): Order {
  order.orderId = content.orderId;
  order.account = content.account;
  order.symbol = content.symbol;
  order.side = content.side;
  order.quantity = content.quantity;
  order.price = content.price;
  order.placedAtMs = content.placedAtMs;
  order.region = content.region;
  order.department = content.department;
  order.allOrNone = content.allOrNone;
  order.sequence = content.sequence;
  order.note = content.note;
  return order;
}

/** Encoded orders, all different. */
export function encodedOrders(count: number, seed = 1): Uint8Array[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, sequence) => {
    const order = fillOrder(Order.create(), orderContent(sequence, random));
    const bytes = order.toBytes();
    order.dispose();
    return bytes;
  });
}

/** Reads all twelve fields, so that no decoding is left out. */
export function readAll(order: Order): number {
  return (
    order.orderId.length +
    order.account.length +
    order.symbol.length +
    order.side +
    order.quantity +
    order.price +
    order.placedAtMs +
    order.region.length +
    order.department.length +
    (order.allOrNone ? 1 : 0) +
    order.sequence +
    order.note.length
  );
}

/** What the reference case does to the position of the order's account. */
export function book(order: Order, position: Position): void {
  position.quantity += order.quantity;
  position.value += order.price * order.quantity;
  position.lastSequence = order.sequence;
}

/** What the reference case sends for an order. */
export function executionOf(order: Order): Execution {
  const execution = Execution.create();
  execution.orderId = order.orderId;
  execution.region = order.region;
  execution.department = order.department;
  execution.quantity = order.quantity;
  execution.price = order.price;
  execution.sequence = order.sequence;
  return execution;
}
