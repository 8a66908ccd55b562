import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type GatewayChannels,
  NewOrderMessage,
  OrderBook,
  OrderProcessor,
  OrderState,
  type ProcessorChannels,
} from '@aep/example-orders';
import { loadModel } from '@aep/model';
import { everyCrash, modelChannels, testApp } from '@aep/testkit';

const file = fileURLToPath(new URL('../../model.xml', import.meta.url));
const model = loadModel({ file, text: readFileSync(file, 'utf8') });

const open = () =>
  testApp(OrderProcessor, {
    state: OrderBook,
    channels: modelChannels<ProcessorChannels & GatewayChannels>(model, 'order-processor'),
  });

function line(fields: { invoiceNo: string; quantity: number; country?: string }): NewOrderMessage {
  return NewOrderMessage.fromJSON({
    stockCode: '85123A',
    department: 'HOME',
    customerId: '17850',
    country: 'United Kingdom',
    unitPriceMicros: '2550000',
    ...fields,
  });
}

test('the first line of an invoice is new, a further one amends it', async (context) => {
  const kit = await open();
  context.after(() => kit.close());

  await kit.when('new-orders-channel', [
    line({ invoiceNo: '536365', quantity: 6 }),
    line({ invoiceNo: '536365', quantity: 2 }),
  ]);

  kit.thenSent('order-events-channel', [
    { key: 'OrderEvents/New/EMEA/HOME', fields: { orderState: OrderState.New, amountMicros: 15_300_000n } },
    { key: 'OrderEvents/Amended/EMEA/HOME', fields: { orderState: OrderState.Amended, quantity: 2 } },
  ]);
  kit.thenState((book) => assert.equal(book.orders.get('536365')?.quantity, 8));
});

test('goods taken back and invoices that start with C are cancellations', async (context) => {
  const kit = await open();
  context.after(() => kit.close());

  await kit.when('new-orders-channel', [
    line({ invoiceNo: 'C536379', quantity: -1, country: 'EIRE' }),
    line({ invoiceNo: '536380', quantity: -3 }),
  ]);

  kit.thenSent('order-events-channel', [
    { fields: { orderState: OrderState.Cancelled, quantity: -1 } },
    { fields: { orderState: OrderState.Cancelled, quantity: -3 } },
  ]);
  kit.thenState((book) => assert.equal(book.cancelledLines, 2));
});

test('a line that the bus delivers twice counts once', async (context) => {
  const kit = await open();
  context.after(() => kit.close());

  await kit.when('new-orders-channel', line({ invoiceNo: '536365', quantity: 6 })).redeliverLast();

  kit.thenSent('order-events-channel', [{ fields: { orderState: OrderState.New } }]);
  kit.thenState((book) => assert.equal(book.lines, 1));
});

test('a crash at any moment leaves each line counted once', async () => {
  await everyCrash(open, async (kit) => {
    await kit.when('new-orders-channel', line({ invoiceNo: '536365', quantity: 6 }));
    kit.thenState((book) => assert.equal(book.lines, 1));
    kit.thenSent('order-events-channel', [{ key: 'OrderEvents/New/EMEA/HOME' }]);
  });
});
