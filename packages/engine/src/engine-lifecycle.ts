import { AepError } from '@aep/kernel';
import { recover, type Store } from '@aep/store';
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
  RoleChanged,
  StuckAlert,
} from './app/events.js';
import { EngineCore } from './engine-core.js';
import { cannotFollow, phaseError, stopped } from './engine-errors.js';
import type { ConcludedEngineOptions } from './engine-options.js';
import { closeStore, drain } from './engine-stop.js';
import type { MessagingState } from './messaging/messaging.js';
import { messagingFailure } from './messaging/start-failure.js';
import { configureApp } from './services/configure-app.js';
import type { EventDispatcher } from './services/event-dispatcher.js';
import { BackupReplay, type BackupReplayListener } from './replay/backup-replay.js';
import { ShadowStore } from './replay/shadow-store.js';
import type { Sender } from './sender.js';
import { EventSourcing, type HotState } from './services/event-sourcing.js';
import { Waiters } from './services/waiters.js';
import { loadInDoubt } from './services/in-doubt.js';
import { IdempotencyKeys } from './services/idempotency-keys.js';
import { sendPrestart } from './services/prestart.js';

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
  readonly sender: Pick<Sender, 'forgetChannels'>;
  /** @throws AEP_APP_IN_USE */
  readonly claim: () => void;
}

/** Starts and stops an engine in the order of E1 and E4. Everything here may wait; nothing here is in the path of a message. */
export class EngineLifecycle {
  core: EngineCore | undefined;
  eventSourcing: EventSourcing | undefined;
  private replay: BackupReplay | undefined;
  private shadow: EngineCore | undefined;
  readonly idempotency = new IdempotencyKeys();
  readonly stopped: Promise<StopReport>;
  private settleStopped!: (report: StopReport) => void;
  /** Rejects when a stop is asked for; a start that waits for others gives up then. */
  private readonly stopRequested: Promise<never>;
  private requestStop!: (error: AepError) => void;
  /** Settles when the start has come to its end, good or bad; a stop waits for it, because it closes what the start opens. */
  private startEnded: Promise<void> = Promise.resolve();
  private stopping: Promise<StopReport> | undefined;
  private readonly mainAbort = new AbortController();
  private mains: Promise<unknown>[] = [];
  private readonly waiters = new Waiters();

