import type { Delivery, DeliveryResult } from '@aep/bus';
import { type AepError, hashString, type ObjectPool, RingQueue } from '@aep/kernel';
import { StateSpace } from '@aep/state';
import { Checkpointer, type Stable, type Store } from '@aep/store';
import {
  type AlertEvent,
  BusBindingDown,
  BusBindingOpenFailed,
  ChannelDown,
  ChannelUp,
  type EngineEvent,
  StoreFailed,
  StuckAlert,
} from './app/events.js';
import { HandlerTable } from './app/handler-table.js';
import { makeInFlight, makePipeline } from './engine-assembly.js';
import { busy, stopped } from './engine-errors.js';
import type { ConcludedEngineOptions } from './engine-options.js';
import type { BusPort, BusPortListener } from './messaging/bus-port.js';
import type { ChannelPort } from './messaging/channel-port.js';
import { Messaging } from './messaging/messaging.js';
import { type OutboundMessage, outboundPool } from './messaging/outbound-message.js';
import { DeadLetters } from './services/dead-letters.js';
import { HeadWatch } from './services/head-watch.js';
import { Retention } from './services/retention.js';
import { Timers } from './services/timers.js';
import { EngineCounters, LatencySampler, LatencyStatistics } from './statistics.js';
import { type MarkProgress, StreamMarks } from './transaction/dedupe.js';
import { HandlerScope } from './transaction/handler-scope.js';
import type { InFlight } from './transaction/in-flight.js';
import { LoopTime } from './transaction/loop-time.js';
import { OpenTransaction } from './transaction/open-transaction.js';
import type { Pipeline, PipelineListener } from './transaction/pipeline.js';
import { type SealedTransaction, sealedPool } from './transaction/sealed-transaction.js';
import { Sequencer } from './transaction/sequencer.js';
import { type LocalRequest, Work, workPool } from './transaction/work.js';

/** What the core needs from the engine around it. */
export interface CoreListener {
  /** Hands an engine event to the application's handlers. */
  onEvent(event: EngineEvent): void;
  /** The engine must stop with this cause (a policy says so, or the store failed). */
  onStop(cause: AepError): void;
  onRebuild(done: () => void): void;
  /** Something moved: whoever waits for idleness or room looks again. */
  onProgress(): void;
}

/**
 * One engine from its open store on: the parts of the pipeline put together, and the turns in which they work.
 *
 * A turn handles a bounded number of events, then starts a commit and flushes the buses; it is scheduled when something
 * arrives, when the journal or a bus has moved on, and again by itself while events wait. Nothing here awaits.
 */
export class EngineCore implements BusPortListener, PipelineListener {
  readonly counters = new EngineCounters();
  readonly latencies: LatencyStatistics | undefined;
  private readonly sampler: LatencySampler;
  readonly messaging: Messaging;
  readonly handlers: HandlerTable;
  readonly state: StateSpace | undefined;
  readonly transaction: OpenTransaction;
  readonly pipeline: Pipeline;
  readonly inFlight: InFlight;
  readonly checkpointer: Checkpointer;
  readonly timers: Timers;
  readonly deadLetters: DeadLetters;
  readonly identity: { readonly senderId: number; readonly incarnation: number };
  readonly outbound: ObjectPool<OutboundMessage>;
  readonly transactions: ObjectPool<SealedTransaction>;
  readonly inbound: RingQueue<Work>;
  readonly works: ObjectPool<Work>;
  readonly retention: Retention;
  readonly scope = new HandlerScope();
  readonly time: LoopTime;
  /** A write failed: nothing is acknowledged, released or journaled any more, whatever else ends the engine (E34, H22). */
  storeFailure: AepError | undefined;
  private readonly headWatch: HeadWatch;
  private isScheduled = false;
  /** A binding was told `back-pressured` and waits for `resume`. */
  private owesResume = false;
  private committedTxId: number;

