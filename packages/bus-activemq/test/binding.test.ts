import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasCode } from './codes.js';
import { numbered, roster } from '@aep/bus/contract';
import { type Reaction, StompWorld, textOf } from './scripted-broker.js';

const ENTRIES = roster(['b', 'orders']);
const SECRET = 'correct horse battery staple';

/** Answers frames of this command with an ERROR, as ActiveMQ words it, and ends the connection. */
function refusing(command: string, message: string, isRefused: () => boolean = () => true): Reaction {
  return (frame, client) => {
    if (frame.command !== command || !isRefused()) return 'pass';
    client.say('ERROR', { message });
    client.link.close();
    return 'handled';
  };
}

const WRONG_PASSWORD = 'User name [aep] or password is invalid.';
const ID_IN_USE = 'Broker: aep - Client: aep.bus.b already connected from tcp://127.0.0.1:1234';
const FULL = 'Usage Manager Store is Full, 100% of 1048576. Stopping producer (x) to prevent flooding';

describe('credentials', () => {
  const properties = { user: 'aep', passwordEnv: 'SECRET' };
  const variables = { SECRET };

  it('go out in the CONNECT, from the environment', async () => {
    const world = new StompWorld({ properties, variables });
    await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    const { login, passcode } = world.sent('CONNECT')[0]!.headers;
    assert.deepEqual([login, passcode], ['aep', SECRET]);
  });

  it('that are wrong fail the start with one attempt, and are in no error and no log', async () => {
    const world = new StompWorld({ properties, variables });
    world.reaction = refusing('CONNECT', WRONG_PASSWORD);
    const failed = world.makeApp({ app: 'a', roster: ENTRIES }).open();
    await assert.rejects(failed, (error: unknown) => {
      assert.ok(hasCode('AEP_STOMP_REFUSED')(error));
      assert.equal((error as { advice?: string }).advice, 'reject');
      assert.ok(!JSON.stringify(error).includes(SECRET));
      return true;
    });
    await world.pass(600_000);
    assert.equal(world.sent('CONNECT').length, 1, 'no retry storm');
    assert.ok(!world.logText.includes(SECRET));
  });

  it('that become wrong fail the binding when it reconnects, once', async () => {
    const world = new StompWorld({ properties, variables });
    const a = await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    world.reaction = refusing('CONNECT', WRONG_PASSWORD);
    world.network.reset('a', 'broker');
    await world.until(() => a.failures.length === 1, 'the binding fails');
    assert.equal(a.failures[0]!.code, 'AEP_STOMP_REFUSED');
    await world.pass(600_000);
    assert.equal(world.sent('CONNECT').length, 2);
  });

  it('without a user are refused, as are two sources of one secret, a missing variable and line ends', () => {
    const cases: [Record<string, string>, RegExp][] = [
      [{ password: 'x' }, /must say whose/],
      [{ user: 'u', password: 'x', passwordEnv: 'SECRET' }, /exclude each other/],
      [{ user: 'u', passwordEnv: 'NO_SUCH' }, /no variable NO_SUCH/],
      [{ user: 'u', password: 'a\nclient-id:x' }, /line end/],
    ];
    for (const [wrong, message] of cases) {
      const world = new StompWorld({ properties: wrong, variables });
      assert.throws(() => world.makeApp({ app: 'a', roster: ENTRIES }), message);
    }
  });
});

