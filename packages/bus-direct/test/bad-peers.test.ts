import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { numbered, roster, type TestApp } from '@aep/bus/contract';
import { encodeHello, encodeProof, FrameType, type Hello, writeU32, writeU53 } from '@aep/bus-direct/internal';
import { DirectWorld, type DirectWorldOptions } from './direct-world.js';
import { Stranger } from './stranger.js';

const entries = roster(['b', 'orders']);

interface Scene {
  world: DirectWorld;
  a: TestApp;
  b: TestApp;
  stranger: Stranger;
}

/** A sender and a receiver that work, and a stranger connected to the receiver. */
async function scene(options: DirectWorldOptions = {}): Promise<Scene> {
  const world = new DirectWorld(options);
  const a = await world.makeApp({ app: 'a', roster: entries }).open();
  const b = await world.makeApp({ app: 'b', roster: entries }).openAndJoin('orders');
  a.sendAll('orders', 'k', ['before']);
  await world.until(() => a.confirmed.length === 1, 'a and b work');
  return { world, a, b, stranger: await Stranger.connect(world) };
}

/** The stranger is shown out with this reason, and nothing else has happened. */
async function refusedWith(code: string, { world, a, b, stranger }: Scene): Promise<void> {
  await world.until(() => stranger.closes.length === 1, 'the stranger is shown out');
  assert.equal(stranger.byeCode, code);
  a.sendAll('orders', 'k', numbered(3));
  await world.until(() => a.confirmed.length === 4, 'a and b still work');
  assert.deepEqual(b.texts(), ['before', ...numbered(3)]);
  assert.deepEqual([...a.events, ...b.events], ['up orders']);
}

function hello(changes: Partial<Hello> = {}): Uint8Array {
  const nonce = new Uint8Array(16);
  return encodeHello({
    bus: 'bus',
    fromApp: 'x',
    toApp: 'b',
    incarnation: 1,
    messageBytesMax: 1000,
    heartbeatMs: 1000,
    nonce,
    ...changes,
  });
}

/** A stranger that has been let in, on a bus without secret. */
async function letIn(options: DirectWorldOptions = {}): Promise<Scene> {
  const made = await scene(options);
  const { world, stranger } = made;
  stranger.frame(FrameType.hello, hello());
  await world.until(() => stranger.payloadOf(FrameType.welcome) !== undefined, 'it is welcomed');
  stranger.frame(FrameType.proof, encodeProof(new Uint8Array(0)));
  await world.until(() => stranger.payloadOf(FrameType.join) !== undefined, 'it is let in');
  return made;
}

/** A frame of messages: number of the first, then records. */
function messages(first: number, ...records: Uint8Array[]): Uint8Array {
  const head = new Uint8Array(8);
  writeU53(head, 0, first);
  return Uint8Array.from([head, ...records].flatMap((part) => [...part]));
}

function record({
  channel = 1,
  key = [],
  metadata = [1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1],
  bytes = [7],
}: Partial<Record<'key' | 'metadata' | 'bytes', number[]>> & { channel?: number } = {}): Uint8Array {
  const head = new Uint8Array(13);
  writeU32(head, 1, channel);
  head[5] = key.length;
  head[7] = metadata.length;
  writeU32(head, 9, bytes.length);
  return Uint8Array.from([...head, ...key, ...metadata, ...bytes]);
}

