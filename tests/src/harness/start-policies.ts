import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { type BrokerKind, BrokerProcess, didNotRun } from '@aep/brokers';
import { LoopbackProvider } from '@aep/bus';
import type { BusUse } from '@aep/engine';
import { AepError } from '@aep/kernel';
import { order, OrderTaker, until } from './order-taker.js';

export interface StartPolicyCase {
  readonly kind: () => BrokerKind;
  /** A bus of this name at that port with a Guaranteed channel `orders` that the app `taker` joins. */
  readonly bus: (name: string, port: number) => BusUse;
  /** Of the binding that cannot connect. */
  readonly code: string;
}

/** Tests of what a broker that is down means for a start (E91), the same for every broker. */
export function testStartPolicies(broker: StartPolicyCase): void {
  const down = async (context: TestContext): Promise<BrokerProcess | undefined> => {
    const kind = broker.kind();
    if (didNotRun(context, kind)) return undefined;
    const process = await BrokerProcess.create(kind);
    context.after(() => process.dispose());
    return process;
  };

  describe('a broker that is down at the start (E91)', () => {
    test('fails the start under FailIfOneBindingFails, and under FailIfAllBindingsFail when it is the only bus', async (context) => {
      const process = await down(context);
      if (process === undefined) return;
      for (const messagingStartFail of ['FailIfOneBindingFails', 'FailIfAllBindingsFail'] as const) {
        const buses = [broker.bus('down', process.port)];
        const { engine } = new OrderTaker({ buses, policies: { messagingStartFail } });
        await assert.rejects(engine.start(), (error: unknown) => {
          assert.ok(error instanceof AepError);
          assert.match(JSON.stringify(error), new RegExp(`AEP_MESSAGING_FAILED.*${broker.code}`));
          return true;
        });
      }
    });

    test('does not fail it under FailIfAllBindingsFail while another bus opens', async (context) => {
      const process = await down(context);
      if (process === undefined) return;
      const other = { ...broker.bus('other', 0), provider: new LoopbackProvider() };
      const policies = { messagingStartFail: 'FailIfAllBindingsFail' } as const;
      const { engine } = new OrderTaker({ buses: [broker.bus('down', process.port), other], policies });
      await engine.start();
      assert.equal(engine.messagingState, 'started');
      await engine.stop();
    });

    test('is waited for under NeverFail: sends are journaled, and arrive once it is there', async (context) => {
      const process = await down(context);
      if (process === undefined) return;
      const policies = { messagingStartFail: 'NeverFail' } as const;
      const taker = new OrderTaker({ buses: [broker.bus('late', process.port)], policies });
      await taker.engine.start();
      for (let line = 1; line <= 10; line++) await taker.engine.senderFor().sendMessage('orders', order('late', line));
      await process.start();
      await until(() => taker.taken.length === 10, 'all has come');
      assert.deepEqual(
        taker.taken,
        Array.from({ length: 10 }, (_, index) => `late ${index + 1}`),
      );
      await taker.engine.stop();
    });
  });
}
