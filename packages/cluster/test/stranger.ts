import { encodeAcked, encodeHello, encodeProof, FrameType, type Hello, LINK_FAULTS } from '@aep/cluster/internal';
import { type Link, parseAddress } from '@aep/net';
import { ChunkPool, FrameReader, FrameWriter, PayloadReader } from '@aep/net/internal';
import type { World } from './world.js';

/** Somebody who connects to a member's link and says what a test tells it to. */
export class Stranger {
  readonly types: number[] = [];
  /** What the member said when it ended the link. */
  bye: string | undefined;
  isClosed = false;
  private readonly link: Link;
  private readonly writer: FrameWriter;

  constructor(
    private readonly world: World,
    member: string,
    frameBytesMax = 1_000_000,
  ) {
    const reader = new FrameReader(
      { onFrame: (type, bytes, start, end) => this.onFrame(type, bytes, start, end) },
      frameBytesMax,
      LINK_FAULTS,
    );
    const { address } = world.machine(member).member.status();
    this.link = world.network.node('stranger').connect(parseAddress(address), {
      onOpen: () => undefined,
      onBytes: (bytes) => reader.push(bytes),
      onWritten: () => undefined,
      onClose: () => (this.isClosed = true),
    });
    this.writer = new FrameWriter(this.link, new ChunkPool());
  }

  raw(bytes: Uint8Array): void {
    this.link.write(bytes);
  }

  frame(type: number, payload: Uint8Array = new Uint8Array(0)): void {
    this.writer.frame(type, payload);
    this.writer.flush();
  }

  /** As a follower would begin. */
  hello(changes: Partial<Hello> = {}): void {
    this.frame(FrameType.hello, encodeHello({ ...HELLO, ...changes }));
  }

  /** As a follower that speaks another version of the link would begin. */
  helloInVersion(linkVersion: number): void {
    const payload = encodeHello(HELLO);
    payload[LINK_VERSION_OFFSET] = linkVersion;
    this.frame(FrameType.hello, payload);
  }

  proof(): void {
    this.frame(FrameType.proof, encodeProof(new Uint8Array(0)));
  }

  acked(epoch: number, durableTxId: number): void {
    this.frame(FrameType.acked, encodeAcked({ epoch, durableTxId }));
  }

  /** What the member ended the link with. */
  async refusal(): Promise<string | undefined> {
    await this.world.until('the end of the link', () => this.isClosed);
    return this.bye;
  }

  private onFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    this.types.push(type);
    if (type === FrameType.bye) this.bye = new PayloadReader(bytes, start, end, 'bye', LINK_FAULTS.malformed).text();
  }
}

/** After the magic of a hello. */
const LINK_VERSION_OFFSET = 4;

const HELLO: Hello = {
  group: 'app',
  member: 'x',
  storeId: '',
  incarnation: 0,
  firstTxId: 1,
  lastTxId: 0,
  lastHash: { low: 0, high: 0 },
  appliedTxId: 0,
  promisedEpoch: 0,
  recordVersion: 1,
  version: '0.1.0',
  windowBytes: 1_000_000,
  heartbeatMs: 100,
  nonce: new Uint8Array(16),
};
