import type { AppBuilder, ChannelMap } from '@aep/engine';
import { AepError } from '@aep/kernel';
import type { EngineSettings } from './app/app-process.js';
import type { AppSource } from './app/app-source.js';
import type { ChannelDefinitions, Channels, OwnChannels } from './app/channels.js';
import { World } from './app/world.js';
import { Actions } from './kit/actions.js';
import { closeWorld } from './kit/closing.js';
import { TestKit } from './kit/test-kit.js';
import { Observations } from './then/observations.js';

/** The class of a state, for its type: a generated state root, or the codec of an event-sourced application. */
export type StateOf<S> =
  | { readonly $type: { readonly fullName: string; create(space: never): S } }
  | { create(): S; load(bytes: Uint8Array): S };

/** How an application is set up for a test. */
export interface AppSetup<S> extends EngineSettings {
  /** Gives `given` and `thenState` their type; must be the application's own. */
  readonly state?: StateOf<S>;
  /** Values for `@Configured` by path. @default the fallbacks of the application */
  readonly configuration?: Readonly<Record<string, unknown>>;
}

export interface TestAppOptions<D extends ChannelDefinitions, S> extends AppSetup<S> {
  /** Name of the engine. @default the application's */
  readonly name?: string;
  /** The channels of the test bus. @default none */
  readonly channels?: D;
  /** Seed of everything that is left to chance. @default 1 */
  readonly seed?: number;
  /** Wall time at the start, in ms since 1970. @default 2026-01-01T00:00:00Z */
  readonly startAtMs?: number;
}

/**
 * Starts one application on a virtual clock, over a store and a bus in memory, for a test of some milliseconds.
 *
 * Retries of a failing handler follow at once unless `policies.retryBackoffMs` is set. Give a class or a function when a
 * restart must begin with a fresh instance.
 *
 * @throws AEP_OPTIONS_INVALID, AEP_TEST_STATE_TYPE, and what the start of the engine throws
 * @example
 * const kit = await testApp(Teller, {
 *   state: Bank,
 *   channels: { deposits: { carries: Deposit, join: true }, events: { carries: Deposited } },
 * });
 */
export function testApp<S extends object, M extends ChannelMap, const D extends ChannelDefinitions>(
  app: AppBuilder<S, M>,
  options?: TestAppOptions<D, S>,
): Promise<TestKit<Channels<D>, AppBuilder<S, M>, S>>;
export function testApp<A extends object, S, const D extends ChannelDefinitions>(
  app: AppSource<A>,
  options?: TestAppOptions<D, S>,
): Promise<TestKit<Channels<D>, A, S>>;
export async function testApp<A extends object, S>(
  app: AppSource<A>,
  options: TestAppOptions<ChannelDefinitions, S> = {},
): Promise<TestKit<object, A, S>> {
  const { name, channels = {}, seed = 1, startAtMs, ...setup } = options;
  const world = new World({ channels, seed, startAtMs });
  const kit: TestKit<object, A, S> = addApp<A, S>(world, { app, name, ...setup }, () =>
    closeWorld(world, [kit.leftovers]),
  );
  await world.start();
  return kit;
}

/** An application as {@link addApp} takes it. */
export interface NamedSetup<A extends object, S> extends AppSetup<S> {
  readonly app: AppSource<A>;
  readonly name: string | undefined;
  readonly channels?: OwnChannels;
}

/** Adds an application to a world that has not started. */
export function addApp<A extends object, S>(
  world: World,
  setup: NamedSetup<A, S>,
  end: () => Promise<void>,
): TestKit<object, A, S> {
  const { app: source, name, state, configuration = {}, channels = {}, ...engine } = setup;
  const process = world.add<A, S>({ source, name, engine, configuration, channels });
  checkState(process.name, process.definition.state?.fullName, state);
  const seen = new Observations(process.name, world.bus);
  process.onAlert = (alert) => seen.note(alert);
  return new TestKit(new Actions(world, process, seen), end);
}

function checkState<S>(app: string, actual: string | undefined, expected: StateOf<S> | undefined): void {
  if (expected === undefined || !('$type' in expected) || expected.$type.fullName === actual) return;
  throw new AepError(
    'AEP_TEST_STATE_TYPE',
    'reject',
    `options.state is ${expected.$type.fullName}, but the state of "${app}" is ${actual ?? 'none'}: give the class that @App names`,
    { app },
  );
}
