import type { AppBuilder } from '@aep/engine';
import { SeededRandom, type VirtualClock } from '@aep/kernel';
import type { CrashOutcome } from '@aep/store';
import type { AppSource } from './app/app-source.js';
import type { ChannelDefinitions, Channels, OwnChannels } from './app/channels.js';
import { World } from './app/world.js';
import type { FromOutside } from './bus/outside.js';
import type { RecordingProvider } from './bus/recording-provider.js';
import { closeWorld } from './kit/closing.js';
import { planCrash, type PlannedCrash } from './kit/crash-plan.js';
import { list, type Messages } from './kit/steps.js';
import type { TestKit } from './kit/test-kit.js';
import { addApp, type AppSetup, type StateOf } from './test-app.js';

/** One application of a world. */
export interface WorldApp extends AppSetup<unknown> {
  readonly app: AppSource<object>;
  /** What this application joins, and with which filter. @default what the world's channels say */
  readonly channels?: OwnChannels;
}

export interface TestWorldOptions<D extends ChannelDefinitions, W extends Readonly<Record<string, WorldApp>>> {
  readonly channels: D;
  /** By name of the engine; started in this order. */
  readonly apps: W;
  /** @default 1 */
  readonly seed?: number;
  /** Wall time at the start, in ms since 1970. @default 2026-01-01T00:00:00Z */
  readonly startAtMs?: number;
}

type AppOf<P> = P extends { readonly app: AppSource<infer A> } ? A : object;
type StateIn<P> = P extends { readonly state: StateOf<infer S> }
  ? S
  : P extends { readonly app: AppBuilder<infer S, infer _C> }
    ? S
    : unknown;

/** The kit of each application. */
export type WorldKits<D extends ChannelDefinitions, W> = {
  readonly [N in keyof W]: TestKit<Channels<D>, AppOf<W[N]>, StateIn<W[N]>>;
};

/**
 * Several applications on one bus and one virtual time. `apps` gives the kit of each, for given, when and then; the world
 * itself sends from outside, lets time pass, and crashes.
 */
export class TestWorld<D extends ChannelDefinitions, W> {
  /** Chance of this world's seed, for the test's own choices. */
  readonly random: SeededRandom;

  /** @internal made by `testWorld` */
  constructor(
    private readonly world: World,
    readonly apps: WorldKits<D, W>,
    seed: number,
  ) {
    this.random = new SeededRandom(seed);
  }

  get bus(): RecordingProvider {
    return this.world.bus;
  }

  get clock(): VirtualClock {
    return this.world.time.clock;
  }

  /** Messages arrive from outside, for whoever has joined. */
  async when<N extends keyof Channels<D> & string>(
    channel: N,
    messages: Messages<Channels<D>[N]>,
    from: FromOutside = {},
  ): Promise<void> {
    for (const message of list(messages)) await this.world.deliver(channel, message, from);
    await this.settle();
  }

  /** What is due now happens. */
  settle(): Promise<void> {
    return this.world.time.settle();
  }

  /** Runs `callbacks` callbacks and stops in the middle of things, for a crash there. */
  step(callbacks = 1): Promise<void> {
    return this.world.time.step(callbacks);
  }

  advance(durationMs: number): Promise<void> {
    return this.world.time.advance(durationMs);
  }

  /** All processes die at once. */
  async crash(outcome: CrashOutcome = 'lost'): Promise<void> {
    this.world.crash(outcome);
    await this.settle();
  }

  /** Starts all processes again, in the order of `apps`. */
  async restart(): Promise<void> {
    for (const process of this.world.processes) await process.restart();
    await this.settle();
  }

  /** As {@link TestKit.planCrash}, for all processes or one. */
  planCrash(callback: number, outcome: CrashOutcome = 'lost', app?: keyof W & string): PlannedCrash {
    const processes = this.world.processes.filter(({ name }) => app === undefined || name === app);
    return planCrash(this.world, processes, callback, outcome);
  }

  /** @throws AEP_TEST_UNAWAITED, AEP_TEST_UNCHECKED_FAILURE, AEP_TEST_LEAK */
  close(): Promise<void> {
    const kits = Object.values(this.apps) as TestKit[];
    return closeWorld(
      this.world,
      kits.map((kit) => kit.leftovers),
    );
  }
}

/** Starts several applications together. @throws what their starts throw */
export async function testWorld<const D extends ChannelDefinitions, const W extends Readonly<Record<string, WorldApp>>>(
  options: TestWorldOptions<D, W>,
): Promise<TestWorld<D, W>> {
  const { channels, apps, seed = 1, startAtMs } = options;
  const world = new World({ channels, seed, startAtMs });
  const kits: Record<string, TestKit> = {};
  const testWorld: TestWorld<D, W> = new TestWorld(world, kits as WorldKits<D, W>, seed);
  for (const [name, setup] of Object.entries<WorldApp>(apps))
    kits[name] = addApp<object, unknown>(world, { ...setup, name }, () => testWorld.close());
  await world.start();
  return testWorld;
}
