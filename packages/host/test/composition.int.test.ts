import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ExitCode, loadModelFile, openStoreForReading, runXvm, startXvm, type Xvm, type XvmOptions } from '@aep/host';
import { exitCodeOfStartFailure, prepareXvm } from '@aep/host/internal';
import { AepError, describeError, FunctionLog, type LogLine, silentLog } from '@aep/kernel';
import { loadModel } from '@aep/model';
import { firstValueFrom } from 'rxjs';
import { PriceList } from './shop-apps.js';
import { idle, sale, shopModel, type ShopOptions, temporaryDir, testDir, tillTotal } from './shop.js';

interface Start extends Partial<Omit<XvmOptions, 'model'>> {
  readonly shop?: ShopOptions;
  /** Replaced in the text of the model. */
  readonly replace?: readonly [string, string];
}

async function start(context: TestContext, { shop, replace, ...options }: Start = {}): Promise<Xvm> {
  const running: Xvm[] = [];
  context.after(async () => await Promise.all(running.map((xvm) => xvm.stop())));
  const dataDir = temporaryDir(context);
  const { text, file } = shopModel(shop);
  const model = { file, text: replace === undefined ? text : text.replaceAll(...replace) };
  const started = await startXvm({ model, modelDir: testDir, dataDir, log: silentLog, ...options });
  running.push(started);
  return started;
}

async function fails(context: TestContext, options: Start, code: string, message: RegExp = /./): Promise<void> {
  await assert.rejects(start(context, options), (error) => {
    assert.ok(error instanceof AepError, String(error));
    assert.equal(error.code, code, describeError(error));
    assert.match(error.message, message);
    return true;
  });
}

const mainClass = (name: string, module = './shop-variants.js') =>
  ['./shop-apps.js#TillApp', `${module}#${name}`] as const;

test('services are registered for the constructor of a main class, per app', async (context) => {
  const seen: string[] = [];
  const xvm = await start(context, {
    registerServices: (services, app) => {
      seen.push(app.name);
      services.register(PriceList, { useValue: new PriceList(10) });
    },
  });
  await xvm.engine('till').inject(sale('tea', 1));
  assert.equal(tillTotal(xvm, 'tea'), 11);
  assert.deepEqual(seen, ['till', 'board']);
});

test('a main class edits its descriptor before the engine is made, by setter or method (E1)', async (context) => {
  const bySetter = await start(context, { replace: mainClass('SelfConfigured') });
  assert.equal(bySetter.engine('till').options.limits.timersMax, 7);
  assert.equal(bySetter.model.apps[0]!.limits.timersMax, 100_000, 'the model is not touched');
  const byMethod = await start(context, { replace: mainClass('SelfLimited') });
  assert.equal(byMethod.engine('till').options.limits.timersMax, 8);
});

test('what is wrong with a main class is said with the app and the way out', async (context) => {
  const failing = join(temporaryDir(context), 'failing.mjs');
  writeFileSync(failing, "throw new Error('this module cannot be loaded');");
  const cases: [readonly [string, string], string, RegExp][] = [
    [
      mainClass('TilApp', './shop-apps.js'),
      'AEP_MODULE_EXPORT_UNKNOWN',
      /mainClass of app "till".*did you mean "TillApp"/,
    ],
    [mainClass('TillApp', './shop-aps.js'), 'AEP_MODULE_NOT_FOUND', /build the project first/],
    [mainClass('TillApp', 'no-such-package'), 'AEP_MODULE_NOT_FOUND', /no-such-package/],
    [mainClass('Anything', failing), 'AEP_MODULE_FAILED', /this module cannot be loaded/],
    [mainClass('notAnApp', './shop-apps.js'), 'AEP_MAIN_CLASS_INVALID', /is number/],
    [mainClass('NotInjectable'), 'AEP_MAIN_CLASS_FAILED', /@injectable\(\)/],
    [mainClass('Throwing'), 'AEP_MAIN_CLASS_FAILED', /no such luck/],
  ];
  for (const [replace, code, message] of cases) await fails(context, { replace }, code, message);
});

test('factories of the model are added to those of the code', async (context) => {
  const till = (factory: string) =>
    ['<messaging>', `<messaging><factories><factory name="${factory}"/></factories>`] as const;
  const withFactory = (factory: string): Start => ({
    resolveExport: async (reference) =>
      reference === './shop-apps.js#TillApp' ? (await import('./shop-variants.js')).bareApp : undefined,
    replace: till(factory),
  });
  const xvm = await start(context, withFactory('./gen/shop.js#ShopFactory'));
  assert.deepEqual(
    xvm.engine('till').app.factories.map(({ name }) => name),
    ['ShopFactory'],
  );
  await fails(context, withFactory('./gen/shop.js#Sale'), 'AEP_FACTORY_INVALID', /ends in "Factory"/);
});

