import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError, SeededRandom, VirtualClock } from '@aep/kernel';
import { type BusDescription, LoopbackProvider, type Subscriber } from '@aep/bus';
import {
  type BusHarness,
  busContract,
  contractChannels,
  numbered,
  roster,
  TestApp,
  virtualTime,
} from '@aep/bus/contract';

interface World extends BusHarness {
  readonly provider: LoopbackProvider;
}

function makeWorld(properties: Record<string, string> = {}): World {
  const provider = new LoopbackProvider();
  return {
    ...virtualTime(new VirtualClock()),
    provider,
    random: new SeededRandom(1),
    providerFor: () => provider,
    describeBus: (entries: readonly Subscriber[]): BusDescription => ({
      name: 'bus',
      provider: 'loopback',
      address: 'local',
      port: 0,
      properties,
      channels: contractChannels,
      roster: entries,
    }),
    dispose: () => Promise.resolve(),
  };
}

busContract('loopback', new LoopbackProvider().supports, () => makeWorld());

describe('the loopback bus', () => {
  it('keeps providers apart: there is nothing process-wide', async () => {
    const [one, two] = [makeWorld(), makeWorld()];
    const a = await new TestApp(one, { app: 'a', roster: [] }).open();
    const b = await new TestApp(two, { app: 'b', roster: [] }).openAndJoin('orders');
    a.sendAll('orders', 'k', ['x']);
    await one.until(() => a.confirmed.length === 1, 'it is confirmed');
    await two.pass(100);
    assert.equal(b.received.length, 0);
  });

  it('waits for pending acknowledgements and says how many are missing (E90)', async () => {
    const world = makeWorld();
    const a = await new TestApp(world, { app: 'a', roster: roster(['b', 'orders']) }).open();
    await world.provider.waitForPendingAcks(0);
    a.sendAll('orders', 'k', numbered(3));
    const tooEarly = world.provider.waitForPendingAcks(100);
    await world.pass(101);
    await assert.rejects(
      tooEarly,
      (error) =>
        error instanceof AepError && error.code === 'AEP_LOOPBACK_ACKS_PENDING' && error.message.includes('3 messages'),
    );
    const inTime = world.provider.waitForPendingAcks(100);
    await new TestApp(world, { app: 'b', roster: a.options.roster }).openAndJoin('orders');
    await world.pass(10);
    await inTime;
    assert.equal(a.confirmed.length, 3);
  });

  it('holds the sender back when the mailbox of a subscriber that is away is full (queueMax)', async () => {
    const world = makeWorld({ queueMax: '5' });
    const entries = roster(['b', 'orders']);
    const a = await new TestApp(world, { app: 'a', roster: entries }).open();
    a.sendAll('orders', 'k', numbered(5));
    const sixth = a.makeOutbound('orders', 'k', 'm6');
    assert.equal(a.sendOutbound(sixth), 'back-pressured');
    const b = await new TestApp(world, { app: 'b', roster: entries }).openAndJoin('orders');
    await world.until(() => a.count('writable') === 1, 'there is room');
    assert.equal(a.sendOutbound(sixth), 'accepted');
    await world.until(() => a.confirmed.length === 6, 'all is confirmed');
    assert.deepEqual(b.texts(), numbered(6));
  });

  it('lets a second binding of an app take the place of the first, which is told', async () => {
    const world = makeWorld();
    const entries = roster(['b', 'orders']);
    const a = await new TestApp(world, { app: 'a', roster: entries }).open();
    const first = new TestApp(world, { app: 'b', roster: entries });
    first.isAutoAck = false;
    await first.openAndJoin('orders');
    a.sendAll('orders', 'k', ['m1', 'm2']);
    await world.until(() => first.received.length === 2, 'the first has them');
    const second = await new TestApp(world, { app: 'b', roster: entries }).openAndJoin('orders');
    await world.until(() => a.confirmed.length === 2, 'the second acknowledges');
    assert.deepEqual(
      second.received.map(({ text, possibleDuplicate }) => [text, possibleDuplicate]),
      [
        ['m1', true],
        ['m2', true],
      ],
    );
    assert.deepEqual(
      first.failures.map(({ code }) => code),
      ['AEP_BUS_DISPLACED'],
    );
    second.sendAll('events', 'k', ['overwriter 1', 'overwriter 2', 'overwriter 3']);
    await world.pass(10);
    const kept = first.unacknowledged.map(({ bytes, start, end }) =>
      new TextDecoder().decode(bytes.subarray(start, end)),
    );
    assert.deepEqual(kept, ['m1', 'm2'], 'what the first still holds is not used for other messages');
    first.acknowledge(); // too late: not counted a second time
    assert.equal(first.send('orders', 'k', 'x'), 'closed');
  });

  it('refuses properties that are no numbers and rosters with unknown channels', () => {
    const bad = (properties: Record<string, string>, entries: readonly Subscriber[], code: string): void => {
      const world = makeWorld(properties);
      assert.throws(
        () => new TestApp(world, { app: 'a', roster: entries }),
        (error) => error instanceof AepError && error.code === code,
      );
    };
    bad({ queueMax: 'many' }, [], 'AEP_BUS_DESCRIPTOR_INVALID');
    bad({}, [{ app: 'b', channel: 'nowhere', patterns: [] }], 'AEP_BUS_CHANNEL_UNKNOWN');
  });
});
