import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '@aep/kernel';
import type { Outbound } from '@aep/bus';
import { numbered, type Received, roster } from '@aep/bus/contract';
import { DirectWorld } from './direct-world.js';

const entries = roster(['b', 'orders'], ['b', 'ticks']);

/** What an engine's dedupe leaves: the first of each sequence number (E51). */
function deduped(received: readonly Received[]): string[] {
  let last = 0;
  const texts: string[] = [];
  for (const { sno, text, possibleDuplicate } of received) {
    if (sno <= last) {
      assert.ok(possibleDuplicate, `${text} came again without a mark`);
      continue;
    }
    assert.equal(sno, last + 1, 'a gap');
    last = sno;
    texts.push(text);
  }
  return texts;
}

describe('the direct bus over a bad network', () => {
  it('sends everything that is not acknowledged again after a reset, in order and marked', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    const b = world.makeApp({ app: 'b', roster: entries });
    b.isAutoAck = false;
    await b.openAndJoin('orders');
    a.sendAll('orders', 'k', numbered(5));
    await world.until(() => b.received.length === 5, 'b has five');
    world.network.reset('a', 'b');
    await world.pass(1);
    a.sendAll('orders', 'k', ['m6']);
    await world.until(() => b.received.length === 11, 'b has five again and one more');
    assert.deepEqual(b.texts().slice(5), numbered(6));
    assert.deepEqual(
      b.received.slice(5).map((message) => message.possibleDuplicate),
      [true, true, true, true, true, false],
    );
    b.isAutoAck = true;
    b.acknowledge();
    await world.until(() => a.confirmed.length === 6, 'each is confirmed once');
  });

  it('throws away what a broken connection had brought and nobody had taken, because it comes again', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    const b = world.makeApp({ app: 'b', roster: entries });
    b.room = 1;
    await b.openAndJoin('orders');
    a.sendAll('orders', 'k', numbered(5));
    await world.pass(20);
    world.network.reset('a', 'b');
    await world.pass(500);
    b.room = Infinity;
    b.resume();
    await world.until(() => a.confirmed.length === 5, 'all is confirmed');
    assert.deepEqual(b.texts(), numbered(5), 'nothing came twice');
  });

  it('sends nothing more to a subscriber that has stopped reading', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'a and b work');
    b.binding.stopReading();
    await world.pass(10);
    a.sendAll('orders', 'k', ['m2']);
    await world.pass(10);
    await b.close();
    const again = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    await world.until(() => a.confirmed.length === 2, 'it is confirmed');
    assert.deepEqual(
      again.received.map(({ text, possibleDuplicate }) => [text, possibleDuplicate]),
      [['m2', false]],
      'it had never been sent',
    );
  });

  it('keeps a copy of BestEffort messages that must wait for the window', async () => {
    const world = new DirectWorld({ properties: () => ({ windowMessages: '1' }) });
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('ticks', 'orders');
    a.sendAll('orders', 'k', ['probe']);
    await world.until(() => a.confirmed.length === 1, 'a and b work');
    for (const text of ['t1', 't2', 't3']) {
      const outbound = a.makeOutbound('ticks', 'k', text);
      assert.equal(a.sendOutbound(outbound), 'accepted');
      outbound.bytes.fill(0);
    }
    await world.until(() => b.texts('ticks').length === 3, 'all have come');
    assert.deepEqual(b.texts('ticks'), ['t1', 't2', 't3']);
  });

  it('notices a path that is blocked one way by its silence, and goes on when it opens', async () => {
    for (const [from, to] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const world = new DirectWorld();
      const a = await world.makeApp({ app: 'a', roster: entries }).open();
      const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
      a.sendAll('orders', 'k', ['m1']);
      await world.until(() => a.confirmed.length === 1, 'a and b work');
      world.network.block(from, to);
      a.sendAll('orders', 'k', ['m2']);
      await world.until(
        () => a.count('binding down AEP_DIRECT_SILENT') + a.count('binding down AEP_DIRECT_REFUSED') === 1,
        'a knows',
      );
      await world.pass(20_000);
      assert.equal(a.confirmed.length, 1);
      world.network.unblock(from, to);
      await world.until(() => a.confirmed.length === 2, 'it is confirmed');
      assert.deepEqual(deduped(b.received), ['m1', 'm2']);
      assert.equal(a.count('binding up'), 1);
    }
  });

  it('takes the orderly end of a subscriber for no alarm', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'a and b work');
    await b.close();
    await world.pass(60_000);
    assert.deepEqual(a.events, []);
    assert.ok(world.loggedCodes.includes('AEP_DIRECT_CLOSED'));
    assert.ok(
      world.lines.every(({ level }) => level === 'info'),
      world.logText,
    );
  });

  it('keeps quiet connections open with heartbeats', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    await world.pass(600_000);
    assert.deepEqual(a.events, []);
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => b.received.length === 1, 'it is still there');
    assert.equal(b.received[0]?.possibleDuplicate, false);
  });

  it('drops and counts BestEffort messages while the subscriber is away', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('ticks', 'orders');
    a.sendAll('orders', 'k', ['probe']);
    await world.until(() => a.confirmed.length === 1, 'a and b work');
    world.network.crash('b');
    await world.pass(1);
    a.sendAll('ticks', 'k', numbered(3, 't'));
    assert.equal((a.binding as unknown as { counts: { dropped: number } }).counts.dropped, 3);
    assert.deepEqual(b.texts('ticks'), []);
  });

  it('fails instead of reconnecting when the policy says so (E91)', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries, failPolicy: 'Fail' }).open();
    await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'a and b work');
    world.network.reset('a', 'b');
    await world.until(() => a.failures[0]?.code === 'AEP_NET_RESET', 'it has failed');
    assert.equal(a.send('orders', 'k', 'm2'), 'closed');
    await world.pass(2000);
    assert.equal(world.network.connectionCount, 1, 'only b is connected, to itself');
    await a.close();
  });

  it('tries again with growing pauses, and says why once', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    a.sendAll('orders', 'k', ['m1']);
    await world.pass(60_000);
    const told = world.lines.filter((line) => line.message.includes('no connection to subscriber "b"'));
    assert.equal(told.length, 1, world.logText);
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    const startedMs = world.clock.monotonicMs();
    await world.until(() => a.confirmed.length === 1, 'b was found');
    assert.ok(world.clock.monotonicMs() - startedMs <= 1100, 'pauses are at most reconnectMaxMs');
    assert.deepEqual(b.texts(), ['m1']);
  });

  it('finds the member of a pair that listens, among several addresses', async () => {
    const world = new DirectWorld({ properties: () => ({ 'peer.b': '127.0.0.1:6001, 127.0.0.1:6002' }) });
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    // Somebody else has the first address: b takes the second one.
    world.network
      .node('other')
      .listen(
        { host: '127.0.0.1', port: 6001 },
        { onListening: () => {}, onFailed: (error) => assert.fail(error), onLink: () => assert.fail('not expected') },
      )
      .close(() => {});
    world.clock.settle();
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'b was found');
    await b.close();
    const taken = world.network.node('other').listen(
      { host: '127.0.0.1', port: 6001 },
      {
        onListening: () => {},
        onFailed: (error) => assert.fail(error),
        onLink: (link) => {
          link.abort();
          return { onOpen: () => {}, onBytes: () => {}, onWritten: () => {}, onClose: () => {} };
        },
      },
    );
    world.clock.settle();
    const again = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    a.sendAll('orders', 'k', ['m2']);
    await world.until(() => a.confirmed.length === 2, 'b was found at its second address');
    assert.deepEqual(again.texts(), ['m2']);
    taken.close(() => {});
  });

  it('says that it cannot listen when every address is taken', async () => {
    const world = new DirectWorld();
    await world.makeApp({ app: 'b', roster: entries }).open();
    await assert.rejects(world.makeApp({ app: 'b', roster: entries }).open(), { code: 'AEP_NET_LISTEN_FAILED' });
  });

  const firstSeed = Number(process.env['AEP_SEED'] ?? 1);
  const seeds = Array.from({ length: process.env['AEP_SEED'] === undefined ? 25 : 1 }, (_, index) => firstSeed + index);
  for (const seed of seeds) {
    it(`loses nothing and keeps order through resets, blocks, crashes and slow receivers (AEP_SEED=${seed})`, async () => {
      const world = new DirectWorld({
        seed,
        pieceBytesMax: 400,
        properties: () => ({ windowMessages: '40', heartbeatMs: '100' }),
      });
      const chance = new SeededRandom(seed);
      const a = await world.makeApp({ app: 'a', roster: entries, unconfirmedMax: 100 }).open();
      let b = await world.makeApp({ app: 'b', roster: entries, unacknowledgedMax: 16 }).openAndJoin('orders');
      const received: Received[] = [];
      const total = 600;
      let sent = 0;
      let next: Outbound | undefined;
      while (a.confirmed.length < total) {
        for (let burst = chance.below(20); burst > 0 && sent < total; burst--) {
          next ??= a.makeOutbound('orders', `k/${sent % 3}`, `m${sent + 1}`);
          if (a.sendOutbound(next) !== 'accepted') break;
          next = undefined;
          sent++;
        }
        const dice = chance.below(100);
        if (dice < 4) world.network.reset('a', 'b');
        else if (dice < 6) world.network.block('a', 'b');
        else if (dice < 8) world.network.block('b', 'a');
        else if (dice < 20) {
          world.network.unblock('a', 'b');
          world.network.unblock('b', 'a');
        } else if (dice < 30) b.room = chance.below(5);
        else if (dice < 45) {
          b.room = Infinity;
          b.resume();
        } else if (dice < 47) {
          received.push(...b.received);
          await b.close();
          b = await world.makeApp({ app: 'b', roster: entries, unacknowledgedMax: 16 }).openAndJoin('orders');
        }
        await world.pass(chance.below(40));
        assert.ok(sent - a.confirmed.length <= 100);
        assert.ok(
          world.clock.monotonicMs() < 3_600_000,
          `no end in sight: ${a.confirmed.length} of ${total} confirmed`,
        );
      }
      received.push(...b.received);
      assert.deepEqual(deduped(received), numbered(total));
      assert.equal(new Set(a.confirmed).size, total, 'each is confirmed once');
      await a.close();
      await b.close();
      assert.equal(world.network.connectionCount, 0, 'no connection is left');
    });
  }
});
