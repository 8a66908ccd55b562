import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeBus } from '@aep/bus';
import { defineApp, type StateCodec } from '@aep/engine';
import { MessageMetadata } from '@aep/messages';
import { type Machine, PairWorld, StandbyEngines } from '@aep/testkit/pairs';
import { NewOrder, OrderEvent, ShopFactory } from './gen/shop.js';

const bus = describeBus('world', ['orders', 'events'], 'broker');

interface Book {
  readonly quantities: Record<string, number>;
  lines: number;
}

const codec: StateCodec<Book> = {
  create: () => ({ quantities: {}, lines: 0 }),
  save: (book) => Buffer.from(JSON.stringify(book)),
  load: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Book,
};

/** Calls of handlers, of all processes together; "whim" makes a handler say something that depends on who runs it. */
let calls = 0;
let whims = 0;

function bookApp() {
  return defineApp<Book, { events: OrderEvent }>({ name: 'app', stateCodec: codec, factories: [ShopFactory] }).on(
    NewOrder,
    ({ orderId, quantity, instruction }, { state, send }) => {
      calls++;
      state.quantities[orderId] = (state.quantities[orderId] ?? 0) + quantity;
      state.lines++;
      const event = OrderEvent.create();
      event.orderId = orderId;
      event.region = instruction === 'whim' ? `whim ${++whims}` : 'EU';
      event.total = BigInt(state.quantities[orderId]);
      send('events', event);
    },
    { source: 'orders' },
  );
}

/** Members that run an event-sourced application, under orders of one client. */
class BookGroup {
  readonly world: PairWorld;
  sent = 0;

  constructor(seed: number, names: readonly string[], snapshotEvery = 25) {
    this.world = new PairWorld({
      seed,
      names,
      bus,
      observer: {},
      isEventSourced: true,
      engine: (provider) => ({
        name: 'app',
        app: bookApp(),
        verifyReplay: true,
        buses: [{ description: bus, provider, channels: [{ name: 'orders', join: true }] }],
        limits: { snapshotEvery, journalRetentionRecords: 0, checkpointIntervalMs: 10 },
      }),
      limits: { heartbeatMs: 20, silenceMs: 60, takeOverAfterMs: 30, soloAfterMs: 20, checkpointIntervalMs: 10 },
      journal: { runBytesMax: 1_024 },
    });
    for (const machine of this.world.machines) this.world.boot(machine);
  }

  order(count: number, instruction = ''): void {
    for (let index = 0; index < count; index++) {
      const number = ++this.sent;
      const order = NewOrder.create();
      order.orderId = `order ${number % 5}`;
      order.quantity = number;
      order.instruction = instruction;
      const metadata = new MessageMetadata();
      metadata.factoryId = NewOrder.$type.factoryId;
      metadata.typeId = NewOrder.$type.typeId;
      metadata.senderId = 7;
      metadata.incarnation = 1;
      metadata.sno = metadata.channelSno = number;
      this.world.broker.publish({ channel: 'orders', key: '', metadata, bytes: order.toBytes() });
      order.dispose();
    }
  }

  async until(what: string, condition: () => boolean, forMs = 5_000): Promise<void> {
    const isThere = await this.world.runUntil(this.world.clock.monotonicMs() + forMs, condition);
    assert.ok(isThere, `never came: ${what}: ${JSON.stringify(this.world.machines.map(replayOf))}`);
  }

  /** Everything is acknowledged, and every backup has handled it. */
  async settle(): Promise<void> {
    const { world } = this;
    const isSettled = (): boolean =>
      world.broker.areInputsAcknowledged &&
      world.isWhole &&
      this.backups.every((one) => replayOf(one)?.txId === this.lastTxId);
    await this.until('a group at rest', isSettled);
  }

  get lastTxId(): number {
    return this.world.primary!.life!.member.status().lastTxId;
  }

  get backups(): Machine[] {
    return this.world.machines.filter((machine) => machine.isRunning && machine !== this.world.primary);
  }

  get book(): Book {
    return this.world.primary!.life!.engines.current!.read((state) => structuredClone(state as Book));
  }

  /** What all orders so far must have led to. */
  get expected(): Book {
    const quantities: Record<string, number> = {};
    for (let number = 1; number <= this.sent; number++)
      quantities[`order ${number % 5}`] = (quantities[`order ${number % 5}`] ?? 0) + number;
    return { quantities, lines: this.sent };
  }

  checkAll(): void {
    assert.deepEqual(this.book, this.expected);
    for (const machine of this.backups) {
      assert.deepEqual([machine.name, bookAt(machine)], [machine.name, this.expected]);
      assert.equal(replayOf(machine)?.problems, 0);
    }
  }
}

function replayOf({ life }: Machine) {
  return life?.member.status().replay;
}

function bookAt({ life }: Machine): Book {
  const { engines } = life!;
  assert.ok(engines instanceof StandbyEngines);
  return engines.following.read((state) => structuredClone(state as Book));
}

