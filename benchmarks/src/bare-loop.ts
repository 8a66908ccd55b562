import { open } from 'lmdb';
import { Execution, Order, Position } from './gen/trade.js';
import { readAll } from './orders.js';

/**
 * The limit that the engine is measured against: view, handler and one synced LMDB transaction per batch, with the records
 * packed into one value. No dedupe, numbers, key resolution, bus, confirmations, checkpoints or trimming.
 */
export async function runBareLoop(
  directory: string,
  orders: readonly Uint8Array[],
  batchSize: number,
): Promise<number> {
  const root = open({
    path: directory,
    overlappingSync: false,
    noMemInit: true,
    encoding: 'binary',
    keyEncoding: 'uint32',
  });
  const positions = new Map<string, Position>();
  let buffer = new Uint8Array(batchSize * 320);
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
    buffer = new Uint8Array(batchSize * 320);
  }
  await pending;
  const tookMs = performance.now() - startedMs;
  await root.close();
  return (orders.length / tookMs) * 1000;
}

function handle(bytes: Uint8Array, positions: Map<string, Position>, target: Uint8Array, offset: number): number {
  const order = Order.wrap(bytes);
  readAll(order);
  let position = positions.get(order.account);
  if (position === undefined) positions.set(order.account, (position = new Position()));
  position.quantity += order.quantity;
  position.value += order.price * order.quantity;
  position.lastSequence = order.sequence;
  const execution = Execution.create();
  execution.orderId = order.orderId;
  execution.region = order.region;
  execution.department = order.department;
  execution.quantity = order.quantity;
  execution.price = order.price;
  execution.sequence = order.sequence;
  let end = position.$encodeTo(target, offset);
  end = execution.$encodeTo(target, end);
  execution.dispose();
  order.dispose();
  return end;
}