describe('a receiver of the direct bus', () => {
  it('shows out a peer that speaks another protocol', async () => {
    const made = await scene();
    made.stranger.link.write(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    await refusedWith('AEP_DIRECT_FRAME_TOO_LARGE', made);
  });

  it('refuses a frame by its length, before it allocates anything for it', async () => {
    const made = await scene();
    const header = new Uint8Array(8);
    writeU32(header, 0, 0xffff_ffff);
    made.stranger.link.write(header);
    await refusedWith('AEP_DIRECT_FRAME_TOO_LARGE', made);
  });

  it('shows out a peer whose frame has a wrong checksum', async () => {
    const made = await scene();
    const bytes = new Uint8Array(12);
    bytes[0] = 4;
    made.stranger.link.write(bytes);
    await refusedWith('AEP_DIRECT_CHECKSUM', made);
  });

  const wrongHellos: [string, string, Uint8Array][] = [
    ['another bus', 'AEP_DIRECT_WRONG_BUS', hello({ bus: 'other' })],
    ['another app', 'AEP_DIRECT_WRONG_APP', hello({ toApp: 'other' })],
    ['larger messages', 'AEP_DIRECT_LIMIT_MISMATCH', hello({ messageBytesMax: 100_001 })],
    ['another version', 'AEP_DIRECT_VERSION', hello().with(4, 9)],
    ['no magic number', 'AEP_DIRECT_PROTOCOL', hello().with(0, 0)],
    ['a cut-off hello', 'AEP_DIRECT_PROTOCOL', hello().slice(0, -1)],
    ['too long a hello', 'AEP_DIRECT_PROTOCOL', Uint8Array.from([...hello(), 0])],
    ['a name that is not UTF-8', 'AEP_DIRECT_PROTOCOL', hello().with(7, 0xff)],
  ];
  for (const [what, code, payload] of wrongHellos) {
    it(`shows out a peer whose hello has ${what}`, async () => {
      const made = await scene();
      made.stranger.frame(FrameType.hello, payload);
      await refusedWith(code, made);
    });
  }

  it('shows out a peer that sends messages before it was let in', async () => {
    const made = await scene();
    made.stranger.frame(FrameType.messages, messages(1, record()));
    await refusedWith('AEP_DIRECT_PROTOCOL', made);
  });

  it('shows out a peer that connects and says nothing', async () => {
    const made = await scene();
    await made.world.pass(5100);
    await refusedWith('AEP_DIRECT_SILENT', made);
  });

  it('shows out a peer that was let in and has fallen silent, half-open connections among them', async () => {
    const made = await letIn();
    made.world.network.block('stranger', 'b');
    await made.world.pass(6100);
    await refusedWith('AEP_DIRECT_SILENT', made);
  });

  it('takes messages from a peer that follows the protocol', async () => {
    const { world, b, stranger } = await letIn();
    stranger.frame(FrameType.messages, messages(1, record(), record({ key: [65] })));
    await world.until(() => stranger.payloadOf(FrameType.ack) !== undefined, 'it is acknowledged');
    assert.deepEqual(
      b.received.slice(1).map(({ key, text }) => [key, text]),
      [
        ['', '\u0007'],
        ['A', '\u0007'],
      ],
    );
  });

  const wrongMessages: [string, Uint8Array][] = [
    ['a wrong number', messages(2, record())],
    ['no number', new Uint8Array(3)],
    ['a channel that is not joined', messages(1, record({ channel: 3 }))],
    ['a cut-off record', messages(1, record().slice(0, 9))],
    ['a record longer than its frame', messages(1, record().slice(0, -1))],
    ['unknown flags', messages(1, record().with(0, 0x80))],
    ['a key that is not UTF-8', messages(1, record({ key: [0xff] }))],
  ];
  for (const [what, payload] of wrongMessages) {
    it(`shows out a peer whose messages have ${what}`, async () => {
      const made = await letIn();
      made.stranger.frame(FrameType.messages, payload);
      await refusedWith('AEP_DIRECT_PROTOCOL', made);
    });
  }

  it('shows out a peer whose messages have metadata that is none', async () => {
    const made = await letIn();
    made.stranger.frame(FrameType.messages, messages(1, record({ metadata: [9] })));
    await refusedWith('AEP_METADATA_INVALID', made);
  });

  it('shows out a peer that sends more than the window allows, so memory stays bounded', async () => {
    const made = await letIn({ properties: () => ({ windowMessages: '4' }) });
    made.b.room = 0;
    made.stranger.frame(FrameType.messages, messages(1, ...Array.from({ length: 5 }, () => record())));
    await made.world.until(() => made.stranger.closes.length === 1, 'it is shown out');
    assert.equal(made.stranger.byeCode, 'AEP_DIRECT_PROTOCOL');
    made.b.room = Infinity;
    made.b.resume();
    await made.world.pass(10);
    assert.deepEqual(made.b.texts(), ['before'], 'what a peer without manners sent is not delivered');
  });

  it('shows out a peer that sends a frame of no known type', async () => {
    const made = await letIn();
    made.stranger.frame(77, new Uint8Array(0));
    await refusedWith('AEP_DIRECT_PROTOCOL', made);
  });

  it('lets in no more than connectionsMax peers', async () => {
    // a, b itself (it could send on this bus too) and the stranger of the scene
    const { world, a, b, stranger } = await scene({ properties: () => ({ connectionsMax: '3' }) });
    const fourth = await Stranger.connect(world);
    await refusedWith('AEP_DIRECT_TOO_MANY_CONNECTIONS', { world, a, b, stranger: fourth });
    assert.equal(stranger.closes.length, 0);
  });

  it('ends the old connection of a sender that connects again', async () => {
    const { world, stranger } = await letIn();
    const again = await Stranger.connect(world);
    again.frame(FrameType.hello, hello());
    await world.until(() => again.payloadOf(FrameType.welcome) !== undefined, 'it is welcomed');
    assert.equal(stranger.closes.length, 0, 'not before it has proved who it is');
    again.frame(FrameType.proof, encodeProof(new Uint8Array(0)));
    await world.until(() => stranger.closes.length === 1, 'the old connection has ended');
    assert.equal(stranger.byeCode, 'AEP_DIRECT_DISPLACED');
  });

  const seed = Number(process.env['AEP_SEED'] ?? 20_261_121);
  it(`survives any bytes: 300 strangers with seeded garbage (AEP_SEED=${seed})`, async () => {
    const made = await letIn({ seed });
    const { world } = made;
    const random = world.random.split();
    for (let round = 0; round < 300; round++) {
      const stranger = await Stranger.connect(world, `s${round}`);
      const isLetIn = random.below(2) === 0;
      if (isLetIn) {
        stranger.frame(FrameType.hello, hello({ fromApp: `s${round}` }));
        stranger.frame(FrameType.proof, encodeProof(new Uint8Array(0)));
      }
      const payload = messages(1, record(), record({ key: [65, 66] }));
      for (let flips = random.below(4); flips >= 0; flips--) payload[random.below(payload.length)] = random.below(256);
      // A frame with a right checksum and a wrong content gets further than one that is all noise.
      if (random.below(3) > 0) stranger.frame(random.below(12), payload);
      else stranger.link.write(payload);
      await world.pass(5);
      stranger.link.abort();
    }
    assert.equal(made.a.send('orders', 'k', 'after'), 'accepted');
    await world.until(() => made.a.confirmed.length === 2, 'a and b still work');
    assert.equal(made.b.texts().at(-1), 'after');
  });
});
