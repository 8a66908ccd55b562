import { type Collection, type Queue, StateRoot, type StateRootType, type StateSpace } from '@aep/state';
import { Order } from './order.js';

/** `message OrderBook { option (aep.state_root) = true; map<string, Order> orders = 1; repeated Order audit = 2; string note = 3; uint32 quantity = 4; }` */
export class OrderBook extends StateRoot {
  static readonly $type: StateRootType<OrderBook> = {
    fullName: 'test.OrderBook',
    create: (space) => new OrderBook(space),
    collections: [
      { id: 0, name: 'values', kind: 'values', entity: Order.$type },
      { id: 1, name: 'orders', kind: 'collection', keyKind: 'string', entity: Order.$type },
      { id: 2, name: 'audit', kind: 'queue', entity: Order.$type },
    ],
  };

  readonly orders: Collection<string, Order>;
  readonly audit: Queue<Order>;
  readonly values: Order;

  constructor(space: StateSpace) {
    super(space);
    this.orders = space.collection(1, 'orders', 'string', Order);
    this.audit = space.queue(2, 'audit', Order);
    this.values = space.values(Order);
  }
}