describe('a broker that answers with errors', () => {
  it('has the client id in use: tried with growing pauses until it is free, and said once', async () => {
    const world = new StompWorld();
    let isHeld = true;
    world.reaction = (frame, client) => {
      if (frame.headers['client-id'] === undefined) return 'pass';
      return refusing('CONNECT', ID_IN_USE, () => isHeld)(frame, client);
    };
    const b = await world.makeApp({ app: 'b', roster: ENTRIES }).open();
    b.binding.join(b.channel('orders'), ['**']);
    await world.pass(20_000);
    const attempts = world.sent('CONNECT').length - 1;
    assert.ok(attempts >= 8 && attempts <= 30, `${attempts} attempts in 20 s`);
    assert.deepEqual(world.loggedCodes, ['AEP_STOMP_CLIENT_ID_IN_USE']);
    assert.deepEqual(b.events, [], 'a first attempt that waits takes nothing away');
    isHeld = false;
    await world.until(() => b.count('up orders') === 1, 'b is up');
  });

  it('is full: the batch is sent again with growing pauses, in order, and nothing is lost', async () => {
    const world = new StompWorld();
    const a = await world.makeApp({ app: 'a', roster: ENTRIES, unconfirmedMax: 5 }).open();
    let isFull = true;
    world.reaction = refusing('SEND', FULL, () => isFull);
    a.sendAll('orders', 'k', numbered(5));
    assert.equal(a.send('orders', 'k', 'm6'), 'back-pressured');
    await world.pass(30_000);
    assert.equal(a.confirmed.length, 0);
    const attempts = world.sent('CONNECT').length;
    assert.ok(attempts >= 10 && attempts <= 50, `${attempts} attempts in 30 s`);
    assert.equal(world.loggedCodes.filter((code) => code === 'AEP_STOMP_BROKER_FULL').length, 1);
    isFull = false;
    const before = world.sent('SEND').length;
    await world.until(() => a.confirmed.length === 5, 'all is confirmed');
    assert.deepEqual(world.sent('SEND').slice(before).map(textOf), numbered(5));
    assert.equal(a.count('writable'), 1);
  });

  it('does not allow it: the binding fails for good', async () => {
    const world = new StompWorld();
    const b = await world.makeApp({ app: 'b', roster: ENTRIES }).open();
    world.reaction = refusing('SUBSCRIBE', 'User aep is not authorized to read from: queue://Consumer.b');
    b.binding.join(b.channel('orders'), ['**']);
    await world.until(() => b.failures.length === 1, 'the binding fails');
    assert.equal(b.failures[0]!.code, 'AEP_STOMP_NOT_AUTHORIZED');
    await world.pass(600_000);
    assert.equal(world.sent('CONNECT').length, 2);
    assert.equal(world.network.connectionCount, 0, 'nothing stays open');
  });

  it('says something else: connected again, and what was not confirmed is sent again', async () => {
    const world = new StompWorld();
    const a = await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    let times = 0;
    world.reaction = refusing('SEND', 'a surprise\u0007', () => times++ < 2);
    a.sendAll('orders', 'k', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'it is confirmed');
    assert.deepEqual(a.events, [
      'binding down AEP_STOMP_BROKER_ERROR',
      'binding up',
      'binding down AEP_STOMP_BROKER_ERROR',
      'binding up',
    ]);
    assert.deepEqual(world.loggedCodes, ['AEP_STOMP_BROKER_ERROR'], 'said once a minute');
    assert.ok(world.logText.includes('a surprise?'), 'what it says is shown without control characters');
  });

  it('with policy Fail ends the binding at the first loss', async () => {
    const world = new StompWorld();
    const a = await world.makeApp({ app: 'a', roster: ENTRIES, failPolicy: 'Fail' }).open();
    world.network.reset('a', 'broker');
    await world.until(() => a.failures.length === 1, 'the binding fails');
    await world.pass(60_000);
    assert.equal(world.sent('CONNECT').length, 1);
  });
});

