import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError } from '@aep/kernel';
import { roster } from '@aep/bus/contract';
import { encodeHello, encodeProof, encodeWelcome, FrameType } from '@aep/bus-direct/internal';
import { DirectWorld } from './direct-world.js';
import { Stranger } from './stranger.js';

const entries = roster(['b', 'orders']);
const secret = 'correct horse battery staple';

function helloTo(toApp: string): Uint8Array {
  const nonce = new Uint8Array(16);
  return encodeHello({
    bus: 'bus',
    fromApp: 'x',
    toApp,
    incarnation: 1,
    messageBytesMax: 1000,
    heartbeatMs: 1000,
    nonce,
  });
}

function refused(code: string, ...words: string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AepError, String(error));
    assert.equal(error.code, code);
    for (const word of words) assert.ok(error.message.includes(word), error.message);
    assert.ok(!error.message.includes(secret));
    return true;
  };
}

describe('the secret of a direct bus', () => {
  it('lets peers with the same secret talk, and is in no log', async () => {
    const world = new DirectWorld({
      properties: (app): Record<string, string> => (app === 'a' ? { secret } : { secretEnv: 'BUS_SECRET' }),
      variables: { BUS_SECRET: secret },
    });
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'it is confirmed');
    assert.deepEqual(b.texts(), ['m1']);
    assert.ok(!world.logText.includes(secret));
  });

  const mismatches: [string, Record<string, string>, Record<string, string>][] = [
    ['differ', { secret }, { secret: 'another secret, long enough' }],
    ['are only on the sender', { secret }, {}],
    ['are only on the receiver', {}, { secret }],
  ];
  for (const [how, ofA, ofB] of mismatches) {
    it(`keeps peers apart whose secrets ${how}: nothing is delivered, and the log says why`, async () => {
      const world = new DirectWorld({ properties: (app) => (app === 'a' ? ofA : ofB) });
      const a = await world.makeApp({ app: 'a', roster: entries }).open();
      const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
      a.sendAll('orders', 'k', ['m1']);
      await world.pass(20_000);
      assert.deepEqual([a.confirmed.length, b.received.length], [0, 0]);
      assert.ok(world.loggedCodes.includes('AEP_DIRECT_AUTH_FAILED'), world.logText);
      assert.ok(world.loggedCodes.includes('AEP_DIRECT_REFUSED'), 'the other side knows it too');
      assert.ok(!world.logText.includes(secret));
    });
  }

  it('is asked of a sender before anything it sends counts', async () => {
    const world = new DirectWorld({ properties: () => ({ secret }) });
    const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    for (const proof of [new Uint8Array(0), new Uint8Array(32)]) {
      const stranger = await Stranger.connect(world);
      stranger.frame(FrameType.hello, helloTo('b'));
      stranger.frame(FrameType.proof, encodeProof(proof));
      await world.until(() => stranger.closes.length === 1, 'it is shown out');
      assert.equal(stranger.byeCode, 'AEP_DIRECT_AUTH_FAILED');
      assert.equal(stranger.payloadOf(FrameType.ready), undefined);
    }
    assert.deepEqual(b.events, ['up orders']);
  });

  it('cannot be shown by sending back what the other side has shown', async () => {
    const world = new DirectWorld({ properties: () => ({ secret }) });
    await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
    const stranger = await Stranger.connect(world);
    stranger.frame(FrameType.hello, helloTo('b'));
    await world.until(() => stranger.payloadOf(FrameType.welcome) !== undefined, 'it is welcomed');
    const proofOfReceiver = stranger.payloadOf(FrameType.welcome)!.slice(-32);
    stranger.frame(FrameType.proof, encodeProof(proofOfReceiver));
    await world.until(() => stranger.closes.length === 1, 'it is shown out');
    assert.equal(stranger.byeCode, 'AEP_DIRECT_AUTH_FAILED');
  });

  it('is asked of a receiver before a sender shows its own proof or a message', async () => {
    const world = new DirectWorld({ properties: () => ({ secret }) });
    const impostor = new Stranger();
    world.network.node('impostor').listen(
      { host: '127.0.0.1', port: 5002 },
      {
        onListening: () => {},
        onFailed: (error) => assert.fail(error),
        onLink: (link) => {
          impostor.attach(link);
          return impostor;
        },
      },
    );
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => impostor.payloadOf(FrameType.hello) !== undefined, 'a says hello');
    const welcome = {
      incarnation: 1,
      windowMessages: 10,
      windowBytes: 1000,
      heartbeatMs: 1000,
      nonce: new Uint8Array(16),
    };
    impostor.frame(FrameType.welcome, encodeWelcome({ ...welcome, proof: new Uint8Array(32) }));
    impostor.frame(FrameType.ready, new Uint8Array(0));
    await world.until(() => impostor.closes.length === 1, 'a has left');
    assert.equal(impostor.byeCode, 'AEP_DIRECT_AUTH_FAILED');
    const seen = impostor.frames.map(({ type }) => type);
    assert.deepEqual(seen, [FrameType.hello, FrameType.bye]);
  });

  it('is needed to listen at or connect to an address that is not loopback', () => {
    for (const address of ['0.0.0.0:5000', '10.0.0.1:5000', 'example.com:5000', '[::]:5000']) {
      const world = new DirectWorld({ properties: () => ({ 'peer.b': address }) });
      for (const app of ['a', 'b']) {
        const words = ['peer.b', 'secretEnv', address];
        assert.throws(() => world.makeApp({ app, roster: entries }), refused('AEP_DIRECT_INSECURE_ADDRESS', ...words));
      }
    }
    new DirectWorld({ properties: () => ({ 'peer.b': '0.0.0.0:5000', secret }) }).makeApp({
      app: 'b',
      roster: entries,
    });
  });

  it('is refused when it is short, named twice or missing from the environment', () => {
    const make = (properties: Record<string, string>) => (): unknown =>
      new DirectWorld({ properties: () => properties }).makeApp({ app: 'a', roster: entries });
    assert.throws(make({ secret: 'short' }), refused('AEP_BUS_DESCRIPTOR_INVALID', '16 characters'));
    assert.throws(make({ secret, secretEnv: 'X' }), refused('AEP_BUS_DESCRIPTOR_INVALID', 'exclude'));
    assert.throws(make({ secretEnv: 'NOT_THERE' }), refused('AEP_BUS_DESCRIPTOR_INVALID', 'NOT_THERE'));
  });
});

describe('the description of a direct bus', () => {
  it('must say where each subscriber listens, with numbers in their ranges', () => {
    const make = (properties: Record<string, string>) => (): unknown =>
      new DirectWorld({ properties: () => properties }).makeApp({
        app: 'a',
        roster: [...entries, { app: 'z', channel: 'orders', patterns: [] }],
      });
    assert.throws(make({}), refused('AEP_BUS_DESCRIPTOR_INVALID', '"peer.z"'));
    assert.throws(make({ 'peer.z': 'nonsense' }), refused('AEP_BUS_DESCRIPTOR_INVALID', 'host:port'));
    assert.throws(
      make({ 'peer.z': '127.0.0.1:1', windowMessages: '0' }),
      refused('AEP_BUS_DESCRIPTOR_INVALID', 'windowMessages', '1..1000000'),
    );
  });

  it('refuses a key that the protocol cannot carry', async () => {
    const world = new DirectWorld();
    const a = await world.makeApp({ app: 'a', roster: entries }).open();
    assert.throws(() => a.send('orders', 'x'.repeat(30_000), 'm'), refused('AEP_DIRECT_KEY_TOO_LONG', '21845'));
  });
});
