import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BusCapabilities } from '../binding-contract.js';
import type { ScenarioTest } from './bus-contract.js';
import { numbered, roster } from './test-app.js';

/** Full queues in both directions (E43, E93). */
export function backPressureContract(test: ScenarioTest, { custody }: BusCapabilities): void {
  it(
    'offers a refused delivery again after resume, in order and once',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const b = scenario.app({ app: 'b', roster: entries });
      b.room = 3;
      await b.openAndJoin('orders');
      a.sendAll('orders', 'k', numbered(10));
      if (custody === 'receiver') await scenario.until(() => a.confirmed.length === 3, 'what b has taken is confirmed');
      await scenario.until(() => b.received.length === 3, 'b has taken three');
      await scenario.harness.pass(50);
      assert.deepEqual(b.texts(), numbered(3));
      b.room = Infinity;
      b.resume();
      await scenario.until(() => a.confirmed.length === 10 && b.received.length === 10, 'the rest is confirmed');
      assert.deepEqual(b.texts(), numbered(10));
    }),
  );

  it(
    'hands over at most unacknowledgedMax deliveries, and goes on with each acknowledgement (E93)',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const b = scenario.app({ app: 'b', roster: entries, unacknowledgedMax: 5 });
      b.isAutoAck = false;
      await b.openAndJoin('orders');
      a.sendAll('orders', 'k', numbered(12));
      await scenario.until(() => b.received.length === 5, 'b has five');
      await scenario.harness.pass(50);
      assert.equal(b.received.length, 5);
      b.acknowledge(2);
      await scenario.until(() => b.received.length === 7, 'b has two more');
      await scenario.harness.pass(50);
      assert.equal(b.received.length, 7);
      b.isAutoAck = true;
      b.acknowledge();
      await scenario.until(() => a.confirmed.length === 12 && b.received.length === 12, 'all is confirmed');
      assert.deepEqual(b.texts(), numbered(12));
    }),
  );

  it(
    'answers back-pressured at unconfirmedMax and says when there is room; nothing is lost',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries, unconfirmedMax: 8 }).open();
      const b = scenario.app({ app: 'b', roster: entries });
      b.isAutoAck = false;
      await b.openAndJoin('orders');
      a.sendAll('orders', 'k', numbered(8));
      const ninth = a.makeOutbound('orders', 'k', 'm9');
      assert.equal(a.sendOutbound(ninth), 'back-pressured');
      await scenario.until(() => b.received.length === 8, 'b has eight');
      if (custody === 'receiver') assert.equal(a.count('writable'), 0);
      b.isAutoAck = true;
      b.acknowledge();
      await scenario.until(() => a.count('writable') === 1, 'a may send again');
      assert.equal(a.sendOutbound(ninth), 'accepted');
      await scenario.until(() => a.confirmed.length === 9 && b.received.length === 9, 'all is confirmed');
      assert.deepEqual(b.texts(), numbered(9));
      assert.equal(a.count('writable'), 1, 'said once');
    }),
  );

  it(
    'keeps memory bounded when a subscriber is slow: the sender is held back and loses nothing',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries, unconfirmedMax: 50 }).open();
      const b = scenario.app({ app: 'b', roster: entries, unacknowledgedMax: 4 });
      await b.openAndJoin('orders');
      let sent = 0;
      const total = 1000;
      const pump = (): boolean => {
        while (sent < total && a.send('orders', 'k', `m${sent + 1}`) === 'accepted') sent++;
        assert.ok(sent - a.confirmed.length <= 50);
        return a.confirmed.length === total;
      };
      await scenario.until(pump, 'all is confirmed');
      await scenario.until(() => b.received.length === total, 'b has all');
      assert.deepEqual(b.texts(), numbered(total));
    }),
  );
}
