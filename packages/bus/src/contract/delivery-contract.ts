import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AepError } from '@aep/kernel';
import type { BusCapabilities } from '../binding-contract.js';
import type { ScenarioTest } from './bus-contract.js';
import { confirmationContract } from './confirmation-contract.js';
import { numbered, roster } from './test-app.js';

/** Who gets what, in which order, and when it is confirmed. */
export function deliveryContract(test: ScenarioTest, supports: BusCapabilities): void {
  confirmationContract(test, supports);

  it(
    'delivers bytes, key and metadata as they were sent',
    test(async (scenario) => {
      const both = roster(['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: both }).open();
      const b = await scenario.app({ app: 'b', roster: both }).openAndJoin('orders');
      a.sendAll('orders', 'NEWORDERS/Süd', ['first', '', 'x'.repeat(50_000)]);
      await scenario.until(() => b.received.length === 3, 'b has three messages');
      assert.deepEqual(b.texts(), ['first', '', 'x'.repeat(50_000)]);
      const expected = {
        channel: 'orders',
        key: 'NEWORDERS/Süd',
        text: 'first',
        sno: 1,
        senderId: 97,
        possibleDuplicate: false,
      };
      assert.deepEqual(b.received[0], expected);
    }),
  );

  it(
    'keeps the order of a sender on a channel, for several senders and many messages',
    test(async (scenario) => {
      const all = roster(['c', 'orders']);
      const a = await scenario.app({ app: 'a', roster: all }).open();
      const b = await scenario.app({ app: 'b', roster: all }).open();
      const c = await scenario.app({ app: 'c', roster: all }).openAndJoin('orders');
      for (const text of numbered(1500, '')) {
        a.sendAll('orders', 'k', [`a${text}`]);
        b.sendAll('orders', 'k', [`b${text}`]);
      }
      await scenario.until(() => c.received.length === 3000, 'c has all');
      const from = (sender: string): string[] => c.texts().filter((text) => text.startsWith(sender));
      assert.deepEqual(from('a'), numbered(1500, 'a'));
      assert.deepEqual(from('b'), numbered(1500, 'b'));
      await scenario.until(() => a.confirmed.length === 1500 && b.confirmed.length === 1500, 'all is confirmed');
    }),
  );

  it(
    'gives each subscriber the keys that its patterns take, once',
    test(async (scenario) => {
      const entries = roster(['b', 'orders', 'N/US/*', 'N/*/1'], ['c', 'orders', 'N/EMEA/*'], ['d', 'orders', '**']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const [b, c, d] = await Promise.all(
        ['b', 'c', 'd'].map((app) => scenario.app({ app, roster: entries }).openAndJoin('orders')),
      );
      for (const key of ['N/US/1', 'N/EMEA/1', 'N/EMEA/2', 'N/US/1/x', '']) a.sendAll('orders', key, [`key ${key}`]);
      await scenario.until(() => a.confirmed.length === 5, 'all is confirmed');
      await scenario.until(() => d!.received.length === 5 && c!.received.length === 2, 'all has arrived');
      await scenario.until(() => b!.received.length === 2, 'all has arrived');
      await scenario.harness.pass(50);
      assert.deepEqual(b!.texts(), ['key N/US/1', 'key N/EMEA/1']);
      assert.deepEqual(c!.texts(), ['key N/EMEA/1', 'key N/EMEA/2']);
      assert.deepEqual(d!.texts(), ['key N/US/1', 'key N/EMEA/1', 'key N/EMEA/2', 'key N/US/1/x', 'key ']);
    }),
  );

  it(
    'delivers BestEffort messages to who is there, drops them for who is not, and confirms none',
    test(async (scenario) => {
      const entries = roster(['b', 'ticks'], ['c', 'ticks'], ['b', 'orders']);
      const a = await scenario.app({ app: 'a', roster: entries }).open();
      const b = await scenario.app({ app: 'b', roster: entries }).openAndJoin('ticks', 'orders');
      a.sendAll('orders', 'k', ['probe']);
      await scenario.until(() => a.confirmed.length === 1, 'a and b see each other');
      const bytes = a.makeOutbound('ticks', 'k', 't1');
      a.sendOutbound(bytes);
      bytes.bytes.fill(0); // BestEffort: the sender's again as soon as send has returned
      a.sendAll('ticks', 'k', ['t2', 't3']);
      await scenario.until(() => b.texts('ticks').length === 3, 'b has the ticks');
      assert.deepEqual(b.texts('ticks'), ['t1', 't2', 't3']);
      const c = await scenario.app({ app: 'c', roster: entries }).openAndJoin('ticks');
      await scenario.harness.pass(100);
      assert.deepEqual(c.texts(), []);
      assert.equal(a.confirmed.length, 1);
    }),
  );

  it(
    'lets an app send to itself',
    test(async (scenario) => {
      const a = await scenario.app({ app: 'a', roster: roster(['a', 'orders']) }).openAndJoin('orders');
      a.sendAll('orders', 'k', numbered(5));
      await scenario.until(() => a.confirmed.length === 5 && a.received.length === 5, 'all is there and confirmed');
      assert.deepEqual(a.texts(), numbered(5));
    }),
  );

  it(
    'refuses a message over messageBytesMax and a channel that the bus does not have, and goes on',
    test(async (scenario) => {
      const a = await scenario.app({ app: 'a', roster: roster() }).open();
      const large = a.makeOutbound('orders', 'k', 'x'.repeat(100_001));
      assert.throws(() => a.sendOutbound(large), hasCode('AEP_BUS_MESSAGE_TOO_LARGE'));
      const strange = {
        ...a.makeOutbound('orders', 'k', 'x'),
        channel: { name: 'nowhere', id: 99, qos: 'Guaranteed', properties: {} },
      } as const;
      assert.throws(() => a.sendOutbound(strange), hasCode('AEP_BUS_CHANNEL_UNKNOWN'));
      assert.throws(() => a.binding.join(strange.channel, []), hasCode('AEP_BUS_CHANNEL_UNKNOWN'));
      a.sendAll('orders', 'k', ['fine']);
      await scenario.until(() => a.confirmed.length === 1, 'the next message is confirmed');
    }),
  );

  if (supports.dynamicJoin) {
    it(
      'serves joins that the roster does not name, from the join on',
      test(async (scenario) => {
        const a = await scenario.app({ app: 'a', roster: roster() }).open();
        a.sendAll('orders', 'N/US', ['too early']);
        await scenario.until(() => a.confirmed.length === 1, 'it is confirmed');
        const b = await scenario.app({ app: 'b', roster: roster() }).open();
        await b.join('orders', ['N/US', 'N/EMEA/*']);
        a.sendAll('orders', 'N/US', ['1']);
        a.sendAll('orders', 'N/CA', ['2']);
        a.sendAll('orders', 'N/EMEA/3', ['3']);
        await scenario.until(() => a.confirmed.length === 4 && b.received.length === 2, 'all is there and confirmed');
        await scenario.harness.pass(50);
        assert.deepEqual(b.texts(), ['1', '3']);
      }),
    );
  }
}

export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AepError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}
