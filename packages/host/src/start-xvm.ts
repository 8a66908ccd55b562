import process from 'node:process';
import { type AppDefinition, createEngine, type Engine } from '@aep/engine';
import { type Clock, type Log, type Random, SystemClock, systemRandom } from '@aep/kernel';
import type { Model, XvmModel } from '@aep/model';
import type { Store } from '@aep/store';
import { resolve } from 'node:path';
import { container, type DependencyContainer } from 'tsyringe';
import { editableDescriptor } from './app-descriptor.js';
import type { AppUnit } from './apps/app-unit.js';
import { GroupApp } from './apps/group-app.js';
import { SingleApp } from './apps/single-app.js';
import { companionsOf } from './companions.js';
import { HostToken } from './host-tokens.js';
import { openLog } from './logging/pino-log.js';
import { loadApp } from './main-class.js';
import { chooseApps, chooseXvm, concludeModel, type HostedApp } from './model-source.js';
import { ModuleExports } from './module-exports.js';
import { registerProviders } from './providers.js';
import { stopGroups } from './stop-order.js';
import { BusCatalog } from './translate/buses.js';
import { engineOptionsOf } from './translate/engine-options.js';
import { foreignApps } from './translate/foreign-apps.js';
import { arbiterOf, clusteringOf, memberOptionsOf, networkOf } from './translate/members.js';
import type { RosterApp } from './translate/roster.js';
import { checkSenderIds } from './translate/sender-ids.js';
import { MemberStores, openStore } from './translate/storage.js';
import { refuseUnavailable } from './translate/unavailable.js';
import { refuseVerifyReplay } from './verify-replay.js';
import { type Companion, Xvm } from './xvm.js';
import type { XvmOptions } from './xvm-options.js';

/** @default of `stopTimeout` for a process without an xvm in its model */
const STOP_TIMEOUT_MS = 10_000;

/** Everything that is settled before the first line of the user's code runs. */
interface Context {
  readonly options: XvmOptions;
  readonly model: Model;
  readonly xvm: XvmModel | undefined;
  readonly hosted: readonly HostedApp[];
  readonly dataDir: string;
  readonly modelDir: string;
  readonly exports: ModuleExports;
  readonly services: DependencyContainer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** An app whose code is loaded and whose descriptor is final. */
interface LoadedApp extends RosterApp {
  readonly definition: AppDefinition;
  readonly autoStart: boolean;
}

/**
 * Runs the apps of a model in this process; resolves when those that start with it are active.
 *
 * @throws ModelError AEP_MODEL_INVALID; AEP_XVM_UNKNOWN, AEP_APP_UNKNOWN, AEP_NOT_AVAILABLE and others of the README (reject);
 * AEP_APP_START_FAILED, after everything that had been opened is closed again
 * @example const xvm = await startXvm({ model: { file: 'model.xml' } }); … await xvm.stop();
 */
export async function startXvm(options: XvmOptions): Promise<Xvm> {
  const xvm = await prepareXvm(options);
  await xvm.start();
  return xvm;
}

/** Everything of {@link startXvm} but the start: the xvm is there and can be told to stop. */
export async function prepareXvm(options: XvmOptions): Promise<Xvm> {
  const context = concludeContext(options);
  const { model, clock, log, services } = context;
  const loaded: LoadedApp[] = [];
  for (const hosted of context.hosted) loaded.push(await load(hosted, context));
  const registry = await registerProviders(model, options.busProviders ?? [], context);
  const roster = [...loaded, ...(await foreignApps(loaded, registry, context))];
  const catalog = new BusCatalog(model.buses, roster, registry);
  const stopTimeoutMs = context.xvm?.stopTimeoutMs ?? STOP_TIMEOUT_MS;
  const { admin, heartbeats } = companionsOf(context.xvm, clock);
  const hosted = loaded.map((app) => unitOf(app, { ...context, stopTimeoutMs, catalog }));
  return new Xvm({
    name: context.xvm?.name ?? 'xvm',
    model,
    hosted,
    stopGroups: stopGroups(model.buses, loaded),
    stopTimeoutMs,
    heartbeats,
    // The admin server is there first and goes last: it is how one looks at a process that does not come up.
    companions: [...(admin === undefined ? [] : [admin]), heartbeats, disposal(services)],
    clock,
    log,
    pid: process.pid,
  });
}

interface UnitContext extends Context {
  readonly stopTimeoutMs: number;
  readonly catalog: BusCatalog;
}

function unitOf(loaded: LoadedApp, context: UnitContext): AppUnit {
  const { model: app, autoStart } = loaded;
  const { clock, random, log, options, stopTimeoutMs } = context;
  const clustering = clusteringOf(app);
  if (clustering === undefined)
    return new SingleApp(
      engineOf(loaded, () => openStore(app, context), context),
      autoStart,
      app.storage.verifyReplay,
    );
  const memberContext = { ...context, environment: options.environment };
  const member = memberOptionsOf(app, clustering, memberContext);
  return new GroupApp({
    name: app.name,
    autoStart,
    member,
    openArbiter: arbiterOf(clustering, memberContext),
    stores: new MemberStores(app, context, member.name),
    network: networkOf(app, clustering, memberContext),
    engines: {
      first: (store) => engineOf(loaded, store, context),
      make: async (store) => engineOf(await load({ app, autoStart }, context), store, context),
    },
    expectations: app.startupExpectations,
    stopTimeoutMs,
    clock,
    random,
    log: log.child({ app: app.name }),
  });
}

function engineOf(
  { model: app, definition }: LoadedApp,
  store: () => Store | Promise<Store>,
  context: UnitContext,
): Engine {
  return createEngine({
    ...engineOptionsOf(app, definition, context.catalog.usesOf(app), context),
    store,
  });
}

/** Services that know how to be disposed are, when the engines have stopped. */
function disposal(services: DependencyContainer): Companion {
  return { open: () => Promise.resolve(), close: async () => await services.dispose() };
}

function concludeContext(options: XvmOptions): Context {
  const { model, modelDir } = concludeModel(options);
  checkSenderIds(model.apps.map(({ name }) => name));
  const xvm = chooseXvm(model, options.xvm);
  const clock = options.clock ?? new SystemClock();
  const random = options.random ?? systemRandom();
  const log = options.log ?? openLog(xvm?.logging ?? { level: 'info', format: 'text', levels: {} });
  const services = container.createChildContainer();
  services.register(HostToken.log, { useValue: log });
  services.register(HostToken.clock, { useValue: clock });
  services.register(HostToken.random, { useValue: random });
  services.register(HostToken.model, { useValue: model });
  return {
    options,
    model,
    xvm,
    hosted: chooseApps(model, xvm, options.apps),
    modelDir,
    dataDir: resolve(modelDir, options.dataDir ?? 'data'),
    exports: new ModuleExports(modelDir, options.resolveExport),
    services,
    clock,
    random,
    log,
  };
}

/** E1: constructed, descriptor handed over and edited, only then looked at. */
async function load({ app, autoStart }: HostedApp, context: Context): Promise<LoadedApp> {
  const { exports, options, log, model } = context;
  const descriptor = editableDescriptor(app);
  const services = context.services.createChildContainer();
  services.register(HostToken.log, { useValue: log.child({ app: app.name }) });
  services.register(HostToken.app, { useValue: descriptor });
  const definition = await loadApp(descriptor, { exports, services, registerServices: options.registerServices });
  refuseUnavailable(model, descriptor, log);
  refuseVerifyReplay(descriptor, definition);
  return { model: descriptor, definition, autoStart };
}
