import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BusProvider, BusProviderRegistry, LoopbackProvider } from '@aep/bus';
import { type AppDefinition, createEngine, defineApp } from '@aep/engine';
import {
  configurationOf,
  engineOptionsOf,
  refuseUnavailable,
  rosterOf,
  stopGroups,
  storeOptions,
  storePath,
  BusCatalog,
  checkSenderIds,
  withConfiguredTypes,
} from '@aep/host/internal';
import { AepError, FunctionLog, type LogLine, SeededRandom, silentLog, VirtualClock } from '@aep/kernel';
import { type AppModel, loadModel, type Model } from '@aep/model';
import { MemoryStore } from '@aep/store';
import { ShopFactory, Total } from './gen/shop.js';
import { shopModel, type ShopOptions } from './shop.js';

const clock = new VirtualClock();
const context = { dataDir: '/data', clock, random: new SeededRandom(1), log: silentLog, stopTimeoutMs: 1_234 };
const emptyApp = defineApp({ name: 'empty', factories: [ShopFactory] }).definition;

function shop(options: ShopOptions = {}): { model: Model; till: AppModel; board: AppModel } {
  const model = loadModel(shopModel(options));
  const [till, board] = model.apps;
  return { model, till: till!, board: board! };
}

function throwsCode(run: () => unknown, code: string, message: RegExp = /./): void {
  assert.throws(run, (error) => error instanceof AepError && error.code === code && message.test(error.message));
}

function optionsOf(options: ShopOptions, definition: AppDefinition = emptyApp) {
  const { model, till } = shop(options);
  return engineOptionsOf(till, definition, [], { ...context, model });
}

test('the roster has joins of the model and of handlers that name a channel, with compiled filters (E85, E86)', () => {
  const { model, till, board } = shop();
  const listener = defineApp({ name: 'board', factories: [ShopFactory] }).on(Total, () => {}, {
    source: 'totals@shop',
  });
  const apps = [
    { model: till, definition: undefined },
    { model: board, definition: listener.definition },
  ];
  assert.deepEqual(rosterOf(model.buses[0]!, apps), [
    { app: 'till', channel: 'sales', patterns: ['**'] },
    { app: 'board', channel: 'totals', patterns: ['TOTALS/EU/*', 'TOTALS/US/*'] },
  ]);
  const local = defineApp({ name: 'board', factories: [ShopFactory] })
    .on(Total, () => {}, { source: 'totals', localOnly: true })
    .on(Total, () => {}, { source: '@shop' });
  assert.deepEqual(
    rosterOf(model.buses[0]!, [{ model: board, definition: local.definition }]),
    [],
    'neither a local handler nor a bus alone joins (E10)',
  );
});

test('the filter of a bus reference holds for a channel that only a handler names, and for no other (M7, E86)', () => {
  const { text, file } = shopModel();
  const inner = '<channel name="totals"><filter>Region=EU|US</filter></channel>';
  const model = loadModel({ text: text.replace(`<channels>${inner}</channels>`, '<filter>Region=EU</filter>'), file });
  const definition = defineApp({ name: 'board', factories: [ShopFactory] }).on(Total, () => {}, { source: 'totals' });
  const board = { model: model.apps[1]!, definition: definition.definition };
  const patterns = ['TOTALS/EU/*'];
  assert.deepEqual(rosterOf(model.buses[0]!, [board]), [{ app: 'board', channel: 'totals', patterns }]);
  const catalog = new BusCatalog(model.buses, [board], new BusProviderRegistry([new LoopbackProvider()]));
  assert.deepEqual(
    catalog.usesOf(board.model)[0]!.channels!.map(({ name, filter }) => [name, filter]),
    [
      ['sales', undefined],
      ['totals', 'Region=EU'],
    ],
  );
});

test('every engine of a bus has the same description; channels without a number get free ones', () => {
  const { model, till, board } = shop({ bus: '<channel name="alerts" id="1"/>' });
  const apps = [till, board].map((app) => ({ model: app, definition: undefined }));
  const catalog = new BusCatalog(model.buses, apps, new BusProviderRegistry([new LoopbackProvider()]));
  const [use] = catalog.usesOf(till);
  assert.equal(use!.description, catalog.usesOf(board)[0]!.description);
  assert.deepEqual(
    use!.description.channels.map(({ name, id }) => [name, id]),
    [
      ['sales', 2],
      ['totals', 3],
      ['alerts', 1],
    ],
  );
  assert.equal(use!.failPolicy, 'Reconnect');
  assert.equal(use!.channels!.find(({ name }) => name === 'totals')!.key, 'TOTALS/${Region}/${Item}');
});