test('a provider of the model is registered under the name that the model gives it', async (context) => {
  const provider = (name: string): Start => ({
    replace: [
      '<buses>\n    <bus name="shop" descriptor="loopback:',
      `<busProviders><provider name="mine" module="./shop-variants.js#${name}"/></busProviders><buses>\n    <bus name="shop" descriptor="mine:`,
    ],
  });
  const xvm = await start(context, provider('ShopBus'));
  await xvm.engine('till').inject(sale('tea', 1));
  await idle(xvm);
  await fails(context, provider('noProvider'), 'AEP_BUS_PROVIDER_INVALID', /createBinding/);
});

test('an app with autoStart="false" waits until it is told', async (context) => {
  const xvm = await start(context, { replace: ['<app name="till"/>', '<app name="till" autoStart="false"/>'] });
  assert.deepEqual([xvm.engine('till').state, xvm.engine('board').state], ['created', 'started']);
  await xvm.startApp('till');
  assert.equal(xvm.engine('till').state, 'started');
  await assert.rejects(xvm.startApp('till'), (error) => (error as AepError).code === 'AEP_ENGINE_STATE');
});

test('a start that fails names the app, and closes again what was open', async (context) => {
  const dataDir = temporaryDir(context);
  const expecting = (journal: string): Start => ({
    dataDir,
    shop: { till: `<startupExpectations><journal>${journal}</journal></startupExpectations>` },
  });
  await assert.rejects(start(context, expecting('NotEmpty')), (error) => {
    assert.ok(error instanceof AepError && error.code === 'AEP_APP_START_FAILED');
    assert.equal((error.cause as AepError).code, 'AEP_STARTUP_EXPECTATION');
    assert.match(error.message, /app "till".*is empty/);
    return true;
  });
  const xvm = await start(context, expecting('Empty'));
  await xvm.engine('till').inject(sale('tea', 1));
  await xvm.stop();
  await assert.rejects(start(context, expecting('Empty')), /expects journal Empty.*has \d+ transactions/);
});

test('xvm and apps are chosen by name, and unknown ones refused', async (context) => {
  await fails(context, { xvm: 'shop-xvn' }, 'AEP_XVM_UNKNOWN', /did you mean "shop-xvm"/);
  await fails(context, { apps: ['tll'] }, 'AEP_APP_UNKNOWN', /did you mean "till"/);
  await fails(
    context,
    { replace: ['</xvms>', '<xvm name="other"><apps><app name="till"/></apps></xvm></xvms>'] },
    'AEP_XVM_AMBIGUOUS',
    /shop-xvm, other/,
  );
  await fails(context, { apps: [] }, 'AEP_NOTHING_TO_HOST');
  const one = await start(context, { apps: ['board'] });
  assert.deepEqual(
    one.engines.map(({ name }) => name),
    ['board'],
  );
  assert.throws(
    () => one.engine('till'),
    (error) => (error as AepError).code === 'AEP_APP_UNKNOWN',
  );
  assert.throws(
    () => loadModelFile('/nowhere/model.xml'),
    (error) => (error as AepError).code === 'AEP_MODEL_FILE',
  );
});

test('a roster names what an app of another process joins by its handlers; code that is missing is said', async (context) => {
  const lines: LogLine[] = [];
  const { text, file } = shopModel();
  const model = (main: string) => ({
    file,
    text: text.replace('loopback://shop', 'direct://127.0.0.1:7411').replace('./shop-apps.js#boardApp', main),
  });
  const options = { modelDir: testDir, apps: ['till'], log: new FunctionLog((line) => lines.push(line)) };
  const rosterWith = async (main: string) => {
    const xvm = await prepareXvm({ ...options, model: model(main), dataDir: temporaryDir(context) });
    return xvm.engine('till').options.buses[0]!.description.roster.map(({ app, channel }) => `${app}:${channel}`);
  };
  assert.deepEqual(await rosterWith('./shop-variants.js#Foreign'), ['till:sales', 'board:totals']);
  assert.deepEqual(await rosterWith('./not-built.js#Foreign'), ['till:sales']);
  assert.equal(
    lines.filter(({ level, message }) => level === 'warn' && message.includes('only its join="true" counts')).length,
    1,
  );
});

