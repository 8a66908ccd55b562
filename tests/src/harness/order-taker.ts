import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { createEngine, defineApp, type Engine, type EngineOptions } from '@aep/engine';
import { NewOrderMessage, OrdersFactory } from '@aep/example-orders';
import { silentLog, SystemClock } from '@aep/kernel';
import { MemoryStore } from '@aep/store';

/** An engine that writes down the orders that it is given. */
export class OrderTaker {
  readonly taken: string[] = [];
  readonly engine: Engine;

  constructor(options: Partial<EngineOptions>) {
    const app = defineApp({ name: 'taker', factories: [OrdersFactory] }).on(NewOrderMessage, (message) => {
      this.taken.push(`${message.invoiceNo} ${message.line}`);
    });
    const store = new MemoryStore({ engineName: 'taker', clock: new SystemClock() });
    this.engine = createEngine({ app, store: () => store, log: silentLog, ...options });
  }
}

export function order(invoiceNo: string, line: number): NewOrderMessage {
  const message = NewOrderMessage.create();
  message.invoiceNo = invoiceNo;
  message.line = line;
  return message;
}

/** Looks every 10 ms, for half a minute. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let rounds = 0; !condition() && rounds < 3000; rounds++) await delay(10);
  assert.ok(condition(), `waited in vain until ${what}`);
}