test('a provider that cannot do what the model asks is refused before anything runs', () => {
  const { model, board } = shop();
  const poor = (supports: Partial<BusProvider['supports']>): BusProvider => {
    const loopback = new LoopbackProvider();
    return {
      name: 'loopback',
      supports: { ...loopback.supports, ...supports },
      createBinding: (options) => loopback.createBinding(options),
    };
  };
  const joined = {
    ...board,
    messaging: {
      ...board.messaging,
      buses: board.messaging.buses.map((bus) => ({
        ...bus,
        channels: bus.channels.map((channel) => ({ ...channel, join: true })),
      })),
    },
  };
  const uses = (provider: BusProvider) =>
    new BusCatalog(model.buses, [{ model: joined, definition: undefined }], new BusProviderRegistry([provider])).usesOf(
      joined,
    );
  throwsCode(() => uses(poor({ guaranteed: false })), 'AEP_BUS_QOS', /channel "sales"/);
  throwsCode(() => uses(poor({ wildcardJoin: false })), 'AEP_BUS_FILTER', /app "board" joins channel "totals"/);
});

test('policies and limits of the model become those of the engine', () => {
  const { policies, limits, latencies, name } = optionsOf({
    till: `<policies><appExceptionPolicy>LogAndContinue</appExceptionPolicy><retriesMax>7</retriesMax><retryDelay>20ms</retryDelay><retryDelayMax>2s</retryDelayMax>
             <stuckAlertThreshold>3s</stuckAlertThreshold><delayedAckTimeout>9s</delayedAckTimeout><inboundAckPolicy>OnStoreStability</inboundAckPolicy>
             <messagePolicies><messagePolicy name="shop.Sale" appExceptionPolicy="RollbackAndStop"/></messagePolicies></policies>
           <limits><timersMax>77</timersMax></limits><transactions><commitBatchMax>5</commitBatchMax></transactions><statistics><latencies>false</latencies></statistics>`,
  });
  assert.equal(name, 'till');
  assert.deepEqual(
    [
      policies!.appException,
      policies!.retriesMax,
      policies!.retryBackoffMs,
      policies!.retryBackoffMaxMs,
      policies!.inboundAck,
    ],
    ['LogAndContinue', 7, 20, 2_000, 'OnStoreStability'],
  );
  assert.deepEqual({ ...policies!.appExceptionByType }, { 'shop.Sale': 'RollbackAndStop' });
  assert.deepEqual(
    [
      limits!.timersMax,
      limits!.commitBatchMax,
      limits!.stuckAlertThresholdMs,
      limits!.delayedAckTimeoutMs,
      limits!.stopDeadlineMs,
    ],
    [77, 5, 3_000, 9_000, 1_234],
  );
  assert.equal(latencies, false);
});

test('a model that says nothing gives the engine what it takes by itself, so that both entries behave alike', () => {
  const text = '<model><apps><app name="empty" mainClass="./app.js#app"/></apps></model>';
  const model = loadModel({ text, file: 'empty.xml' });
  const translated = engineOptionsOf(model.apps[0]!, emptyApp, [], { ...context, model, stopTimeoutMs: 10_000 });
  const { policies, limits, latencies, haPolicy } = translated;
  const concluded = createEngine({
    app: emptyApp,
    store: () => new MemoryStore({ clock: new VirtualClock() }),
  }).options;
  const known = Object.fromEntries(Object.entries(limits!).filter(([, value]) => value !== undefined));
  // Both ways: a limit that the model does not know would be missing on one side.
  assert.deepEqual(known, { ...concluded.limits });
  assert.deepEqual(policies, { ...concluded.policies });
  assert.equal(latencies, concluded.latencies);
  assert.equal(haPolicy ?? concluded.haPolicy, concluded.haPolicy);
});

test('a policy for a message type that the app does not know is refused with the nearest name', () => {
  const till =
    '<policies><messagePolicies><messagePolicy name="shop.Sail" appExceptionPolicy="RollbackAndStop"/></messagePolicies></policies>';
  throwsCode(() => optionsOf({ till }), 'AEP_MESSAGE_POLICY_UNKNOWN', /did you mean "shop\.Sale"/);
});

test('an haPolicy that nobody wrote follows the code; one that was written is handed on', () => {
  assert.equal('haPolicy' in optionsOf({}), false);
  assert.equal(
    optionsOf({ till: '<policies><haPolicy>EventSourcing</haPolicy></policies>' }).haPolicy,
    'EventSourcing',
  );
  assert.equal(
    optionsOf({ till: '<policies><haPolicy>StateReplication</haPolicy></policies>' }).haPolicy,
    'StateReplication',
  );
});

test('storage becomes options of the store; the path is the app below the data directory, or what the model says', () => {
  const { till } = shop({
    till: '<storage><durability>os</durability><persistence><mapSize>2GiB</mapSize><diskReserve>5MiB</diskReserve></persistence></storage>',
  });
  const { path, durability, mapSizeBytes, freeSpaceReserveBytes, engineName } = storeOptions(till, context);
  assert.deepEqual(
    [path, durability, mapSizeBytes, freeSpaceReserveBytes, engineName],
    ['/data/till', 'os', 2 * 1024 ** 3, 5 * 1024 ** 2, 'till'],
  );
  const named = (storage: string) =>
    storePath(shop({ till: `<storage><path>${storage}</path></storage>` }).till, '/data');
  assert.deepEqual([named('elsewhere'), named('/var/till')], ['/data/elsewhere', '/var/till']);
});

