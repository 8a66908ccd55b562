import { AepError, describeError } from '@aep/kernel';
import type { MessageView } from '@aep/messages';
import { LocalCause, recover, type Store } from '@aep/store';
import type { BehaviorSubject } from 'rxjs';
import {
  BusBindingOpenFailed,
  EngineActive,
  EngineCreated,
  type EngineEvent,
  EngineStarted,
  EngineStopped,
  EngineStopping,
  MessagingFailed,
  MessagingPrestart,
  MessagingStarted,
  type Role,
} from './app/events.js';
import { asEngineError, EngineCore, stopped } from './engine-core.js';
import type { ConcludedEngineOptions } from './engine-options.js';
import type { MessagingState, OpenFailure } from './messaging/messaging.js';
import type { EventDispatcher } from './services/event-dispatcher.js';
import { EventSourcing } from './services/event-sourcing.js';
import { loadInDoubt } from './services/in-doubt.js';

/**
 * - `created`: configured; nothing is open.
 * - `starting`: store and buses are being opened.
 * - `started`: active.
 * - `stopping`: draining.
 * - `stopped`: for good; everything is closed.
 */
export type EngineState = 'created' | 'starting' | 'started' | 'stopping' | 'stopped';

export interface StopReport {
  readonly cause: AepError | undefined;
  /** Everything that was accepted was handled, confirmed as far as buses were up, and acknowledged. */
  readonly drained: boolean;
  /** What still held the stop at its deadline. */
  readonly heldBy: string | undefined;
}

export interface LifecycleParts {
  readonly options: ConcludedEngineOptions;
  readonly events: EventDispatcher;
  readonly streams: {
    readonly state: BehaviorSubject<EngineState>;
    readonly messaging: BehaviorSubject<MessagingState>;
    readonly role: BehaviorSubject<Role>;
  };
  readonly engine: unknown;
  readonly sender: unknown;
}

/** Starts and stops an engine in the order of E1 and E4. Everything here may wait; nothing here is in the path of a message. */
export class EngineLifecycle {
  core: EngineCore | undefined;
  eventSourcing: EventSourcing | undefined;
  readonly stopped: Promise<StopReport>;
  private settleStopped!: (report: StopReport) => void;
  private stopping: Promise<StopReport> | undefined;
  private readonly mainAbort = new AbortController();
  private mains: Promise<unknown>[] = [];
  private waiters: {
    readonly isDone: (core: EngineCore) => boolean;
    readonly resolve: () => void;
    readonly reject: (error: AepError) => void;
  }[] = [];

  constructor(private readonly parts: LifecycleParts) {
    this.stopped = new Promise((resolve) => (this.settleStopped = resolve));
  }

  get state(): EngineState {
    return this.parts.streams.state.value;
  }

  get messagingState(): MessagingState {
    return this.parts.streams.messaging.value;
  }

  get role(): Role {
    return this.parts.streams.role.value;
  }

  async start(): Promise<void> {
    const { streams, options } = this.parts;
    if (this.state !== 'created') {
      throw new AepError(
        'AEP_ENGINE_STATE',
        'reject',
        `engine "${options.name}" is ${this.state}; an engine is started once`,
        { engine: options.name, state: this.state },
      );
    }
    streams.state.next('starting');
    try {
      await this.phase('configuration', 'the application', () => this.configure());
      const store = await this.phase('store', 'opening', async () => await options.store());
      this.core = await this.phase('recovery', 'the store', () => this.recover(store));
      await this.raise(new EngineStarted(options.name, this.role));
      await this.activate(this.core);
    } catch (thrown) {
      const cause = asEngineError(thrown, 'start', options.name);
      await this.stop(cause);
      throw cause;
    }
  }

  stop(cause?: AepError, deadlineMs = this.parts.options.limits.stopDeadlineMs): Promise<StopReport> {
    this.stopping ??= this.runStop(cause, deadlineMs);
    return this.stopping;
  }

