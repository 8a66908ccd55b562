// What crosses the buses of a model, from a send in one handler to another handler.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExecutorFactory, ExecutorFailure } from '@aep/bus';
import { defineApp } from '@aep/engine';
import { startXvm } from '@aep/host';
import { silentLog } from '@aep/kernel';
import { Sale, ShopFactory, Till, Total } from './gen/shop.js';
import { idle, sale, shopModel, temporaryDir, testDir, tillTotal } from './shop.js';

const EXECUTOR_MODEL = `<model>
  <buses>
    <bus name="work" descriptor="executor://">
      <properties><module>./tasks/price-sale.js#priceSale</module><workers>1</workers><attemptsMax>2</attemptsMax><retryMs>1</retryMs></properties>
      <channels>
        <channel name="prices"><properties><replyChannel>priced</replyChannel></properties></channel>
        <channel name="priced"/>
      </channels>
    </bus>
  </buses>
  <apps>
    <app name="till" mainClass="./pricing.js#app">
      <messaging><buses><bus name="work"><channels><channel name="prices"/><channel name="priced" join="true"/></channels></bus></buses></messaging>
    </app>
  </apps>
</model>`;

/** Asks a worker thread for the price of each sale. */
function pricingApp(onAnswer: () => void) {
  return defineApp<Till, { prices: Sale }>({ name: 'till', state: Till, factories: [ShopFactory, ExecutorFactory] })
    .on(Sale, ({ item, amount }, { send }) => send('prices', sale(item, amount)))
    .on(Total, ({ item, total }, { state, engine }) => {
      state.items.getOrCreate(item).total += total;
      engine.afterStable(onAnswer);
    })
    .on(ExecutorFailure, ({ attempts }, { state, engine }) => {
      state.items.getOrCreate('failed').total += attempts;
      engine.afterStable(onAnswer);
    });
}

test('an executor bus of a model runs tasks in worker threads; results and failures come to handlers, once (E65)', async (context) => {
  let awaited = 3;
  let allAnswered = (): void => {};
  const answered = new Promise<void>((resolve) => (allAnswered = resolve));
  const app = pricingApp(() => --awaited === 0 && allAnswered());
  const options = {
    model: { text: EXECUTOR_MODEL, file: join(testDir, 'pricing.xml') },
    modelDir: testDir,
    dataDir: temporaryDir(context),
    resolveExport: (reference: string) => (reference === './pricing.js#app' ? app : undefined),
    log: silentLog,
  };
  const xvm = await startXvm(options);
  for (const [item, amount] of [
    ['tea', 2],
    ['nothing', 1],
    ['tea', 3],
  ] as const) {
    await xvm.engine('till').inject(sale(item, amount));
  }
  await answered;
  assert.deepEqual(
    [tillTotal(xvm, 'tea'), tillTotal(xvm, 'failed')],
    [50, 2],
    'a failed task was tried attemptsMax times',
  );
  assert.equal((await xvm.stop()).drained, true);

  const again = await startXvm(options);
  await again.engine('till').whenIdle();
  assert.deepEqual([tillTotal(again, 'tea'), tillTotal(again, 'failed')], [50, 2], 'a restart runs nothing again');
  await again.stop();
});

test('the trace context of a send is that of the received message, and only of that one (E50)', async (context) => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const seen: [item: string, traceparent: string | undefined][] = [];
  const till = defineApp<object, { totals: Total }>({ name: 'till', factories: [ShopFactory] }).on(
    Sale,
    ({ item, region }, { send }) => {
      const total = Total.create();
      total.item = item;
      total.region = region;
      send('totals', total, item === 'traced' ? { traceparent } : {});
    },
  );
  const board = defineApp({ name: 'board', factories: [ShopFactory] }).on(
    Total,
    ({ item }, { event }) => void seen.push([item, event.metadata?.traceparent]),
    { source: 'totals' },
  );
  const apps: Record<string, unknown> = { './shop-apps.js#TillApp': till, './shop-apps.js#boardApp': board };
  const xvm = await startXvm({
    model: shopModel(),
    modelDir: testDir,
    dataDir: temporaryDir(context),
    resolveExport: (reference) => apps[reference],
    log: silentLog,
  });
  for (const item of ['before', 'traced', 'after']) await xvm.engine('till').inject(sale(item, 1));
  await idle(xvm);
  assert.deepEqual(seen, [
    ['before', undefined],
    ['traced', traceparent],
    ['after', undefined],
  ]);
  await xvm.stop();
});
