import { open, type RootDatabase } from 'lmdb';
import { Order, Position } from './gen/trade.js';
import { book, executionOf, readAll } from './orders.js';

/**
 * The limit that the engine is measured against: view, handler and one synced LMDB transaction per group commit, with the
 * records packed into one value. No dedupe, numbers, key resolution, bus, confirmations, checkpoints or trimming.
 *
 * Messages that are taken while a commit is under way make up the next one.
 */
export class BareLoop {
  private readonly root: RootDatabase<Buffer, number>;
  private readonly positions = new Map<string, Position>();
  private batch = newBatch();
  private isCommitting = false;
  private batchNumber = 0;
  private whenIdle: () => void = () => undefined;

  /** @param onAcknowledged the next `count` messages, in the order they were taken, are durable and may be acknowledged */
  constructor(
    directory: string,
    private readonly onAcknowledged: (count: number) => void,
  ) {
    this.root = openBare(directory);
  }

  /** Handles an order; the caller gives it a commit with {@link flush}. */
  take(order: Uint8Array): void {
    const { batch } = this;
    if (batch.end + RECORD_BYTES_MAX > batch.bytes.length) batch.bytes = grown(batch.bytes);
    batch.end = handle(order, this.positions, batch.bytes, batch.end);
    batch.count++;
  }

  /** Commits what was taken, now or when the commit under way has ended. */
  flush(): void {
    if (this.isCommitting || this.batch.count === 0) return;
    const { bytes, end, count } = this.batch;
    this.batch = newBatch();
    this.isCommitting = true;
    void this.root.put(this.batchNumber++, Buffer.from(bytes.buffer, 0, end)).then(() => {
      this.isCommitting = false;
      this.onAcknowledged(count);
      this.flush();
      if (!this.isCommitting) this.whenIdle();
    });
  }

  async close(): Promise<void> {
    if (this.isCommitting) await new Promise<void>((resolve) => (this.whenIdle = resolve));
    await this.root.close();
  }
}

/**
 * Orders per second of the same loop when its batches are always full, with two of them in turn.
 *
 * @param positions what earlier rounds have made of the entities
 */
export async function runBareLoop(
  directory: string,
  orders: readonly Uint8Array[],
  batchSize: number,
  positions: Map<string, Position>,
): Promise<number> {
  const root = openBare(directory);
  let buffer = new Uint8Array(batchSize * RECORD_BYTES_MAX);
  const startedMs = performance.now();
  let pending: Promise<unknown> = Promise.resolve();
  for (let first = 0; first < orders.length; first += batchSize) {
    let end = 0;
    for (let index = first; index < Math.min(orders.length, first + batchSize); index++)
      end = handle(orders[index]!, positions, buffer, end);
    const packed = Buffer.from(buffer.buffer, 0, end);
    await pending;
    pending = root.put(first, packed);
    // The write holds the buffer until it is done; two take turns.
    buffer = new Uint8Array(batchSize * RECORD_BYTES_MAX);
  }
  await pending;
  const tookMs = performance.now() - startedMs;
  await root.close();
  return (orders.length / tookMs) * 1000;
}

/** What one order comes to at most: its position and its execution. */
const RECORD_BYTES_MAX = 320;

function newBatch(): { bytes: Uint8Array<ArrayBuffer>; end: number; count: number } {
  return { bytes: new Uint8Array(64 * RECORD_BYTES_MAX), end: 0, count: 0 };
}

function grown(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}

function openBare(directory: string): RootDatabase<Buffer, number> {
  return open<Buffer, number>({
    path: directory,
    overlappingSync: false,
    noMemInit: true,
    encoding: 'binary',
    keyEncoding: 'uint32',
  });
}

function handle(bytes: Uint8Array, positions: Map<string, Position>, target: Uint8Array, offset: number): number {
  const order = Order.wrap(bytes);
  readAll(order);
  let position = positions.get(order.account);
  if (position === undefined) positions.set(order.account, (position = new Position()));
  book(order, position);
  const execution = executionOf(order);
  let end = position.$encodeTo(target, offset);
  end = execution.$encodeTo(target, end);
  execution.dispose();
  order.dispose();
  return end;
}
