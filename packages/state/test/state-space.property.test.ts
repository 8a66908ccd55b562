import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Savepoint } from '@aep/state';
import fc from 'fast-check';
import { Fixture } from './fixture.js';
import { type Content, NaiveModel } from './naive-model.js';
import type { Order } from './order.js';

const KEYS = ['', 'a', 'ab', 'b', 'c', 'é', 'zz', '\u{e000}', '\u{ffff}', '\u{1f600}', 'long'.repeat(60)];
const key = fc.constantFrom(...KEYS);
const content: fc.Arbitrary<Content> = fc.tuple(fc.constantFrom('', 'x', 'ü€', 'note'.repeat(30)), fc.nat(70_000));

/** One step of a handler. */
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), key, content }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('create' as const), key, content }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('push' as const), content }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('shift' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('setAt' as const), index: fc.nat(4), content }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('values' as const), content }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('range' as const),
      from: key,
      to: key,
      reverse: fc.boolean(),
      limit: fc.nat(6),
      open: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('walk' as const),
      reverse: fc.boolean(),
      changes: fc.array(fc.tuple(key, fc.boolean(), fc.nat(3)), { maxLength: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('savepoint' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rollbackTo' as const), index: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const), back: fc.nat(3) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const transaction = fc.record({
  operations: fc.array(operation, { maxLength: 12 }),
  end: fc.constantFrom('seal', 'seal', 'seal', 'rollback'),
  afterwards: fc.constantFrom('go on', 'go on', 'checkpoint', 'checkpoint the one before', 'restart', 'cut the tail'),
});

class Run {
  fixture: Fixture;
  model = new NaiveModel();
  /** The model after each sealed transaction. */
  readonly sealed = [new NaiveModel()];
  private savepoints: { savepoint: Savepoint; model: NaiveModel }[] = [];

  constructor(cachedEntitiesMax: number) {
    this.fixture = new Fixture(undefined, { checked: true, cachedEntitiesMax, heldEntitiesMax: cachedEntitiesMax });
  }

  transaction(operations: readonly Operation[], end: string): void {
    const before = this.model.copy();
    this.savepoints = [];
    this.fixture.space.begin();
    for (const step of operations) this.apply(step);
    this.compare();
    if (end === 'seal') {
      this.fixture.seal();
      this.sealed[this.fixture.lastTxId] = this.model.copy();
    } else {
      this.fixture.space.rollback();
      this.model = before;
    }
    this.compare();
  }

  between(afterwards: string): void {
    const { fixture } = this;
    if (afterwards === 'checkpoint') fixture.checkpoint();
    else if (afterwards === 'checkpoint the one before') fixture.checkpoint(Math.max(0, fixture.lastTxId - 1));
    else if (afterwards === 'restart') {
      const hash = fixture.space.stateHash();
      this.fixture = fixture.restart();
      assert.equal(this.fixture.space.stateHash(), hash, 'the live state is the fold of the journal');
    } else if (afterwards === 'cut the tail') {
      fixture.tables.cutTail();
      fixture.space.dropAll();
      fixture.lastTxId = fixture.tables.appliedTxId;
      this.model = this.sealed[fixture.lastTxId]!.copy();
    }
    this.compare();
  }

  private apply(step: Operation): void {
    const { model } = this;
    const { orders, audit, values } = this.fixture.book;
    switch (step.kind) {
      case 'put':
        write(orders.getOrCreate(step.key), step.content);
        model.orders.set(step.key, step.content);
        break;
      case 'create':
        if (model.orders.has(step.key)) assert.throws(() => orders.create(step.key), { code: 'AEP_STATE_KEY_EXISTS' });
        else write(orders.create(step.key), step.content);
        if (!model.orders.has(step.key)) model.orders.set(step.key, step.content);
        break;
      case 'delete':
        assert.equal(orders.delete(step.key), model.orders.delete(step.key));
        break;
      case 'push':
        write(audit.push(), step.content);
        model.audit.push(step.content);
        break;
      case 'shift':
        assert.equal(audit.shift(), model.audit.shift() !== undefined);
        break;
      case 'setAt': {
        const line = audit.at(step.index);
        assert.equal(line !== undefined, step.index < model.audit.length);
        if (line === undefined) break;
        write(line, step.content);
        model.audit[step.index] = step.content;
        break;
      }
      case 'values':
        write(values, step.content);
        model.values = step.content;
        break;
      case 'range':
        this.range(step.from, step.to, step);
        break;
      case 'walk':
        this.walk(step.reverse, step.changes);
        break;
      case 'savepoint':
        this.savepoints.push({ savepoint: this.fixture.space.savepoint(), model: model.copy() });
        break;
      case 'rollbackTo': {
        const target = this.savepoints[step.index];
        if (target === undefined) break;
        this.fixture.space.rollbackTo(target.savepoint);
        this.model = target.model.copy();
        this.savepoints.length = step.index + 1;
        break;
      }
      case 'checkpoint':
        // An async handler waits, and the checkpointer gets its turn.
        this.fixture.checkpoint(Math.max(0, this.fixture.lastTxId - step.back));
        break;
    }
  }

  private range(from: string, to: string, how: { reverse: boolean; limit: number; open: boolean }): void {
    const { reverse, limit, open } = how;
    const inside = this.model.sortedKeys().filter((each) => {
      const lower = Buffer.compare(Buffer.from(each), Buffer.from(from));
      const upper = Buffer.compare(Buffer.from(each), Buffer.from(to));
      return open ? lower > 0 && upper < 0 : lower >= 0 && upper <= 0;
    });
    if (reverse) inside.reverse();
    const expected = inside.slice(0, limit).map((each) => [each, ...this.model.orders.get(each)!]);
    const bounds = open ? { gt: from, lt: to } : { gte: from, lte: to };
    const range = this.fixture.book.orders.range({ ...bounds, reverse, limit });
    assert.deepEqual(
      Array.from(range, ([each, order]) => [each, order.note, order.quantity]),
      expected,
    );
  }

  /** Walks while the loop's body creates, deletes and checkpoints; the naive walk looks for the next key at each step. */
  private walk(reverse: boolean, changes: readonly (readonly [string, boolean, number])[]): void {
    const { orders } = this.fixture.book;
    let last: string | undefined;
    let step = 0;
    for (const [met, order] of orders.range({ reverse })) {
      const expected = this.model.nextKey(last, reverse);
      assert.equal(met, expected);
      assert.deepEqual([order.note, order.quantity], this.model.orders.get(met));
      last = met;
      const change = changes[step++];
      if (change === undefined) continue;
      const [changed, creates, back] = change;
      if (creates) {
        write(orders.getOrCreate(changed), ['walked', step]);
        this.model.orders.set(changed, ['walked', step]);
      } else {
        orders.delete(changed);
        this.model.orders.delete(changed);
      }
      if (back > 0) this.fixture.checkpoint(Math.max(0, this.fixture.lastTxId - back + 1));
    }
    assert.equal(this.model.nextKey(last, reverse), undefined);
  }

  private compare(): void {
    const { book, tables } = this.fixture;
    const expected = this.model.sortedKeys().map((each) => [each, ...this.model.orders.get(each)!]);
    const shown = Array.from(book.orders.range(), ([each, order]) => [each, order.note, order.quantity]);
    assert.deepEqual(shown, expected);
    assert.equal(book.orders.size, this.model.orders.size);
    for (const each of KEYS) {
      assert.equal(book.orders.has(each), this.model.orders.has(each));
      const order = book.orders.get(each);
      assert.deepEqual(order && [order.note, order.quantity], this.model.orders.get(each));
    }
    assert.deepEqual(
      Array.from(book.audit, (line) => [line.note, line.quantity]),
      this.model.audit,
    );
    assert.deepEqual([book.values.note, book.values.quantity], this.model.values);
    assert.equal(tables.openIterators, 0);
  }
}

function write(order: Order, [note, quantity]: Content): void {
  order.note = note;
  order.quantity = quantity;
}

test('state behaves as plain maps with full copies for savepoints, whatever is sealed, undone, checkpointed, evicted or restarted (E21, E35, E36, E61)', () => {
  fc.assert(
    fc.property(
      fc.array(transaction, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 20 }),
      (program, cached) => {
        const run = new Run(cached);
        for (const { operations, end, afterwards } of program) {
          run.transaction(operations, end);
          run.between(afterwards);
        }
        const { fixture } = run;
        fixture.checkpoint();
        assert.equal(fixture.space.memory.pinnedEntities, 0);
      },
    ),
    // A failure prints its seed and path; rerun with { seed, path }.
    { numRuns: 400 },
  );
});