  constructor(
    readonly options: ConcludedEngineOptions,
    readonly store: Store,
    private readonly listener: CoreListener,
  ) {
    const { limits, app } = options;
    const { journal, tables, identity } = store;
    this.time = new LoopTime(options.clock);
    this.latencies = options.latencies ? new LatencyStatistics() : undefined;
    this.sampler = new LatencySampler(options.latencies);
    this.identity = { senderId: hashString(options.name), incarnation: identity.incarnation };
    this.works = workPool(limits.inboundQueueMax + limits.transactionsInFlightMax);
    this.transactions = sealedPool(limits.transactionsInFlightMax);
    this.outbound = outboundPool(limits.outboundPendingMax);
    this.inbound = new RingQueue(limits.inboundQueueMax);
    this.handlers = new HandlerTable(app, options.policies.defaultHandler, this.counters);
    this.messaging = new Messaging(options, this, this.handlers.types, this.time);
    this.state =
      app.state === undefined ? undefined : new StateSpace(tables, { cachedEntitiesMax: limits.cachedEntitiesMax });
    this.transaction = new OpenTransaction(this.state);
    this.checkpointer = new Checkpointer(
      tables,
      options.clock,
      { onApplied: (txId) => this.onApplied(txId), onFailure: (error) => this.onStoreFailure(error) },
      { intervalMs: limits.checkpointIntervalMs, entriesMax: limits.checkpointEntriesMax },
    );
    this.committedTxId = journal.lastTxId;
    const sequencer = new Sequencer(tables);
    this.attachChannels(sequencer);
    this.retention = new Retention(store, options);
    this.timers = new Timers(options.clock, this.handlers.types, limits.timersMax, (request) =>
      this.submitFirst(request),
    );
    this.deadLetters = new DeadLetters({
      tables,
      types: this.handlers.types,
      nextTxId: () => journal.lastTxId + 1,
      submit: (request) => this.submit(request),
      messaging: this.messaging,
    });
    this.inFlight = makeInFlight(this);
    this.headWatch = new HeadWatch(options.clock, this.inFlight, limits.stuckAlertThresholdMs, (what, waitedMs) =>
      this.alert(new StuckAlert(options.name, what, waitedMs)),
    );
    this.pipeline = makePipeline(this, sequencer);
    this.pipeline.epoch = Math.max(1, store.epoch);
    journal.listen({ onStable: (mark) => this.onStable(mark), onFailure: (error) => this.onStoreFailure(error) });
  }

  /** Nothing queued, handled, in flight or unconfirmed. */
  get isIdle(): boolean {
    return this.inbound.size === 0 && this.pipeline.isResting && this.inFlight.size === 0;
  }

  /** What is in flight is stable and waits only for buses that are not up: those messages stay in the journal, in doubt. */
  get waitsForAbsentBus(): boolean {
    if (this.store.journal.stableTxId < this.store.journal.lastTxId) return false;
    let absent = 0;
    for (const bus of this.messaging.buses.values()) {
      if (bus.state !== 'up') absent += bus.pending;
      else if (bus.pending > 0) return false;
    }
    return absent > 0;
  }

  // Work comes in.

  onDelivery(port: ChannelPort, delivery: Delivery): DeliveryResult {
    if (this.pipeline.stage === 'closed' || this.inbound.isFull) {
      this.owesResume = true;
      return 'back-pressured';
    }
    const work = this.works.take();
    work.port = port;
    work.delivery = delivery;
    this.enter(work, false);
    return 'accepted';
  }

  /** Puts a local request in line. `back-pressured` leaves it with the caller. */
  offer(request: LocalRequest, priority = false): 'accepted' | 'back-pressured' | 'closed' {
    if (this.pipeline.stage === 'closed') return 'closed';
    if (this.inbound.isFull) return 'back-pressured';
    const work = this.works.take();
    work.local = request;
    this.enter(work, priority);
    // A priority event does not wait for company: what is open goes to the disk now (E33).
    if (priority) this.scope.outside(this.commit);
    return 'accepted';
  }

  /**
   * As {@link offer} with a promise of its stability, for which it takes the request's callbacks. Rejects with the error of a
   * rolled-back event, or AEP_ENGINE_BUSY, AEP_ENGINE_STOPPED.
   */
  submit(request: LocalRequest, priority = false): Promise<unknown> {
    return new Promise((resolve, reject) => {
      request.onStable = resolve;
      request.onFailed = reject;
      const result = this.offer(request, priority);
      if (result === 'back-pressured') reject(busy(this.options.limits.inboundQueueMax));
      else if (result === 'closed') reject(stopped(this.options.name));
    });
  }

  /** Timers must not be lost to a full queue: their request waits for room. */
  private submitFirst(request: LocalRequest): void {
    const { clock } = this.options;
    this.counters.timersFired++;
    const attempt = (): void => {
      if (this.offer(request) === 'back-pressured') clock.schedule(FULL_RETRY_MS, attempt);
    };
    attempt();
  }

  private enter(work: Work, priority: boolean): void {
    if (!this.isScheduled) this.time.refresh();
    work.isTimed = this.sampler.next();
    if (work.isTimed) work.offeredAtMs = this.time.nowMs;
    if (priority) this.inbound.offerFirst(work);
    else this.inbound.offer(work);
    this.onWake();
  }

  // Turns.

  onWake(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.scope.outside(this.schedule);
  }

  private readonly schedule = (): void => this.options.clock.defer(this.turn);

