import { connect, type Socket } from 'node:net';

const LENGTH_BYTES = 4;
/** The number of an order that is durable. */
export const ANSWER_BYTES = 8;

/** Keeps a number of orders in flight to the bare loop in another process. */
export class BareClient {
  private inFlight = 0;
  private sent = 0;
  private confirmed = 0;
  private untilMs = 0;
  private orders: readonly Uint8Array[] = [];
  private rest: Buffer = Buffer.alloc(0);
  private finish: () => void = () => undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly inFlightMax: number,
  ) {
    socket.on('data', (data) => this.answered(data));
  }

  static open(port: number, inFlightMax: number): Promise<BareClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new BareClient(socket.setNoDelay(true), inFlightMax)));
      socket.once('error', reject);
    });
  }

  /** Orders per second over this time, until the last one is acknowledged. */
  async measureFor(orders: readonly Uint8Array[], durationMs: number): Promise<number> {
    const startedMs = performance.now();
    const before = this.confirmed;
    this.orders = orders;
    this.untilMs = startedMs + durationMs;
    await new Promise<void>((resolve) => {
      this.finish = resolve;
      this.pump();
    });
    return ((this.confirmed - before) / (performance.now() - startedMs)) * 1000;
  }

  close(): void {
    this.socket.destroy();
  }

  private pump(): void {
    if (performance.now() >= this.untilMs) {
      if (this.inFlight === 0) this.finish();
      return;
    }
    const batch: Uint8Array[] = [];
    for (; this.inFlight < this.inFlightMax; this.inFlight++) {
      const order = this.orders[this.sent++ % this.orders.length]!;
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeUInt32LE(order.length);
      batch.push(length, order);
    }
    if (batch.length > 0) this.socket.write(Buffer.concat(batch));
  }

  private answered(data: Buffer): void {
    const answers = this.rest.length === 0 ? data : Buffer.concat([this.rest, data]);
    let at = 0;
    for (; at + ANSWER_BYTES <= answers.length; at += ANSWER_BYTES) {
      const number = answers.readDoubleLE(at);
      if (number !== this.confirmed) throw new Error(`order ${number} was answered instead of ${this.confirmed}`);
      this.confirmed++;
      this.inFlight--;
    }
    this.rest = answers.subarray(at);
    this.pump();
  }
}

/** Cuts a stream of `length, bytes` into its parts. */
export function readFrames(onFrame: (bytes: Uint8Array) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    const bytes = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let at = 0;
    while (at + LENGTH_BYTES <= bytes.length) {
      const end = at + LENGTH_BYTES + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      onFrame(bytes.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    rest = bytes.subarray(at);
  };
}