  /** Resolves once the condition holds; rejects when the engine stops before. */
  when(isDone: (core: EngineCore) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.core === undefined || this.state === 'stopped') reject(stopped(this.parts.options.name));
      else if (isDone(this.core)) resolve();
      else this.waiters.push({ isDone, resolve, reject });
    });
  }

  private configure(): Promise<void> {
    const { options, engine, sender } = this.parts;
    const { app } = options;
    for (const configured of app.configured) {
      const value = options.configuration(configured.path) ?? configured.fallback;
      if (value !== undefined) configured.assign(value);
      else {
        throw new AepError(
          'AEP_CONFIGURED_MISSING',
          'reject',
          `@Configured("${configured.path}"): the model's env has no such value and there is no default: add it to <env>`,
          {
            path: configured.path,
          },
        );
      }
    }
    return this.raise(new EngineCreated(options.name)).then(async () => {
      for (const receive of app.receiveEngine) receive(engine);
      for (const receive of app.receiveSender) receive(sender);
      for (const initialize of app.initializers) await initialize();
    });
  }

  private async recover(store: Store): Promise<EngineCore> {
    const { options } = this.parts;
    const { app, log, clock } = options;
    let core: EngineCore | undefined;
    try {
      const recovery = await recover(store, {
        clock,
        onProgress: (progress) => log.log('info', 'recovering', { ...progress }),
      });
      if (recovery.recordsFolded > 0)
        log.log('info', 'recovered', { records: recovery.recordsFolded, ms: Math.round(recovery.elapsedMs) });
      core = new EngineCore(options, store, {
        onEvent: (event) => this.parts.events.raise(event),
        onStop: (cause) => void this.stop(cause),
        onRebuild: (done) => this.rebuild(done),
        onProgress: () => this.onProgress(),
      });
      core.timers.load(store.tables);
      core.pipeline.state = app.state?.create(core.state!);
      loadInDoubt(core);
      if (app.stateCodec !== undefined) {
        this.eventSourcing = new EventSourcing(core, app.stateCodec);
        core.pipeline.stage = 'rebuilding';
        await this.eventSourcing.rebuild();
        core.pipeline.stage = 'closed';
      }
      return core;
    } catch (error) {
      core?.checkpointer.close();
      await store.close();
      throw error;
    }
  }

  /** What only a primary does (E1, E92). */
  private async activate(core: EngineCore): Promise<void> {
    const { streams, options } = this.parts;
    const prestart = new MessagingPrestart(options.name);
    const isFirstStart = core.store.journal.lastTxId === 0;
    await this.raise(prestart);
    core.pipeline.stage = 'ready';
    core.inFlight.resendInDoubt();
    if (isFirstStart) await this.phase('prestart', 'initial messages', () => this.sendPrestart(core, prestart));
    streams.messaging.next('starting');
    await this.openMessaging(core);
    core.timers.start();
    streams.state.next('started');
    core.onWake();
    await this.raise(new EngineActive(options.name));
    // A main runs beside the engine; one that throws is a failure of the application as a whole.
    this.mains = options.app.mains.map(async (main) => {
      try {
        await main(this.mainAbort.signal);
      } catch (thrown) {
        if (!this.mainAbort.signal.aborted) void this.stop(asEngineError(thrown, 'main', options.name));
      }
    });
  }

  /** E2: through the ordinary transactional path, before any bus traffic. */
  private async sendPrestart(core: EngineCore, prestart: MessagingPrestart): Promise<void> {
    const messages = [
      ...(prestart.firstMessage === undefined ? [] : [prestart.firstMessage]),
      ...prestart.initialMessages,
    ];
    await Promise.all(messages.map((message) => core.submit(prestartRequest(message))));
  }

  private async openMessaging(core: EngineCore): Promise<void> {
    const { streams, options } = this.parts;
    const failures = await core.messaging.open();
    for (const { bus, error } of failures)
      await this.raise(new BusBindingOpenFailed(options.name, error, { bus: bus.name }));
    const failed = messagingFailure(options, failures, core.messaging.buses.size);
    if (failed !== undefined) {
      streams.messaging.next('failed');
      await this.raise(new MessagingFailed(options.name, failed));
      throw failed;
    }
    streams.messaging.next('started');
    await this.raise(new MessagingStarted(options.name));
  }

  private async runStop(cause: AepError | undefined, deadlineMs: number): Promise<StopReport> {
    const { streams, options, events } = this.parts;
    streams.state.next('stopping');
    const stoppingEvent = new EngineStopping(options.name, cause, options.policies.preserveChannelJoinsOnStop);
    await this.raise(stoppingEvent);
    this.mainAbort.abort(cause);
    const { core } = this;
    let heldBy: string | undefined;
    if (core !== undefined) {
      heldBy = await this.drain(core, cause, deadlineMs);
      const preserve = cause !== undefined || stoppingEvent.preserveChannelJoins;
      await core.messaging.close(() => preserve);
      streams.messaging.next('stopped');
      await this.closeStore(core, cause);
    }
    const report: StopReport = { cause, drained: heldBy === undefined, heldBy };
    for (const waiter of this.waiters.splice(0)) waiter.reject(cause ?? stopped(options.name));
    await this.raise(new EngineStopped(options.name, cause));
    for (const finalize of options.app.finalizers)
      // The call is inside the chain: one that throws at once must not leave the engine between stopping and stopped.
      await Promise.resolve()
        .then(finalize)
        .catch((error: unknown) => options.log.log('error', 'a finalizer failed', {}, error));
    streams.state.next('stopped');
    for (const stream of Object.values(streams)) stream.complete();
    events.complete();
    this.settleStopped(report);
    return report;
  }

  /** Handles what was accepted, then waits for confirmations; answers what holds it at the deadline. */
  private async drain(core: EngineCore, cause: AepError | undefined, deadlineMs: number): Promise<string | undefined> {
    const { clock } = this.parts.options;
    core.messaging.stopReading();
    core.timers.stop();
    const main = Promise.all(this.mains);
    // With a cause nothing more is taken; what is sealed still becomes stable, goes out and is acknowledged (E20).
    if (cause !== undefined) core.pipeline.stage = 'closed';
    const isDrained = (): boolean =>
      (cause === undefined ? core.inbound.size === 0 && core.pipeline.isResting : true) &&
      (core.inFlight.size === 0 || core.waitsForAbsentBus);
    const isFailed = cause?.advice === 'fatal';
    const drained = isFailed ? Promise.resolve() : main.then(() => this.when(isDrained));
    core.onWake();
    const deadline = new Promise<string>((resolve) =>
      clock.schedule(deadlineMs, () =>
        resolve(core.inFlight.describeHead() ?? `handler ${core.pipeline.handlerName} or a main has not finished`),
      ),
    );
    const heldBy = await Promise.race([drained.then(() => undefined), deadline]);
    core.pipeline.stage = 'closed';
    if (heldBy !== undefined) this.parts.options.log.log('warn', 'the stop reached its deadline', { heldBy });
    return heldBy;
  }

  private async closeStore(core: EngineCore, cause: AepError | undefined): Promise<void> {
    const error = cause ?? stopped(this.parts.options.name);
    core.inFlight.abandon((work) => work.local?.onFailed?.(error));
    for (let work = core.inbound.poll(); work !== undefined; work = core.inbound.poll()) work.local?.onFailed?.(error);
    if (cause?.advice !== 'fatal') await new Promise<void>((resolve) => core.checkpointer.flush(resolve));
    core.checkpointer.close();
    try {
      await core.store.close();
    } catch (failure) {
      this.parts.options.log.log('error', 'the store did not close', {}, failure);
    }
  }

  private rebuild(done: () => void): void {
    const { eventSourcing, core } = this;
    if (eventSourcing === undefined || core === undefined) return;
    // The journal must hold all that was sealed before it can be replayed.
    core.store.journal.commit();
    this.when(
      () =>
        core.store.journal.stableTxId === core.store.journal.lastTxId &&
        core.checkpointer.appliedTxId <= core.store.journal.stableTxId,
    )
      .then(() => eventSourcing.rebuild())
      .then(done, (error: unknown) => void this.stop(asEngineError(error, 'rebuild', describeError(error))));
  }

  private onProgress(): void {
    this.eventSourcing?.snapshotIfDue();
    if (this.waiters.length === 0) return;
    const core = this.core!;
    const open = this.waiters;
    this.waiters = [];
    for (const waiter of open) {
      if (waiter.isDone(core)) waiter.resolve();
      else this.waiters.push(waiter);
    }
  }

  private async phase<T>(phase: string, what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      throw asEngineError(thrown, phase, what);
    }
  }

  private raise(event: EngineEvent): Promise<void> {
    return this.parts.events.dispatch(event);
  }
}

function prestartRequest(message: MessageView) {
  const type = message.$type;
  const view = type.wrap(message.toBytes());
  message.dispose();
  return { origin: 'prestart' as const, cause: LocalCause.prestart, label: type.fullName, message: view };
}

/** E91: whether the buses that did not open make the start fail. */
function messagingFailure(
  options: ConcludedEngineOptions,
  failures: readonly OpenFailure[],
  busCount: number,
): AepError | undefined {
  const [first] = failures;
  if (first === undefined) return undefined;
  const policy = options.policies.messagingStartFail;
  if (policy === 'NeverFail' || (policy === 'FailIfAllBindingsFail' && failures.length < busCount)) return undefined;
  const names = failures.map(({ bus, error }) => `bus "${bus.name}": ${error.code}: ${error.message}`).join('; ');
  return new AepError(
    'AEP_MESSAGING_FAILED',
    'retry',
    `messaging of engine "${options.name}" did not start (${policy}): ${names}`,
    { engine: options.name, failed: failures.length },
    first.error,
  );
}