  constructor(private readonly parts: LifecycleParts) {
    this.stopped = new Promise((resolve) => (this.settleStopped = resolve));
    this.stopRequested = new Promise((_resolve, reject) => (this.requestStop = reject));
    this.stopRequested.catch(() => undefined); // most engines start without being stopped meanwhile
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

  /** On a backup, before it starts: the application makes its state from the records of another one (H11). */
  async follow(store: Store, listener: BackupReplayListener): Promise<BackupReplay> {
    const { options, streams } = this.parts;
    const { stateCodec } = options.app;
    if (stateCodec === undefined || this.state !== 'created' || this.replay !== undefined)
      throw cannotFollow(options.name, stateCodec === undefined ? 'replicates state changes' : 'was started before');
    await this.configure();
    this.refuseIfStopping();
    const shadow = new EngineCore(options, new ShadowStore(store), {
      onEvent: (event) => this.parts.events.raise(event),
      onStop: (cause) => listener.onFailure(cause),
      onRebuild: () => undefined,
      onProgress: () => undefined,
    });
    // Before anything is replayed: replayed handlers ask the engine for the recorded time, and send.
    this.core = this.shadow = shadow;
    this.replay = new BackupReplay(shadow, stateCodec, store, listener);
    streams.role.next('backup');
    await this.raise(new EngineStarted(options.name, this.role));
    return this.replay;
  }

  /** The state that was made by following; from here on the engine has no core until it has one of its own. */
  private async endFollowing(): Promise<HotState | undefined> {
    const hot = await this.replay?.finish();
    this.parts.sender.forgetChannels();
    if (this.core === this.shadow) this.core = undefined;
    return hot;
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
    let endStart = (): void => undefined;
    this.startEnded = new Promise((resolve) => (endStart = resolve));
    try {
      await this.runStart();
      endStart();
    } catch (thrown) {
      endStart();
      const cause = phaseError(thrown, 'start', options.name);
      await this.stop(cause);
      throw cause;
    }
  }

  private async runStart(): Promise<void> {
    const { options, streams } = this.parts;
    const { replay } = this;
    if (replay === undefined) await this.configure();
    const hot = await this.endFollowing();
    const store = await this.phase('store', 'opening', async () => await options.store());
    const core = await this.phase('recovery', 'the store', () => this.recover(store, hot));
    streams.role.next('primary');
    if (replay === undefined) await this.raise(new EngineStarted(options.name, this.role));
    else await this.raise(new RoleChanged(options.name, this.role, store.epoch));
    await this.activate(core);
  }

  /** Aborted when the engine stops. */
  get stopSignal(): AbortSignal {
    return this.mainAbort.signal;
  }

  stop(cause?: AepError, deadlineMs = this.parts.options.limits.stopDeadlineMs): Promise<StopReport> {
    this.stopping ??= this.runStop(cause, deadlineMs);
    return this.stopping;
  }

  /** Resolves once the condition holds; rejects when the engine stops before. */
  when(isDone: (core: EngineCore) => boolean, endsWithStop = false): Promise<void> {
    const isOver = this.core === undefined || this.state === 'stopped' || (endsWithStop && this.stopping !== undefined);
    if (isOver) return Promise.reject(stopped(this.parts.options.name));
    return isDone(this.core!) ? Promise.resolve() : this.waiters.add(isDone, endsWithStop);
  }

  private configure(): Promise<void> {
    return this.phase('configuration', 'the application', () =>
      configureApp(this.parts, () => this.raise(new EngineCreated(this.parts.options.name))),
    );
  }

  private async recover(store: Store, hot: HotState | undefined): Promise<EngineCore> {
    const { options } = this.parts;
    const { app, log, clock } = options;
    let core: EngineCore | undefined;
    try {
      this.refuseIfStopping();
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
      // Before anything is replayed: replayed handlers ask the engine for the recorded time, and send.
      this.core = core;
      core.timers.load(store.tables);
      core.pipeline.state = app.state?.create(core.state!);
      loadInDoubt(core);
      if (app.stateCodec !== undefined) {
        this.eventSourcing = new EventSourcing(core, app.stateCodec);
        core.pipeline.stage = 'rebuilding';
        await (hot === undefined ? this.eventSourcing.rebuild() : this.eventSourcing.resume(hot));
        core.pipeline.stage = 'closed';
      }
      this.refuseIfStopping();
      return core;
    } catch (error) {
      this.core = undefined;
      core?.checkpointer.close();
      await store.close();
      throw error;
    }
  }

  private refuseIfStopping(): void {
    if (this.stopping !== undefined) throw stopped(this.parts.options.name);
  }

  /** What only a primary does (E1, E92). */
  private async activate(core: EngineCore): Promise<void> {
    const { streams, options } = this.parts;
    const prestart = new MessagingPrestart(options.name);
    await this.raise(prestart);
    core.pipeline.stage = 'ready';
    core.inFlight.resendInDoubt();
    const whenWritable = (): Promise<void> => this.when(({ inbound }) => !inbound.isFull);
    await this.phase('prestart', 'initial messages', () =>
      this.unlessStopped(sendPrestart(core, prestart, whenWritable)),
    );
    streams.messaging.next('starting');
    await this.phase('messaging', 'the buses', () => this.openMessaging(core));
    core.timers.start();
    core.retention.start();
    this.idempotency.start(core);
    streams.state.next('started');
    core.onWake();
    await this.raise(new EngineActive(options.name));
    // A main runs beside the engine; one that throws is a failure of the application as a whole.
    this.mains = options.app.mains.map(async (main) => {
      try {
        await main(this.mainAbort.signal);
      } catch (thrown) {
        if (!this.mainAbort.signal.aborted) void this.stop(phaseError(thrown, 'main', options.name));
      }
    });
  }

  private async openMessaging(core: EngineCore): Promise<void> {
    const { streams, options } = this.parts;
    const failures = await this.unlessStopped(core.messaging.open());
    for (const { bus, error } of failures)
      await this.raise(new BusBindingOpenFailed(options.name, error, { bus: bus.name }));
    const failed = messagingFailure(options, failures, core.messaging.buses.size);
    if (failed !== undefined) {
      streams.messaging.next('failed');
      await this.raise(new MessagingFailed(options.name, failed));
      throw failed;
    }
    await this.unlessStopped(this.awaitJoins(core));
    streams.messaging.next('started');
    await this.raise(new MessagingStarted(options.name));
  }

  /** E1: every ChannelUp comes before MessagingStarted, unless a join takes so long that the engine goes on without it. */
  private async awaitJoins(core: EngineCore): Promise<void> {
    const { clock, limits, name } = this.parts.options;
    const thresholdMs = limits.stuckAlertThresholdMs;
    let isLate = false;
    const watch = clock.schedule(thresholdMs, () => {
      isLate = true;
      core.onWake();
    });
    await this.when(({ messaging }) => isLate || messaging.joining === undefined);
    clock.cancel(watch);
    const { joining } = core.messaging;
    if (joining !== undefined) core.alert(new StuckAlert(name, `the join of channel ${joining.where}`, thresholdMs));
  }

  private async runStop(cause: AepError | undefined, deadlineMs: number): Promise<StopReport> {
    const { streams, options, events } = this.parts;
    this.requestStop(cause ?? stopped(options.name));
    this.replay?.close();
    if (this.core === this.shadow) this.core = undefined;
    streams.state.next('stopping');
    const stoppingEvent = new EngineStopping(options.name, cause, options.policies.preserveChannelJoinsOnStop);
    await this.dispatch(stoppingEvent);
    await this.startEndedWithin(deadlineMs);
    this.mainAbort.abort(cause);
    this.waiters.stopBegins(cause ?? stopped(options.name));
    const { core } = this;
    let heldBy: string | undefined;
    if (core !== undefined) {
      const mains = Promise.all(this.mains);
      heldBy = await drain({ core, cause, deadlineMs, mains, when: (isDone) => this.when(isDone) });
      await this.closeMessaging(core, cause !== undefined || stoppingEvent.preserveChannelJoins);
      this.idempotency.stop(core);
      await closeStore(core, cause ?? stopped(options.name));
    }
    // A disk that fails while an orderly stop is under way makes it another end: who hears of it must not go on with that store.
    const ending = cause ?? core?.storeFailure;
    const report: StopReport = { cause: ending, drained: heldBy === undefined, heldBy };
    this.waiters.stopEnds(ending ?? stopped(options.name));
    await this.dispatch(new EngineStopped(options.name, ending));
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

  /** A start that hangs in something that cannot be interrupted, such as opening a store, closes it itself when it goes on. */
  private async startEndedWithin(deadlineMs: number): Promise<void> {
    const { clock } = this.parts.options;
    let giveUp = (): void => undefined;
    const late = new Promise<void>((resolve) => (giveUp = resolve));
    const timer = clock.schedule(deadlineMs, () => giveUp());
    await Promise.race([this.startEnded, late]);
    clock.cancel(timer);
  }

  private async closeMessaging(core: EngineCore, preserveJoins: boolean): Promise<void> {
    const { messaging } = this.parts.streams;
    const hasFailed = messaging.value === 'failed';
    if (!hasFailed) messaging.next('stopping');
    await core.messaging.close(() => preserveJoins);
    if (!hasFailed) messaging.next('stopped');
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
      .then(done, (error: unknown) => void this.stop(phaseError(error, 'rebuild', 'the state')));
  }

  private onProgress(): void {
    this.eventSourcing?.snapshotIfDue();
    this.waiters.look(this.core!);
  }

  private async phase<T>(phase: string, what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (thrown) {
      throw phaseError(thrown, phase, what);
    }
  }

  private unlessStopped<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.stopRequested]);
  }

  /** An event of the start; one whose handler asks for a stop, or waits for it, ends the start. */
  private raise(event: EngineEvent): Promise<void> {
    return this.unlessStopped(this.dispatch(event));
  }

  private dispatch(event: EngineEvent): Promise<void> {
    return this.parts.events.dispatch(event);
  }
}
