import { Order } from '../gen/trade.js';
import { executionOf, readAll } from '../orders.js';

/** What the job of the reference case makes of one order. */
export interface JobOutcome {
  readonly account: string;
  readonly quantity: number;
  readonly value: number;
  readonly sequence: number;
  /** The encoded execution that is to be published. */
  readonly execution: Buffer;
  readonly key: string;
}

const target = new Uint8Array(1024);

/** Reads an order and fills an execution, with the same views as the engine: no peer pays for a slower codec. */
export function doJob(bytes: Uint8Array): JobOutcome {
  const order = Order.wrap(bytes);
  readAll(order);
  const execution = executionOf(order);
  const end = execution.$encodeTo(target, 0);
  const outcome = {
    account: order.account,
    quantity: order.quantity,
    value: order.price * order.quantity,
    sequence: order.sequence,
    execution: Buffer.from(target.subarray(0, end)),
    key: `Executions.${order.region}.${order.department}`,
  };
  execution.dispose();
  order.dispose();
  return outcome;
}