test('how long records stay that nobody needs is what the model says, by time and by number (E104)', () => {
  const persistence = '<persistence journalRetention="5s" journalRetentionRecords="0"/>';
  const { limits } = optionsOf({ till: `<storage>${persistence}</storage>` });
  assert.deepEqual([limits!.journalRetentionMs, limits!.journalRetentionRecords], [5_000, 0]);
});

test('the checkpoints of the engine come as often as the model says (E35)', () => {
  const till = '<storage><persistence checkpointInterval="70ms" checkpointEntries="300"/></storage>';
  const { limits } = optionsOf({ till });
  assert.deepEqual([limits!.checkpointIntervalMs, limits!.checkpointEntriesMax], [70, 300]);
});

test('statistics that are off take no latencies, whatever is said of those, and nobody is warned (E100)', () => {
  const lines: LogLine[] = [];
  const off = '<statistics enabled="false" latencies="true"/>';
  const { model, till } = shop({ till: off });
  refuseUnavailable(model, till, new FunctionLog((line) => lines.push(line)));
  assert.deepEqual(lines, []);
  assert.equal(optionsOf({ till: off }).latencies, false);
  assert.equal(optionsOf({ till: '<statistics latencies="false"/>' }).latencies, false);
  assert.equal(optionsOf({}).latencies, true);
});

test('what a model asks and this version cannot do is refused with its place and a way out', () => {
  const cases: [string, RegExp][] = [
    [
      '<storage><dedupeRetention>1d</dedupeRetention></storage>',
      /shop\.xml:\d+:\d+ x\.apps\.till\.storage\.dedupeRetention.*kept for ever/,
    ],
    ['<startupExpectations><role>Backup</role></startupExpectations>', /always primary/],
    ['<transactions><savepoints>false</savepoints></transactions>', /savepoints/],
  ];
  for (const [till, message] of cases) {
    const { model, till: app } = shop({ till });
    throwsCode(() => refuseUnavailable(model, app, silentLog), 'AEP_NOT_AVAILABLE', message);
  }
});

test('what only changes what is shown is said in the log', () => {
  const lines: LogLine[] = [];
  const { model, till } = shop({ till: '<statistics><interval>7s</interval></statistics>' });
  refuseUnavailable(model, till, new FunctionLog((line) => lines.push(line)));
  assert.deepEqual(
    lines.map(({ level, message }) => [level, message.includes('x.apps.till.statistics.interval has no effect')]),
    [['warn', true]],
  );
});

test('senders stop before receivers; a circle stops one after the other', () => {
  const { model, till, board } = shop();
  const apps = [
    {
      model: board,
      definition: defineApp({ name: 'board', factories: [ShopFactory] }).on(Total, () => {}, { source: 'totals' })
        .definition,
    },
    { model: till, definition: undefined },
  ];
  assert.deepEqual(stopGroups(model.buses, apps), [['till'], ['board']]);
  const circle = [
    {
      ...apps[0]!,
      model: {
        ...board,
        messaging: {
          ...board.messaging,
          buses: till.messaging.buses.map((bus) => ({
            ...bus,
            channels: bus.channels.map((channel) => ({ ...channel, join: channel.name === 'totals' })),
          })),
        },
      },
    },
    apps[1]!,
  ];
  assert.deepEqual(stopGroups(model.buses, circle), [['board'], ['till']]);
});

test('two apps whose names have one sender id are refused (E50)', () => {
  throwsCode(
    () => checkSenderIds(['till', 'app-36vu', 'app-ayea']),
    'AEP_SENDER_ID_CLASH',
    /"app-36vu" and "app-ayea"/,
  );
});

test('values for @Configured come from the properties of the app, then from env, with the type of their default', () => {
  const { model } = shop({ env: '<open>true</open>' });
  const read = configurationOf({ 'till.bonus': '5' }, model.env);
  assert.deepEqual([read('till.bonus'), read('till.open'), read('till.nothing')], ['5', 'true', undefined]);
  const seen: unknown[] = [];
  const configured = (fallback: unknown) =>
    withConfiguredTypes(defineApp({ name: 'a' }).configured('till.x', (value) => seen.push(value), fallback).definition)
      .configured[0]!;
  configured(1).assign('5');
  configured(false).assign('true');
  configured('text').assign('5');
  configured(undefined).assign('5');
  assert.deepEqual(seen, [5, true, '5', '5']);
  throwsCode(() => configured(1).assign('five'), 'AEP_CONFIGURED_TYPE', /till\.x/);
  throwsCode(() => configured(true).assign('1'), 'AEP_CONFIGURED_TYPE');
});
