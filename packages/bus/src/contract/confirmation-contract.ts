import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BusCapabilities } from '../binding-contract.js';
import type { ScenarioTest } from './bus-contract.js';
import { numbered, roster } from './test-app.js';

/** What a confirmation says, which is not the same with a broker as without one. */
export function confirmationContract(test: ScenarioTest, { custody }: BusCapabilities): void {
  it(
    custody === 'receiver'
      ? 'confirms a Guaranteed message only when every matching subscriber has acknowledged it'
      : 'confirms a Guaranteed message that the broker holds, whether its subscribers have acknowledged it or not',
    test(async (scenario) => {
      const entries = roster(['b', 'orders'], ['c', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const b = await scenario.app({ app: 'b', roster: entries }).openAndJoin('orders');
      const c = await scenario.app({ app: 'c', roster: entries }).openAndJoin('orders');
      c.isAutoAck = false;
      const outbound = a.makeOutbound('orders', 'k', 'x');
      a.sendOutbound(outbound);
      await scenario.until(() => b.received.length === 1 && c.received.length === 1, 'both have it');
      if (custody === 'receiver') {
        await scenario.harness.pass(50);
        assert.equal(a.confirmed.length, 0);
        c.acknowledge();
      }
      await scenario.until(() => a.confirmed.length === 1, 'it is confirmed');
      assert.equal(a.confirmed[0], outbound);
    }),
  );

  it(
    'confirms a Guaranteed message that nobody subscribes to',
    test(async (scenario) => {
      const entries = roster(['b', 'orders', 'N/US']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      a.sendAll('orders', 'N/EMEA', ['x']);
      await scenario.until(() => a.confirmed.length === 1, 'it is confirmed');
    }),
  );

  it(
    'keeps Guaranteed messages for a subscriber of the roster that is not up yet',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      a.sendAll('orders', 'k', numbered(20));
      if (custody === 'broker') await scenario.until(() => a.confirmed.length === 20, 'the broker has all');
      else await scenario.harness.pass(50);
      assert.equal(a.confirmed.length, custody === 'broker' ? 20 : 0);
      const b = await scenario.app({ app: 'b', roster: entries }).openAndJoin('orders');
      await scenario.until(() => a.confirmed.length === 20 && b.received.length === 20, 'all is there and confirmed');
      assert.deepEqual(b.texts(), numbered(20));
      assert.ok(
        b.received.every((message) => !message.possibleDuplicate),
        'nobody had seen them before',
      );
    }),
  );

  it(
    'keeps one channel flowing while another is not joined',
    test(async (scenario) => {
      const entries = roster(['b', 'orders'], ['b', 'events']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const b = await scenario.app({ app: 'b', roster: entries }).openAndJoin('orders');
      a.sendAll('events', 'k', ['e1', 'e2']);
      a.sendAll('orders', 'k', ['o1', 'o2']);
      const confirmedFirst = custody === 'broker' ? 4 : 2;
      await scenario.until(() => a.confirmed.length === confirmedFirst, 'the joined channel is confirmed');
      await scenario.until(() => b.received.length === 2, 'b has what it joined');
      assert.deepEqual(b.texts(), ['o1', 'o2']);
      await b.join('events');
      await scenario.until(() => a.confirmed.length === 4 && b.received.length === 4, 'the other one too');
      assert.deepEqual(b.texts('events'), ['e1', 'e2']);
    }),
  );
}
