import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entity, type EntityOwner, TypeRegistry } from '@aep/messages';
import { NewOrder, Order, OrderBook, OrderReport, ShopFactory, Side } from './gen/shop/orders.js';

test('a message that was created, filled and encoded reads the same through a view', () => {
  const message = NewOrder.create();
  message.orderId = 'o-1';
  message.side = Side.SELL;
  message.sequence = -5n;
  const view = NewOrder.wrap(message.toBytes());
  assert.equal(view.orderId, 'o-1');
  assert.equal(view.side, Side.SELL);
  assert.equal(view.sequence, -5n);
  assert.equal(view.note, '');
  message.dispose();
  view.dispose();
});

test('a setter refuses what its field cannot hold, and names the field', () => {
  const order = NewOrder.create();
  const refused = (code: string): { code: string; message: RegExp } => ({
    code: 'AEP_FIELD_VALUE',
    message: new RegExp(code),
  });
  assert.throws(() => (order.quantity = 1.5), refused('shop\\.NewOrder\\.quantity: expected int32, got 1\\.5'));
  assert.throws(() => (order.quantity = 2 ** 31), refused('expected int32'));
  assert.throws(() => (order.sequence = 2n ** 63n), refused('expected int64, got 9223372036854775808n'));
  assert.throws(() => (order.placedAtMs = 2 ** 53), refused('expected int64 as a safe integer'));
  assert.throws(() => (order.note = 5 as unknown as string), refused('expected string, got 5'));
  order.dispose();
});

test('an embedded message that is not set reads as defaults and is set by its first change', () => {
  const report = OrderReport.create();
  assert.equal(report.owner.agent.agent.name, '');
  assert.equal(report.hasOwner(), false);
  report.owner.agent.name = 'x';
  assert.equal(report.hasOwner(), true);
  assert.equal(report.owner.hasAgent(), true);
  assert.equal(OrderReport.wrap(report.toBytes()).owner.agent.name, 'x');
  report.clearOwner();
  assert.equal(report.hasOwner(), false);
  assert.equal(report.toBytes().length, 0);
});

test('of a oneof only the last member stays set', () => {
  const report = OrderReport.create();
  report.rejectedBecause = 'late';
  assert.equal(report.outcomeCase, 'rejectedBecause');
  report.filledBy.quantity = 3;
  assert.equal(report.outcomeCase, 'filledBy');
  assert.equal(report.rejectedBecause, '');
  report.parkedUntilMs = 0n;
  assert.equal(report.hasFilledBy(), false);
  assert.equal(report.filledBy.quantity, 0);
  assert.equal(OrderReport.wrap(report.toBytes()).outcomeCase, 'parkedUntilMs');
  report.clearOutcome();
  assert.equal(report.outcomeCase, undefined);
});

test('an assigned embedded message is a copy', () => {
  const first = OrderReport.create();
  first.billing.city = 'Bern';
  const second = OrderReport.create();
  second.billing = first.billing;
  first.billing.city = 'Basel';
  assert.equal(second.billing.city, 'Bern');
});

test('lists and maps of a received message refuse changes, those of its copy do not', () => {
  const report = OrderReport.create();
  report.tags.push('a');
  report.executions.add().price = 1;
  const view = OrderReport.wrap(report.toBytes());
  const readOnly = { code: 'AEP_VIEW_READ_ONLY' };
  assert.throws(() => view.tags.push('b'), readOnly);
  assert.throws(() => view.executions.add(), readOnly);
  assert.throws(() => view.counters.set('x', 1n), readOnly);
  assert.throws(() => view.addresses.getOrCreate(1), readOnly);
  assert.throws(() => (view.executions.at(0)!.price = 2), readOnly);
  assert.throws(() => (view.billing.city = 'x'), readOnly);
  const copy = view.copy();
  copy.tags.push('b');
  copy.executions.at(0)!.price = 2;
  copy.executions.remove(5);
  assert.deepEqual([...copy.tags], ['a', 'b']);
  assert.equal(OrderReport.wrap(copy.toBytes()).executions.at(0)?.price, 2);
});

class Recorder implements EntityOwner {
  readonly changes: Entity[] = [];
  beforeChange(entity: Entity): void {
    this.changes.push(entity);
  }
  check(): void {}
}

test('every change of an entity, however deep, is announced to its owner before it happens (E61)', () => {
  const order = new Order();
  const owner = new Recorder();
  order.$owner = owner;
  const changes: (() => void)[] = [
    (): void => void (order.orderId = 'o'),
    (): void => void (order.executions.add().price = 2),
    (): void => order.labels.set('k', 'v'),
    (): void => void order.labels.delete('k'),
    (): void => void (order.shipTo.city = 'Bern'),
    (): void => void (order.lastExecution.quantity = 1),
    (): void => order.clearShipTo(),
    (): void => order.executions.clear(),
  ];
  for (const change of changes) {
    const before = owner.changes.length;
    change();
    assert.ok(owner.changes.length > before, String(change));
  }
  assert.ok(owner.changes.every((entity) => entity === order));
});

test('a change that the owner refuses does not happen', () => {
  const order = new Order();
  order.orderId = 'kept';
  order.$owner = {
    beforeChange: () => {
      throw new Error('refused');
    },
    check: () => {},
  };
  assert.throws(() => (order.orderId = 'lost'), /refused/);
  assert.throws(() => (order.shipTo.city = 'lost'), /refused/);
  assert.throws(() => order.executions.add(), /refused/);
  order.$owner = undefined;
  assert.equal(order.orderId, 'kept');
  assert.equal(order.hasShipTo(), false);
  assert.equal(order.executions.length, 0);
});

test('decoding replaces all of an entity, so bytes taken before a change undo it exactly (E36)', () => {
  const order = new Order();
  order.executions.add().price = 2;
  order.labels.set('k', 'v');
  const before = order.toBytes();
  order.executions.at(0)!.price = 3;
  order.labels.clear();
  order.shipTo.city = 'Bern';
  order.$decode(before, 0, before.length);
  assert.deepEqual(order.toBytes(), before);
  assert.equal(order.hasShipTo(), false);
});

test('the state root describes its tables (E61)', () => {
  const described = OrderBook.$type.collections.map(({ id, name, kind, keyKind, entity }) => [
    id,
    name,
    kind,
    keyKind,
    entity.fullName,
  ]);
  assert.deepEqual(described, [
    [0, 'values', 'values', undefined, 'shop.OrderBookValues'],
    [1, 'orders', 'collection', 'string', 'shop.Order'],
    [2, 'audit', 'queue', undefined, 'shop.AuditLine'],
  ]);
});

test('the factory lists what can be sent, and a registry finds it', () => {
  const registry = new TypeRegistry([ShopFactory]);
  assert.equal(registry.find(7, 1), NewOrder.$type);
  assert.equal(registry.find(7, 3), undefined);
  assert.equal(registry.byName('shop.OrderReport'), OrderReport.$type);
});

test('the table of fields reads and writes a message by name', () => {
  const order = NewOrder.create();
  const field = NewOrder.$type.fields.find((candidate) => candidate.name === 'orderId')!;
  assert.equal(field.has(order), false);
  field.set(order, 'o-1');
  assert.equal(field.get(order), 'o-1');
  assert.equal(field.has(order), true);
  assert.equal(NewOrder.$type.fields.find((candidate) => candidate.name === 'side')?.enumNames?.get(1), 'SIDE_BUY');
});
