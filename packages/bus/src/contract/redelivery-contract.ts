import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BusCapabilities } from '../binding-contract.js';
import type { ScenarioTest } from './bus-contract.js';
import { numbered, roster } from './test-app.js';

/** What becomes of messages that were delivered and not acknowledged. */
export function redeliveryContract(test: ScenarioTest, { custody }: BusCapabilities): void {
  it(
    'redelivers what was not acknowledged when the subscriber comes back, in order and marked as possible duplicate',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const first = scenario.app({ app: 'b', roster: entries, unacknowledgedMax: 6 });
      first.isAutoAck = false;
      await first.openAndJoin('orders');
      a.sendAll('orders', 'k', numbered(10));
      await scenario.until(() => first.received.length === 6, 'b has six');
      first.acknowledge(2);
      await scenario.until(() => a.confirmed.length === (custody === 'broker' ? 10 : 2), 'what can be is confirmed');
      await first.close(false);
      if (custody === 'receiver') assert.equal(a.confirmed.length, 2);

      const second = await scenario.app({ app: 'b', roster: entries }).openAndJoin('orders');
      await scenario.until(() => a.confirmed.length === 10 && second.received.length === 8, 'all is confirmed');
      assert.deepEqual(second.texts(), numbered(10).slice(2));
      const marked = second.received.filter((message) => message.possibleDuplicate).map((message) => message.text);
      assert.deepEqual(marked.slice(0, 4), ['m3', 'm4', 'm5', 'm6'], 'all that had been handed over is marked');
    }),
  );

  it(
    'puts messages sent while the subscriber was away behind the redelivered ones',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const first = scenario.app({ app: 'b', roster: entries });
      first.isAutoAck = false;
      await first.openAndJoin('orders');
      a.sendAll('orders', 'k', ['m1', 'm2']);
      await scenario.until(() => first.received.length === 2, 'b has two');
      await first.close();
      a.sendAll('orders', 'k', ['m3', 'm4']);
      const second = await scenario.app({ app: 'b', roster: entries }).openAndJoin('orders');
      await scenario.until(() => a.confirmed.length === 4 && second.received.length === 4, 'all is confirmed');
      assert.deepEqual(second.texts(), numbered(4));
    }),
  );

  it(
    'keeps what it delivered intact until the acknowledgement, though the sender has gone',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const b = scenario.app({ app: 'b', roster: entries });
      b.isAutoAck = false;
      await b.openAndJoin('orders');
      const outbound = a.makeOutbound('orders', 'k', 'precious');
      a.sendOutbound(outbound);
      await scenario.until(() => b.received.length === 1, 'b has it');
      await a.close();
      outbound.bytes.fill(0);
      const { bytes, start, end } = b.unacknowledged[0]!;
      assert.equal(new TextDecoder().decode(bytes.subarray(start, end)), 'precious');
      b.acknowledge();
      await scenario.harness.pass(50);
    }),
  );

  it(
    'takes the messages of a sender that comes back under the same name',
    test(async (scenario) => {
      const entries = roster(['b', 'orders']);
      const first = await scenario.app({ app: 'a', roster: entries }).open();
      const b = await scenario.app({ app: 'b', roster: entries }).openAndJoin('orders');
      first.sendAll('orders', 'k', ['m1']);
      await scenario.until(() => first.confirmed.length === 1, 'the first is confirmed');
      await first.close();
      const second = await scenario.app({ app: 'a', roster: entries }).open();
      second.sendAll('orders', 'k', ['m2']);
      await scenario.until(() => second.confirmed.length === 1 && b.received.length === 2, 'the second is confirmed');
      assert.deepEqual(b.texts(), ['m1', 'm2']);
    }),
  );
}