test('heartbeats are readings of the process', async (context) => {
  const xvm = await start(context, {
    shop: { xvm: '<heartbeats><enabled>true</enabled><interval>20ms</interval></heartbeats>' },
  });
  const status = await firstValueFrom(xvm.heartbeat$);
  assert.deepEqual(
    status.apps.map(({ name }) => name),
    ['till', 'board'],
  );
});

test('an app whose handler stops it takes the other apps with it, in order', async (context) => {
  const xvm = await start(context, {
    shop: { till: '<policies><appExceptionPolicy>RollbackAndStop</appExceptionPolicy></policies>' },
  });
  xvm.engine('till').offer(sale('poison', 1));
  const report = await xvm.stopped;
  assert.equal(report.cause?.code, 'AEP_HANDLER_FAILED');
  assert.equal(report.apps['board']?.cause?.code, 'AEP_XVM_STOPPED');
});

test('a store can be read beside the process that writes it', async (context) => {
  const dataDir = temporaryDir(context);
  const xvm = await start(context, { dataDir });
  await xvm.engine('till').inject(sale('tea', 1));
  const reader = openStoreForReading({ model: xvm.model, app: 'till', dataDir });
  assert.equal(reader.identity.engineName, 'till');
  assert.ok(reader.journal.stableTxId >= 1);
  await reader.close();
  // Before the directory is removed.
  await xvm.stop();
  assert.throws(
    () => openStoreForReading({ model: xvm.model, app: 'tell', dataDir }),
    (error) => (error as AepError).code === 'AEP_APP_UNKNOWN',
  );
});

test('runXvm answers an exit code for what cannot be started, and never rejects', async (context) => {
  const options = { modelDir: testDir, dataDir: temporaryDir(context), log: silentLog };
  assert.equal(await runXvm({ ...options, model: loadModel(shopModel()), xvm: 'nobody' }), ExitCode.configuration);
  const port = { on: () => {}, off: () => {}, exit: () => {} };
  const running = runXvm({ ...options, model: shopModel(), process: port, onStarted: (xvm) => void xvm.stop() });
  assert.equal(await running, ExitCode.ok);
});

test('a start failure ends with the code of its innermost cause', () => {
  const inner = (advice: AepError['advice'], code = 'AEP_INNER') => new AepError(code, advice, 'inner');
  const phase = (cause: AepError) => new AepError('AEP_OUTER', 'retry', 'outer', {}, cause);
  assert.equal(exitCodeOfStartFailure(phase(inner('reject'))), ExitCode.configuration);
  assert.equal(exitCodeOfStartFailure(phase(inner('retry'))), ExitCode.unavailable);
  assert.equal(exitCodeOfStartFailure(phase(inner('fatal'))), ExitCode.unavailable);
  for (const code of ['AEP_STORE_FORMAT', 'AEP_RECORD_VERSION'])
    assert.equal(exitCodeOfStartFailure(phase(inner('fatal', code))), ExitCode.configuration);
  assert.equal(exitCodeOfStartFailure(new Error('anything')), ExitCode.unexpected);
});

test('verifyReplay lets an app start whose replay agrees, and names the first difference of one whose does not (E60)', async (context) => {
  const shop = { till: '<storage verifyReplay="true"/>' };
  const again = { dataDir: temporaryDir(context), replace: mainClass('ledgerApp'), shop };
  const run = async (item: string): Promise<void> => {
    const xvm = await start(context, again);
    await xvm.engine('till').inject(sale(item, 1));
    await xvm.stop();
  };
  await run('tea');
  await run('luck');
  await assert.rejects(start(context, again), ({ code, message, cause }: AepError) => {
    assert.equal(code, 'AEP_APP_START_FAILED');
    assert.match(
      message,
      /transaction 2 \(shop\.Sale\) differs in outbound\[0\]\.total: the journal has 1, the handlers made 3/,
    );
    assert.equal((cause as AepError).code, 'AEP_REPLAY_DIFFERS');
    return true;
  });
  const unchecked = await start(context, { ...again, shop: {} });
  assert.equal(unchecked.engine('till').state, 'started', 'without it nothing is compared');
});

test('verifyReplay of an app that replicates state changes is refused before anything runs (E60)', async (context) => {
  const shop = { till: '<storage verifyReplay="true"/>' };
  await fails(context, { shop }, 'AEP_NOT_EVENT_SOURCED', /x\.apps\.till\.storage\.verifyReplay/);
});