describe('a broker that is none, or is silent', () => {
  it('does not speak STOMP', async () => {
    const world = new StompWorld();
    world.reaction = (_frame, client) => {
      client.link.write(new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\n'));
      return 'handled';
    };
    await assert.rejects(world.makeApp({ app: 'a', roster: ENTRIES }).open(), hasCode('AEP_STOMP_PROTOCOL'));
  });

  it('speaks another version, answers before it was asked, or gives receipts nobody asked for or in a wrong order', async () => {
    const strange: Reaction[] = [
      (_frame, client) => (client.say('CONNECTED', { version: '1.1' }), 'handled'),
      (_frame, client) => (client.say('MESSAGE', { subscription: '1' }), 'handled'),
      (_frame, client) => (
        client.say('CONNECTED', { version: '1.2' }),
        client.say('RECEIPT', { 'receipt-id': '9' }),
        'handled'
      ),
      (_frame, client) => (client.say('CONNECTED', { version: '1.2', 'heart-beat': 'often' }), 'handled'),
    ];
    const world = new StompWorld({ properties: { batchMessages: '1' } });
    const a = await world.makeApp({ app: 'a', roster: roster() }).open();
    const asked: string[] = [];
    world.reaction = ({ command, headers }, client) => {
      if (command !== 'SEND') return 'pass';
      asked.push(headers['receipt']!);
      if (asked.length === 2) for (const id of asked.toReversed()) client.say('RECEIPT', { 'receipt-id': id });
      return 'handled';
    };
    a.sendAll('orders', 'k', numbered(2));
    await world.until(
      () => a.count('binding down AEP_STOMP_PROTOCOL') === 1,
      'receipts in a wrong order end the connection',
    );
    assert.equal(a.confirmed.length, 0);
    for (const reaction of strange) {
      const world = new StompWorld();
      world.reaction = (frame, client) => (frame.command === 'CONNECT' ? reaction(frame, client) : 'pass');
      await assert.rejects(world.makeApp({ app: 'a', roster: ENTRIES }).open(), hasCode('AEP_STOMP_PROTOCOL'));
    }
  });

  it('takes the connection and does not answer', async () => {
    const world = new StompWorld({ properties: { connectMs: '3000' } });
    world.reaction = () => 'handled';
    await assert.rejects(world.makeApp({ app: 'a', roster: ENTRIES }).open(), hasCode('AEP_STOMP_SILENT'));
  });

  it('is found out by its heartbeats, and ours are sent in time', async () => {
    const world = new StompWorld({ properties: { heartbeatMs: '1000' } });
    world.reaction = ({ command }, client) => {
      if (command !== 'CONNECT') return 'pass';
      client.say('CONNECTED', { version: '1.2', 'heart-beat': '1000,1000' });
      return 'handled';
    };
    const a = await world.makeApp({ app: 'a', roster: roster() }).open();
    await world.pass(1900);
    assert.deepEqual(a.events, []);
    await world.until(() => a.count('binding down AEP_STOMP_SILENT') === 1, 'it is found out');
  });

  it('is not there: the start gets the error of the network, and a broker further down the list is found', async () => {
    const options = { app: 'a', roster: ENTRIES };
    const worldWith = (properties: Record<string, string>): StompWorld => {
      const world = new StompWorld({ properties });
      const description = { ...world.describeBus(ENTRIES), port: 61_000 };
      world.describeBus = () => description;
      return world;
    };
    await assert.rejects(worldWith({}).makeApp(options).open(), hasCode('AEP_NET_CONNECT_FAILED'));
    const world = worldWith({ failover: '127.0.0.1:61001,127.0.0.1:61613' });
    await world.makeApp(options).open();
    assert.equal(world.sent('CONNECT').length, 1);
    assert.throws(() => worldWith({ failover: 'nowhere' }).makeApp(options), hasCode('AEP_BUS_DESCRIPTOR_INVALID'));
  });
});

describe('messages', () => {
  it('come again marked when the broker says so, and those of a lost connection are not acknowledged on the next', async () => {
    const world = new StompWorld();
    const b = world.makeApp({ app: 'b', roster: ENTRIES });
    b.isAutoAck = false;
    await b.openAndJoin('orders');
    world.deliver(1);
    await world.until(() => b.received.length === 1, 'it has come');
    world.network.reset('b', 'broker');
    await world.until(() => b.count('up orders') === 2, 'joined again');
    assert.deepEqual(b.events.slice(1, 3), ['binding down AEP_NET_RESET', 'down orders']);
    b.acknowledge();
    world.deliver(1, { redelivered: 'true' });
    await world.until(() => b.received.length === 2, 'it has come again');
    assert.deepEqual(
      b.received.map(({ possibleDuplicate }) => possibleDuplicate),
      [false, true],
    );
    b.acknowledge();
    await world.pass(5);
    assert.deepEqual(
      world.sent('ACK').map(({ headers }) => headers['id']),
      ['a1'],
    );
    await b.close();
    assert.equal(world.sent('NACK').length, 0);
  });

  it('that were not handed over when the connection broke are left to the broker', async () => {
    const world = new StompWorld();
    const b = world.makeApp({ app: 'b', roster: ENTRIES });
    b.room = 1;
    await b.openAndJoin('orders');
    for (const number of [1, 2, 3]) world.deliver(number);
    await world.until(() => b.received.length === 1, 'the first has come');
    world.network.reset('b', 'broker');
    await world.until(() => b.count('up orders') === 2, 'joined again');
    b.room = Infinity;
    b.resume();
    for (const number of [2, 3]) world.deliver(number, { redelivered: 'true' });
    await world.until(() => b.received.length === 3, 'each has come once');
    await world.pass(100);
    assert.deepEqual(b.texts(), numbered(3));
  });

  it('over messageBytesMax become dead letters of the broker and hold nothing up', async () => {
    const world = new StompWorld();
    const b = await world.makeApp({ app: 'b', roster: ENTRIES, messageBytesMax: 1000 }).openAndJoin('orders');
    world.deliver(1, {}, 'x'.repeat(1001));
    world.deliver(2);
    await world.until(() => b.received.length === 1, 'the second has come');
    await world.pass(5);
    assert.deepEqual(
      world.sent('NACK').map(({ headers }) => headers['id']),
      ['a1'],
    );
    assert.deepEqual(world.loggedCodes, ['AEP_STOMP_MESSAGE_TOO_LARGE']);
  });

  it('are no more than the prefetch allows, or the connection ends', async () => {
    const world = new StompWorld({ properties: { prefetch: '10' } });
    const b = world.makeApp({ app: 'b', roster: ENTRIES });
    b.room = 0;
    await b.openAndJoin('orders');
    for (let number = 1; number <= 21; number++) world.deliver(number);
    await world.until(() => b.count('binding down AEP_STOMP_PROTOCOL') === 1, 'the connection ends');
  });

  it('of other programs have no metadata, and metadata that cannot be read counts as none', async () => {
    const world = new StompWorld();
    const b = await world.makeApp({ app: 'b', roster: ENTRIES }).openAndJoin('orders');
    world.deliver(1);
    world.deliver(2, { 'aep-sno': 'seven', 'aep-type-id': '4' });
    const unreadable = [
      '1 2 3',
      '21 3 4294967296 1 0 1 1 1',
      '21 3 1 1 0 9999999999999999 1 1',
      '21 3 1 1 0 x 1 1',
      '',
      '21 3 97 1 0 7 7 1 ',
      '21 3 97 1 0 7 7 1 1',
      '21  3 97 1 0 7 7 1',
      '21 3 97 1 0 - 7 1',
      '21 -3 97 1 0 7 7 1',
    ];
    for (const metadata of unreadable) world.deliver(3, { 'aep-metadata': metadata });
    world.deliver(4, { 'aep-metadata': '21 3 97 1 0 -7 3 1760000000000' });
    await world.until(() => b.received.length === 13, 'all have come');
    assert.deepEqual(
      b.received.map(({ sno }) => sno),
      [0, 0, ...unreadable.map(() => 0), -7],
    );
    assert.ok(b.received.every(({ key }) => key === ''));
    assert.deepEqual([...new Set(world.loggedCodes)], ['AEP_METADATA_INVALID']);
  });

  it('have keys that a broker can take', async () => {
    const world = new StompWorld();
    const a = await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    assert.throws(() => a.send('orders', 'x'.repeat(1501), 'm'), hasCode('AEP_STOMP_KEY_INVALID'));
    assert.throws(() => a.send('ticks', 'a\0b', 'm'), hasCode('AEP_STOMP_KEY_INVALID'));
    a.sendAll('orders', 'a:b\\c\nd/Süd', ['m1']);
    await world.until(() => a.confirmed.length === 1, 'it is confirmed');
    assert.equal(world.sent('SEND')[0]!.headers['aep_key'], 'a:b\\c\nd/Süd');
  });

  it('of BestEffort channels are held back when the network is, and dropped without a connection', async () => {
    const world = new StompWorld();
    const a = await world.makeApp({ app: 'a', roster: ENTRIES }).open();
    world.network.block('a', 'broker');
    const large = 'x'.repeat(100_000);
    let sent = 0;
    while (a.send('ticks', 'k', large) === 'accepted') sent++;
    assert.ok(sent >= 5 && sent <= 20, `${sent} messages of 100,000 bytes`);
    world.network.unblock('a', 'broker');
    await world.until(() => a.count('writable') === 1, 'there is room again');
    await world.until(() => world.sent('SEND').length === sent, 'none was dropped');
    world.network.crash('broker');
    await world.until(() => a.count('binding down AEP_NET_RESET') === 1, 'the broker is gone');
    assert.equal(a.send('ticks', 'k', 'm'), 'accepted');
    assert.equal((a.binding as unknown as { counts: { dropped: number } }).counts.dropped, 1);
  });
});
