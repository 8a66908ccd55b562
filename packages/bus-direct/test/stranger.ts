import type { AepError } from '@aep/kernel';
import { ChunkPool, DIRECT_FAULTS, FrameReader, FrameType, FrameWriter } from '@aep/bus-direct/internal';
import type { Link, LinkHandler } from '@aep/net';
import type { DirectWorld } from './direct-world.js';

const decoder = new TextDecoder();

/** A peer that writes whatever a test wants, and notes what it gets. */
export class Stranger implements LinkHandler {
  readonly frames: { type: number; payload: Uint8Array }[] = [];
  readonly closes: (AepError | undefined)[] = [];
  link!: Link;
  writer!: FrameWriter;
  isOpen = false;
  private readonly reader = new FrameReader(
    { onFrame: (type, bytes, start, end) => void this.frames.push({ type, payload: bytes.slice(start, end) }) },
    1_000_000,
    DIRECT_FAULTS,
  );

  /** Connects to where app `b` listens. */
  static async connect(world: DirectWorld, node = 'stranger', port = 5002): Promise<Stranger> {
    const stranger = new Stranger();
    stranger.attach(world.network.node(node).connect({ host: '127.0.0.1', port }, stranger));
    await world.until(() => stranger.isOpen, 'the stranger is connected');
    return stranger;
  }

  attach(link: Link): void {
    this.link = link;
    this.writer = new FrameWriter(link, new ChunkPool());
  }

  frame(type: number, payload: Uint8Array): void {
    this.writer.frame(type, payload);
    this.writer.flush();
  }

  /** Code of the reason that the other side gave for its end. */
  get byeCode(): string | undefined {
    const bye = this.frames.find(({ type }) => type === FrameType.bye);
    if (bye === undefined) return undefined;
    return decoder.decode(bye.payload.subarray(2, 2 + bye.payload[0]! + 256 * bye.payload[1]!));
  }

  payloadOf(type: number): Uint8Array | undefined {
    return this.frames.find((frame) => frame.type === type)?.payload;
  }

  onOpen(): void {
    this.isOpen = true;
  }

  onBytes(bytes: Uint8Array): void {
    this.reader.push(bytes);
  }

  onWritten(): void {}

  onClose(cause: AepError | undefined): void {
    this.closes.push(cause);
  }
}