  private readonly turn = (): void => {
    this.isScheduled = false;
    this.time.refresh();
    // The epoch of a group rises while its primary runs, when members come and go (H3).
    this.pipeline.epoch = Math.max(1, this.store.epoch);
    const { eventsPerTurnMax, commitBatchMax } = this.options.limits;
    let steps = 0;
    const { journal } = this.store;
    while (steps < eventsPerTurnMax && this.pipeline.step()) {
      steps++;
      if (journal.lastTxId - this.committedTxId >= commitBatchMax) this.commit();
    }
    // Counted by the journal, not by the steps: an async handler or a retry seals between two turns.
    if (journal.lastTxId > this.committedTxId) this.commit();
    this.sampler.turnEnded(steps);
    this.messaging.flush();
    this.headWatch.arm();
    if (this.owesResume && this.inbound.size <= this.inbound.capacityMax / 2 && this.pipeline.stage !== 'closed') {
      this.owesResume = false;
      this.messaging.resume();
    }
    // The last step may have stopped at a bound, not for lack of events.
    if (steps === eventsPerTurnMax) this.onWake();
    this.listener.onProgress();
  };

  private readonly commit = (): void => {
    this.committedTxId = this.store.journal.lastTxId;
    this.counters.commits++;
    this.store.journal.commit();
  };

  // The store calls back.

  private onStable(mark: Stable): void {
    this.time.refresh();
    this.inFlight.onStable(mark);
    this.messaging.flush();
    // Behind the release: whoever waits for the message does not wait for the fold.
    this.checkpointer.onStable(mark);
    this.pipeline.onRoom();
    this.onWake();
  }

  private onApplied(txId: number): void {
    this.state?.checkpointed(txId);
    this.retention.onApplied(txId);
    this.onWake();
  }

  private onStoreFailure(error: AepError): void {
    // Nothing after a failed write is acknowledged or released (E34, H22): the journal issues no further mark.
    this.storeFailure ??= error;
    this.pipeline.stage = 'closed';
    this.inFlight.freeze();
    this.messaging.halt();
    this.listener.onEvent(new StoreFailed(this.options.name, error));
    this.listener.onStop(error);
  }

  // The buses call back.

  onConfirmed(outbound: OutboundMessage): void {
    if (!this.isScheduled) this.time.refresh();
    this.counters.confirmed++;
    this.inFlight.onConfirmed(outbound);
    this.onWake();
  }

  onRoom(): void {
    this.onWake();
  }

  /** A delayed acknowledgement was given (E64). */
  onAckReleased(): void {
    this.time.refresh();
    this.inFlight.advance();
    this.onWake();
  }

  onStranger(port: ChannelPort): void {
    this.attachMarks(port);
  }

  onChannelUp(port: ChannelPort): void {
    this.listener.onEvent(
      new ChannelUp(
        this.options.name,
        port.bus.name,
        port.description.name,
        (table) => (port.keyTable = { ...port.keyTable, ...table }),
      ),
    );
    this.onWake(); // a start waits for its joins
  }

  onChannelDown(port: ChannelPort, cause: AepError): void {
    this.listener.onEvent(new ChannelDown(this.options.name, port.bus.name, port.description.name, cause));
  }

  onBusUp(bus: BusPort): void {
    this.options.log.log('info', 'bus is up', { bus: bus.name });
    this.onWake();
  }

  onBusDown(bus: BusPort, cause: AepError): void {
    this.listener.onEvent(new BusBindingDown(this.options.name, cause, { bus: bus.name }));
    this.onWake(); // a start no longer waits for its joins
  }

  onBusFailed(bus: BusPort, cause: AepError): void {
    this.listener.onEvent(new BusBindingOpenFailed(this.options.name, cause, { bus: bus.name }));
    this.onWake();
  }

  // The pipeline asks.

  onStop(cause: AepError): void {
    this.listener.onStop(cause);
  }

  onRebuild(done: () => void): void {
    this.listener.onRebuild(done);
  }

  alert(event: AlertEvent): void {
    this.listener.onEvent(event);
  }

  private attachChannels(sequencer: Sequencer): void {
    for (const port of this.messaging.ports) {
      this.attachMarks(port);
      sequencer.attach(port);
    }
  }

  private attachMarks(port: ChannelPort): void {
    const { journal, tables } = this.store;
    const progress: MarkProgress = {
      get nextTxId() {
        return journal.lastTxId + 1;
      },
      get appliedTxId() {
        return tables.appliedTxId;
      },
    };
    port.marks = new StreamMarks(port.tag, tables, this.options.limits.dedupeStreamsCachedMax, progress);
  }

  /** Stops what looks now and then; the pipeline and the buses are stopped by the lifecycle. */
  stopWatching(): void {
    this.headWatch.stop();
    this.retention.stop();
  }
}

const FULL_RETRY_MS = 5;