for (const names of [
  ['a', 'b'],
  ['a', 'b', 'c'],
]) {
  test(`with ${names.length - 1} backup(s) of an event-sourced application, primaries die under load, and the totals are right at each next one (H11, H20)`, async () => {
    const group = new BookGroup(5, names);
    const { world } = group;
    await group.until('a whole group', () => world.isWhole);
    for (let round = 0; round < 6; round++) {
      group.order(60);
      // Somewhere in the middle of them.
      await world.runUntil(world.clock.monotonicMs() + 1 + round);
      const dead = world.primary!;
      world.kill(dead);
      await group.until('a takeover', () => world.primary !== undefined);
      world.boot(dead);
      await group.settle();
      group.checkAll();
    }
    assert.deepEqual(world.crashes, []);
    const events = world.broker.received.filter(({ channel }) => channel === 'events');
    assert.equal(new Set(events.map(({ metadata }) => metadata.sno)).size, group.sent, 'one event of each order');
  });
}

test('a takeover calls no handler again when the backup has had everything (H11)', async () => {
  const group = new BookGroup(6, ['a', 'b']);
  await group.until('a whole group', () => group.world.isWhole);
  group.order(90);
  await group.settle();
  const before = calls;
  group.world.kill(group.world.primary!);
  await group.until('a takeover', () => group.world.primary !== undefined);
  assert.deepEqual([group.book, calls - before], [group.expected, 0]);
});

test('a backup that gets the state by a copy has it, and follows; one that was away while the journal was trimmed as well (H11, H12)', async () => {
  const group = new BookGroup(7, ['a', 'b']);
  const { world } = group;
  await group.until('a whole group', () => world.isWhole);
  group.order(80);
  await group.settle();
  await world.runUntil(world.clock.monotonicMs() + 3_000); // journals are trimmed now and then
  const backup = group.backups[0]!;
  world.loseDisk(backup);
  group.order(40);
  await group.until('orders without it', () => world.broker.areInputsAcknowledged);
  world.boot(backup);
  await group.settle();
  assert.ok(backup.disk.base.txId > 0, 'the journal of the copy does not begin at 1');
  group.checkAll();
  world.kill(backup);
  group.order(150);
  await group.until('more orders without it', () => world.broker.areInputsAcknowledged);
  await world.runUntil(world.clock.monotonicMs() + 3_000);
  world.boot(backup);
  await group.settle();
  group.checkAll();
  world.kill(world.primary!);
  await group.until('a takeover', () => world.primary !== undefined);
  assert.deepEqual(group.book, group.expected);
});

test('a handler that depends on who runs it is named by every backup at its first transaction; the records of all members are equal all the same (H11)', async () => {
  const group = new BookGroup(8, ['a', 'b', 'c'], 40);
  const { world } = group;
  await group.until('a whole group', () => world.isWhole);
  group.order(10);
  group.order(1, 'whim');
  group.order(5);
  group.order(2, 'whim');
  await group.settle();
  for (const machine of group.backups) {
    const { problems, firstProblem, phase } = replayOf(machine)!;
    assert.deepEqual([problems, phase], [1, 'following'], 'what comes of the first is not told again');
    assert.match(
      firstProblem!,
      /^AEP_REPLAY_DIFFERS: replay of transaction 11 \(shop\.NewOrder from orders@world\) differs in outbound\[0\]\.region: the journal has "whim \d", the handlers made "whim \d"/,
    );
    const told = machine.life!.events.filter(({ type }) => type === 'ReplayDiffers');
    assert.equal(told.length, 1);
  }
  // Compared again after the next snapshot.
  group.order(40);
  await group.settle();
  for (const machine of group.backups) assert.equal(replayOf(machine)!.problems, 1);
  group.order(1, 'whim');
  await group.settle();
  for (const machine of group.backups) assert.equal(replayOf(machine)!.problems, 2);
  assert.deepEqual(group.book, group.expected);
});

test('a primary that was deposed drops what its handlers had made of records that are gone (H5)', async () => {
  const group = new BookGroup(9, ['a', 'b']);
  const { world } = group;
  await group.until('a whole group', () => world.isWhole);
  group.order(20);
  await group.settle();
  const first = world.primary!;
  const other = group.backups[0]!;
  // What it handles from here on nobody acknowledges.
  world.network.block(first.name, other.name);
  world.network.block(other.name, first.name);
  first.life!.engines.current!.offer(extra());
  await world.runUntil(world.clock.monotonicMs() + 4);
  assert.equal(first.life!.member.status().lastTxId, 21);
  first.life!.clock.pause();
  await group.until('a takeover', () => world.primary === other);
  world.network.unblock(first.name, other.name);
  world.network.unblock(other.name, first.name);
  first.life!.clock.resume();
  await group.settle();
  group.order(5);
  await group.settle();
  group.checkAll();
});

function extra(): NewOrder {
  const order = NewOrder.create();
  order.orderId = 'never acknowledged';
  order.quantity = 1;
  return order;
}
