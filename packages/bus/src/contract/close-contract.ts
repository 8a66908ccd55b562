import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BusCapabilities } from '../binding-contract.js';
import type { ScenarioTest } from './bus-contract.js';
import { hasCode } from './delivery-contract.js';
import { numbered, roster } from './test-app.js';

/** Stop, close, and what is refused afterwards (E4). */
export function closeContract(test: ScenarioTest, supports: BusCapabilities): void {
  it(
    'delivers nothing after stopReading, while acknowledgements and sends still go out',
    test(async (scenario) => {
      const entries = roster(['b', 'orders'], ['a', 'events']);
      const a = await scenario.app({ app: 'a', roster: entries }).openAndJoin('events');
      const b = scenario.app({ app: 'b', roster: entries });
      b.isAutoAck = false;
      await b.openAndJoin('orders');
      a.sendAll('orders', 'k', ['m1', 'm2']);
      await scenario.until(() => b.received.length === 2, 'b has two');
      b.binding.stopReading();
      a.sendAll('orders', 'k', ['m3']);
      b.sendAll('events', 'k', ['e1']);
      b.acknowledge();
      const isOut = (): boolean => a.confirmed.length >= 2 && b.confirmed.length === 1 && a.received.length === 1;
      await scenario.until(isOut, 'acks and sends have gone out');
      await scenario.harness.pass(50);
      assert.deepEqual(b.texts(), ['m1', 'm2']);
      await b.close();
      const again = await scenario.app({ app: 'b', roster: entries }).openAndJoin('orders');
      await scenario.until(() => a.confirmed.length === 3 && again.received.length === 1, 'the third waited');
      assert.deepEqual(again.texts(), ['m3']);
    }),
  );

  it(
    'answers closed to sends before open and after close, and delivers nothing more',
    test(async (scenario) => {
      const entries = roster(['a', 'orders']);
      const a = scenario.app({ app: 'a', roster: entries });
      assert.equal(a.send('orders', 'k', 'early'), 'closed');
      await a.openAndJoin('orders');
      a.isAutoAck = false;
      a.sendAll('orders', 'k', ['m1']);
      await scenario.until(() => a.received.length === 1, 'a has it');
      await a.close();
      assert.equal(a.send('orders', 'k', 'late'), 'closed');
      a.acknowledge(); // late, and harmless
      await scenario.harness.pass(50);
      assert.equal(a.received.length, 1);
      if (supports.custody === 'receiver') assert.equal(a.confirmed.length, 0);
    }),
  );

  it(
    'closes once, calls every done, and refuses to open or join again',
    test(async (scenario) => {
      const a = await scenario.app({ app: 'a', roster: roster() }).open();
      let dones = 0;
      a.binding.close({ preserveJoins: false }, () => dones++);
      a.binding.close({ preserveJoins: false }, () => dones++);
      await scenario.until(() => dones === 2, 'both are done');
      assert.throws(() => a.binding.open(() => {}), hasCode('AEP_BUS_BINDING_STATE'));
      assert.throws(() => a.binding.join(a.channel('orders'), []), hasCode('AEP_BUS_BINDING_STATE'));
    }),
  );

  it(
    'closes a binding that was never opened',
    test(async (scenario) => {
      await scenario.app({ app: 'a', roster: roster() }).close();
    }),
  );

  it(
    'says ChannelUp once per join',
    test(async (scenario) => {
      const a = await scenario
        .app({ app: 'a', roster: roster(['a', 'orders'], ['a', 'events']) })
        .openAndJoin('orders', 'events');
      await scenario.harness.pass(50);
      assert.deepEqual(a.events, ['up orders', 'up events']);
    }),
  );

  if (supports.dynamicJoin) {
    it(
      'keeps a join over a close when told to preserve it, and gives it up otherwise',
      test(async (scenario) => {
        const a = await scenario.app({ app: 'a', roster: roster() }).open();
        const b = await scenario.app({ app: 'b', roster: roster() }).openAndJoin('orders');
        await b.close(true);
        a.sendAll('orders', 'k', numbered(2));
        if (supports.custody === 'broker') await scenario.until(() => a.confirmed.length === 2, 'the broker has them');
        else await scenario.harness.pass(50);
        assert.equal(a.confirmed.length, supports.custody === 'broker' ? 2 : 0, 'they wait for b');
        const c = await scenario.app({ app: 'c', roster: roster() }).openAndJoin('events');
        await c.close(false);
        a.sendAll('events', 'k', ['for nobody']);
        const confirmedThen = supports.custody === 'broker' ? 3 : 1;
        await scenario.until(() => a.confirmed.length === confirmedThen, 'nobody is waited for');
        const again = await scenario.app({ app: 'b', roster: roster() }).openAndJoin('orders');
        await scenario.until(() => a.confirmed.length === 3 && again.received.length === 2, 'b was waited for');
        assert.deepEqual(again.texts(), numbered(2));
        const late = await scenario.app({ app: 'c', roster: roster() }).openAndJoin('events');
        await scenario.harness.pass(50);
        assert.deepEqual(late.texts(), [], 'a join that was given up keeps nothing');
      }),
    );
  }
}
