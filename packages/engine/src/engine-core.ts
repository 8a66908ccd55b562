import type { Delivery, DeliveryResult } from '@aep/bus';
import { AepError, hashString, type ObjectPool, RingQueue, toError } from '@aep/kernel';
import { StateSpace } from '@aep/state';
import { Checkpointer, type Stable, type Store, type TableReader } from '@aep/store';
import type { AlertEvent } from './app/events.js';
import {
  BusBindingDown,
  BusBindingOpenFailed,
  ChannelDown,
  ChannelUp,
  type EngineEvent,
  StoreFailed,
} from './app/events.js';
import { HandlerTable } from './app/handler-table.js';
import type { ConcludedEngineOptions } from './engine-options.js';
import type { BusPort, BusPortListener } from './messaging/bus-port.js';
import type { ChannelPort } from './messaging/channel-port.js';
import { Messaging } from './messaging/messaging.js';
import { type OutboundMessage, outboundPool } from './messaging/outbound-message.js';
import { PipelineReports } from './services/pipeline-reports.js';
import { DeadLetters } from './services/dead-letters.js';
import { Timers } from './services/timers.js';
import { EngineCounters, LatencyStatistics } from './statistics.js';
import { StreamMarks } from './transaction/dedupe.js';
import { HandOver } from './transaction/hand-over.js';
import { HandlerScope } from './transaction/handler-scope.js';
import { InFlight } from './transaction/in-flight.js';
import { LoopTime } from './transaction/loop-time.js';
import { OpenTransaction } from './transaction/open-transaction.js';
import { Pipeline, type PipelineListener } from './transaction/pipeline.js';
import { type SealedTransaction, sealedPool } from './transaction/sealed-transaction.js';
import { Sealer } from './transaction/sealer.js';
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
  private readonly works: ObjectPool<Work>;
  private readonly time: LoopTime;
  private isScheduled = false;
  /** A binding was told `back-pressured` and waits for `resume`. */
  private owesResume = false;
  private uncommitted = 0;

  constructor(
    readonly options: ConcludedEngineOptions,
    readonly store: Store,
    private readonly listener: CoreListener,
  ) {
    const { limits, app } = options;
    const { journal, tables, identity } = store;
    this.time = new LoopTime(options.clock);
    this.latencies = options.latencies ? new LatencyStatistics() : undefined;
    this.identity = { senderId: hashString(options.name), incarnation: identity.incarnation };
    this.works = workPool(limits.inboundQueueMax + limits.transactionsInFlightMax);
    this.transactions = sealedPool(limits.transactionsInFlightMax);
    this.outbound = outboundPool(limits.outboundPendingMax);
    this.inbound = new RingQueue(limits.inboundQueueMax);
    this.handlers = new HandlerTable(app, options.policies.defaultHandler);
    this.messaging = new Messaging(options, this);
    this.state =
      app.state === undefined ? undefined : new StateSpace(tables, { cachedEntitiesMax: limits.cachedEntitiesMax });
    this.transaction = new OpenTransaction(this.state);
    this.checkpointer = new Checkpointer(tables, options.clock, {
      onApplied: (txId) => this.onApplied(txId),
      onFailure: (error) => this.onStoreFailure(error),
    });
    const sequencer = new Sequencer(tables);
    this.attachChannels(tables, sequencer);
    this.timers = new Timers(options.clock, this.handlers.types, limits.timersMax, (request) =>
      this.submitFirst(request),
    );
    this.deadLetters = new DeadLetters(
      tables,
      this.handlers.types,
      () => journal.lastTxId + 1,
      (request) => this.submit(request),
    );
    this.inFlight = this.makeInFlight();
    this.pipeline = this.makePipeline(sequencer);
    this.pipeline.epoch = Math.max(1, store.epoch);
    journal.listen({ onStable: (mark) => this.onStable(mark), onFailure: (error) => this.onStoreFailure(error) });
  }

  /** Nothing queued, handled, in flight or unconfirmed. */
  get isIdle(): boolean {
    return this.inbound.size === 0 && this.pipeline.isResting && this.inFlight.size === 0;
  }

  /** What is in flight waits only for buses that are not up: those messages stay in the journal, in doubt. */
  get waitsForAbsentBus(): boolean {
    for (const bus of this.messaging.buses.values()) if (bus.pending > 0 && bus.state !== 'up') return true;
    return false;
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
    if (priority) this.store.journal.commit();
    return 'accepted';
  }

  /** As {@link offer} with a promise of its stability. Rejects with the error of a rolled-back event, or AEP_ENGINE_BUSY, AEP_ENGINE_STOPPED. */
  submit(request: LocalRequest, priority = false): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const result = this.offer(
        {
          ...request,
          onStable: (value) => resolve(value),
          onFailed: (error) => reject(error),
        },
        priority,
      );
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
    work.offeredAtMs = this.time.nowMs;
    if (priority) this.inbound.offerFirst(work);
    else this.inbound.offer(work);
    this.onWake();
  }

  // Turns.

  onWake(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.options.clock.defer(this.turn);
  }

  private readonly turn = (): void => {
    this.isScheduled = false;
    this.time.refresh();
    const { eventsPerTurnMax, commitBatchMax } = this.options.limits;
    let steps = 0;
    while (steps < eventsPerTurnMax && this.pipeline.step()) {
      steps++;
      if (++this.uncommitted >= commitBatchMax) this.commit();
    }
    if (this.uncommitted > 0) this.commit();
    this.messaging.flush();
    if (this.owesResume && this.inbound.size <= this.inbound.capacityMax / 2 && this.pipeline.stage !== 'closed') {
      this.owesResume = false;
      this.messaging.resume();
    }
    // The last step may have stopped at a bound, not for lack of events.
    if (steps === eventsPerTurnMax) this.onWake();
    this.listener.onProgress();
  };

  private commit(): void {
    this.uncommitted = 0;
    this.counters.commits++;
    this.store.journal.commit();
  }

  // The store calls back.

  private onStable(mark: Stable): void {
    this.time.refresh();
    this.checkpointer.onStable(mark);
    this.inFlight.onStable(mark);
    this.messaging.flush();
    this.pipeline.onRoom();
    this.onWake();
  }

  private onApplied(txId: number): void {
    this.state?.checkpointed(txId);
    this.onWake();
  }

  private onStoreFailure(error: AepError): void {
    // Nothing after a failed write is acknowledged or released (E34, H22): the journal issues no further mark.
    this.pipeline.stage = 'closed';
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

  onChannelUp(port: ChannelPort): void {
    this.listener.onEvent(
      new ChannelUp(
        this.options.name,
        port.bus.name,
        port.description.name,
        (table) => (port.keyTable = { ...port.keyTable, ...table }),
      ),
    );
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
  }

  onBusFailed(bus: BusPort, cause: AepError): void {
    this.listener.onEvent(new BusBindingOpenFailed(this.options.name, cause, { bus: bus.name }));
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

  private makePipeline(sequencer: Sequencer): Pipeline {
    const { options, transaction, inFlight, checkpointer, counters, latencies, works } = this;
    const { journal } = this.store;
    const sealer = new Sealer({
      journal,
      state: this.state,
      sequencer,
      messageBytesMax: options.limits.messageBytesMax,
      isEventSourced: options.haPolicy === 'EventSourcing',
    });
    const handOver = new HandOver({
      journal,
      checkpointer,
      transaction,
      sealer,
      inFlight,
      counters,
      time: this.time,
      transactions: this.transactions,
      outbound: this.outbound,
      identity: this.identity,
    });
    return new Pipeline({
      options,
      inbound: this.inbound,
      handlers: this.handlers,
      filters: options.app.filters,
      transaction,
      sealer,
      journal,
      handOver,
      inFlight,
      deadLetters: this.deadLetters,
      scope: new HandlerScope(),
      counters,
      latencies,
      works,
      isHeldBack: () => this.messaging.areFull || checkpointer.isBehind,
      reports: new PipelineReports(options.name, options.log, counters, (event) => this.alert(event)),
      listener: this,
    });
  }

  private makeInFlight(): InFlight {
    const { options, store } = this;
    return new InFlight(
      {
        capacityMax: options.limits.transactionsInFlightMax,
        acknowledgeAtStoreStability: options.policies.inboundAck === 'OnStoreStability',
        listener: {
          onConfirmedUpTo: (txId) => store.journal.setConfirmed(txId),
          onCallbackFailed: (error) => options.log.log('error', 'a callback after stability failed', {}, error),
        },
        transactions: this.transactions,
        outbound: this.outbound,
        works: this.works,
        time: this.time,
        latencies: this.latencies,
      },
      store.journal.stableTxId,
    );
  }

  private attachChannels(tables: TableReader, sequencer: Sequencer): void {
    const isApplied = (): boolean => this.store.tables.appliedTxId === this.store.journal.lastTxId;
    for (const port of this.messaging.ports) {
      port.marks = new StreamMarks(port.tag, tables, this.options.limits.dedupeStreamsCachedMax, isApplied);
      sequencer.attach(port);
    }
  }
}

const FULL_RETRY_MS = 5;

export function busy(inboundQueueMax: number): AepError {
  return new AepError(
    'AEP_ENGINE_BUSY',
    'retry',
    `the engine has ${inboundQueueMax} events waiting, its limit (limits.inboundQueueMax): offer again after whenWritable()`,
    {
      inboundQueueMax,
    },
  );
}

export function stopped(engine: string): AepError {
  return new AepError(
    'AEP_ENGINE_STOPPED',
    'retry',
    `engine "${engine}" takes nothing: it has not started, or it is stopping`,
    { engine },
  );
}

/** What was thrown, as the error of an engine. */
export function asEngineError(thrown: unknown, phase: string, what: string): AepError {
  if (thrown instanceof AepError) return thrown;
  return new AepError(
    'AEP_START_FAILED',
    'fatal',
    `${phase}: ${what} failed: ${toError(thrown).message}`,
    { phase, what },
    thrown,
  );
}
