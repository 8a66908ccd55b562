import { type AlertEvent, createEngine, type Engine, type EngineOptions, EngineStopped } from '@aep/engine';
import { AepError, FunctionLog, type LogLine, ProcessClock, SeededRandom } from '@aep/kernel';
import { type CrashOutcome, MemoryStore } from '@aep/store';
import type { TestTime } from '../time/test-time.js';
import { HandlerFaults } from './handler-faults.js';
import { type AppLife, type AppSource, beginLife, GIVEN_COMMAND } from './app-source.js';

/** Options of an engine that the kit leaves to the test. */
export type EngineSettings = Pick<EngineOptions, 'haPolicy' | 'policies' | 'limits' | 'latencies'>;

export interface AppProcessOptions<A extends object> {
  readonly source: AppSource<A>;
  /** @default the application's name */
  readonly name: string | undefined;
  readonly time: TestTime;
  readonly seed: number;
  readonly engine: EngineSettings;
  /** Values for `@Configured` by path. */
  readonly configuration: Readonly<Record<string, unknown>>;
}

/** Once more at once: a test that wants to see the backoff sets it. */
const NO_BACKOFF = { retryBackoffMs: 0 };
const LOG_LINES_MAX = 10_000;

/**
 * One application as the operating system would see it: started, killed, started again. Each life has an engine and a clock
 * of its own; the simulated disk is what stays.
 */
export class AppProcess<A extends object = object, S = unknown> {
  readonly name: string;
  /** The newest lines of the engine's log, over all lives. */
  readonly log: LogLine[] = [];
  /** Faults that the test has planned for handlers; they outlive a crash. */
  readonly faults = new HandlerFaults();
  store: MemoryStore;
  /** Hears the alerts of all lives. */
  onAlert: (alert: AlertEvent) => void = () => undefined;
  private life: AppLife<A>;
  private clock: ProcessClock;
  private current: Engine<S> | undefined;
  private change: ((state: S) => unknown) | undefined;
  /** Why it is not running, for the error of a call that needs it. */
  private whyNot = 'it has not been started';
  buses: EngineOptions['buses'] = [];

  constructor(private readonly options: AppProcessOptions<A>) {
    const { time, seed } = options;
    this.life = this.newLife();
    this.name = options.name ?? this.life.definition.name;
    this.clock = new ProcessClock(time.clock);
    this.store = new MemoryStore({ clock: time.clock, engineName: this.name, random: new SeededRandom(seed) });
  }

  get app(): A {
    return this.life.app;
  }

  get definition(): AppLife<A>['definition'] {
    return this.life.definition;
  }

  get isRunning(): boolean {
    return this.current?.state === 'started';
  }

  /** @throws AEP_TEST_NOT_RUNNING with the reason */
  get engine(): Engine<S> {
    const engine = this.current;
    if (engine !== undefined && (engine.state === 'started' || engine.state === 'starting')) return engine;
    throw new AepError(
      'AEP_TEST_NOT_RUNNING',
      'reject',
      `"${this.name}" is not running: ${this.whyNot}; restart() it`,
      {
        app: this.name,
      },
    );
  }

  /** The first start; {@link restart} is for further ones. */
  async start(): Promise<void> {
    const { time, seed, configuration } = this.options;
    const { policies, ...settings } = this.options.engine;
    const engine = createEngine<S>({
      ...settings,
      name: this.name,
      app: this.life.definition,
      store: () => this.store,
      buses: this.buses ?? [],
      policies: { ...NO_BACKOFF, ...policies },
      clock: this.clock,
      random: new SeededRandom(seed),
      log: new FunctionLog((line) => this.note(line)),
      configuration: (path) => configuration[path],
    });
    this.current = engine;
    engine.alerts$.subscribe((alert) => this.hear(alert));
    await time.until(engine.start(), `the start of "${this.name}"`);
  }

  /** The process dies; what its store was writing is `outcome`. Without effect on one that is not running. */
  crash(outcome: CrashOutcome): void {
    if (this.clock.isDead) return;
    this.clock.kill();
    this.store = this.store.crash(outcome);
    this.whyNot = 'it was crashed';
    this.current = undefined;
  }

  /** Stops as a host does (E4); answers whether everything was drained. */
  async stop(): Promise<boolean> {
    const engine = this.current;
    if (engine === undefined) return true;
    const report = await this.options.time.until(engine.stop(), `the stop of "${this.name}"`);
    this.whyNot = 'it was stopped';
    return report.drained;
  }

  /** The end of the test: a stop, or a kill where a stop would wait for ever. */
  async end(): Promise<void> {
    if (this.store.faults.hangs) this.crash('lost');
    else if (this.current !== undefined && this.current.state !== 'stopped') await this.stop();
    // Nothing of this life may run on in the time of another test world's callbacks.
    this.clock.kill();
  }

  /** Starts the next life on the disk of the last one; what was still running of that is killed. */
  async restart(): Promise<void> {
    this.crash('kept');
    this.life = this.newLife();
    this.clock = new ProcessClock(this.options.time.clock);
    await this.start();
  }

  /** Changes the state in a transaction of its own; resolves when it is stable. */
  async changeState(change: (state: S) => unknown): Promise<void> {
    if (this.definition.stateCodec !== undefined)
      throw givenState(this.name, 'is event-sourced: its state is what its messages made of it');
    if (this.definition.state === undefined) throw givenState(this.name, 'has no state root');
    this.change = change;
    await this.options.time.until(this.engine.execute(GIVEN_COMMAND), 'the change of the state');
  }

  private newLife(): AppLife<A> {
    const { source, name } = this.options;
    const life = beginLife(source, name, (state) => this.change?.(state as S));
    return { ...life, definition: this.faults.instrument(life.definition) };
  }

  private hear(alert: AlertEvent): void {
    if (alert instanceof EngineStopped) this.whyNot = alert.message;
    this.onAlert(alert);
  }

  private note(line: LogLine): void {
    if (this.log.length >= LOG_LINES_MAX) this.log.shift();
    this.log.push(line);
  }
}

function givenState(app: string, why: string): AepError {
  return new AepError(
    'AEP_TEST_GIVEN_STATE',
    'reject',
    `given((state) => …): "${app}" ${why}; give it messages instead: given('channel', message)`,
    { app },
  );
}
