import { AepError, assert, type Clock, type ObjectPool, type Random, type RingQueue } from '@aep/kernel';
import type { Journal } from '@aep/store';
import type { MessageFilterCall } from '../app/app-definition.js';
import type { UnhandledReason } from '../app/events.js';
import type { ChainLink, HandlerChain, HandlerTable } from '../app/handler-table.js';
import { MessageEvent } from '../app/message-event.js';
import type { ConcludedEngineOptions } from '../engine-options.js';
import type { DeadLetters } from '../services/dead-letters.js';
import type { EngineCounters, LatencyStatistics } from '../statistics.js';
import { asApplicationError, type FailureAction, Failures, type FailureListener, type Verdict } from './failures.js';
import { disposeMessage, type HandOver } from './hand-over.js';
import type { HandlerScope } from './handler-scope.js';
import type { InFlight } from './in-flight.js';
import type { OpenTransaction } from './open-transaction.js';
import type { Sealer } from './sealer.js';
import type { Work } from './work.js';

/**
 * - `closed`: takes nothing: not started, stopped, or stopping with a cause.
 * - `ready`: the next step takes an event.
 * - `handling`: a handler is on the stack.
 * - `awaiting`: an async handler has not finished; the engine is a single writer and waits (E12).
 * - `backing-off`: a failed event waits for its retry (E20).
 * - `holding`: a sealed record waits for room in the journal.
 * - `rebuilding`: an event-sourced state is being replayed after a rollback (E60).
 */
export type PipelineStage = 'closed' | 'ready' | 'handling' | 'awaiting' | 'backing-off' | 'holding' | 'rebuilding';

/** What the pipeline cannot decide by itself. */
export interface PipelineListener {
  onWake(): void;
  onStop(cause: AepError): void;
  /** Event sourcing: the state object was touched by a rolled-back handler. Calls `done` when it was replayed. */
  onRebuild(done: () => void): void;
}

/** What operators should know. */
export interface Reports extends FailureListener {
  onGap(work: Work, missing: number): void;
  onStuck(handler: string, waitedMs: number): void;
}

export interface PipelineParts {
  readonly options: ConcludedEngineOptions;
  readonly inbound: RingQueue<Work>;
  readonly handlers: HandlerTable;
  readonly filters: readonly MessageFilterCall[];
  readonly transaction: OpenTransaction;
  readonly sealer: Sealer;
  readonly journal: Journal;
  readonly handOver: HandOver;
  readonly inFlight: InFlight;
  readonly deadLetters: DeadLetters;
  readonly scope: HandlerScope;
  readonly counters: EngineCounters;
  readonly latencies: LatencyStatistics | undefined;
  readonly works: ObjectPool<Work>;
  /** A bus or the checkpoint has as much to do as it may: no event is taken (E43). */
  readonly isHeldBack: () => boolean;
  readonly reports: Reports;
  readonly listener: PipelineListener;
}

/**
 * Takes one event after the other from receive to seal (E31); from there `InFlight` takes over. This is the only place
 * where a transaction changes stage:
 *
 * ```
 * poll ─ dedupe ─ filter ─ begin ─ dispatch ─ seal ─ append ─> InFlight
 *                            └─ throw ─ rollback ─ retry | quarantine | continue | stop   (E20)
 * ```
 */
export class Pipeline {
  stage: PipelineStage = 'closed';
  /** The application's state as handlers see it. */
  state: unknown;
  epoch = 0;
  readonly event = new MessageEvent();
  private work: Work | undefined;
  private chain: HandlerChain = NO_CHAIN;
  private position = 0;
  /** The open transaction ends an event without the effects of its handlers. */
  private isEffectless = false;
  private stopAfterSeal: AepError | undefined;
  /** The handler that is awaited was entered through the scope, so its sends can be told from those of other code. */
  private isScoped = false;
  private dispatched = 0;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly failures: Failures;

  constructor(private readonly parts: PipelineParts) {
    this.clock = parts.options.clock;
    this.random = parts.options.random;
    this.failures = new Failures(parts.options.policies, parts.counters, parts.reports);
  }

  /** Takes one event if it may; false when there is nothing to do or something to wait for. */
  step(): boolean {
    const { inbound, inFlight } = this.parts;
    if (this.stage !== 'ready' || inFlight.isFull || this.parts.isHeldBack()) return false;
    const work = inbound.poll();
    if (work === undefined) return false;
    this.work = work;
    if (work.delivery !== undefined) this.takeDelivery(work);
    else this.takeLocal(work);
    return true;
  }

  /** Whether code that runs now acts for the open transaction: its sends are solicited (E40). */
  get isInTransaction(): boolean {
    if (this.stage === 'awaiting') return !this.isScoped || this.parts.scope.isInside;
    return this.stage === 'handling' || this.stage === 'rebuilding';
  }

  /** The hook or handler that runs or is awaited. */
  get handlerName(): string {
    return this.chain.links[this.position - 1]?.name ?? this.parts.options.name;
  }

  /** Nothing is being handled: a stop may go on. */
  get isResting(): boolean {
    return this.stage === 'ready' || this.stage === 'closed';
  }

  /** The journal has room again: the held record goes first. */
  onRoom(): void {
    if (this.stage === 'holding') this.append(this.work!);
  }

  private takeDelivery(work: Work): void {
    const { handlers, counters, handOver, reports } = this.parts;
    const port = work.port!;
    const { metadata, bytes, start, end } = work.delivery!;
    counters.received++;
    port.statistics.received++;
    port.statistics.bytesIn += end - start;
    if (port.marks.classify(metadata) === 'duplicate') {
      counters.duplicates++;
      port.statistics.duplicates++;
      handOver.acknowledgeOnly(work);
      return;
    }
    if (port.marks.missing > 0 && !port.isFiltered) reports.onGap(work, port.marks.missing);
    const type = handlers.types.find(metadata.factoryId, metadata.typeId);
    if (type === undefined) {
      const detail = `no factory of the application has type ${metadata.typeId} of factory ${metadata.factoryId}`;
      this.unhandled(work, 'unknown-type', detail);
      return;
    }
    work.message = type.wrap(bytes, start, end);
    this.describe(work);
    if (!this.accept(work)) return;
    const chain = handlers.chainFor(type, port.slot, port.source);
    if (chain.handled) this.begin(work, chain);
    else this.unhandled(work, 'no-handler', `no handler takes ${type.fullName} from channel ${port.where}`);
  }

  private takeLocal(work: Work): void {
    const local = work.local!;
    const { message } = local;
    if (message === undefined) {
      this.begin(work, local.call === undefined ? NO_CHAIN : commandChain(work));
      return;
    }
    work.message = message;
    this.describe(work);
    const chain = this.parts.handlers.chainFor(message.$type, 0, undefined);
    if (chain.handled) this.begin(work, chain);
    else this.unhandled(work, 'no-handler', `no handler takes ${message.$type.fullName} from inside the process`);
  }

  private describe(work: Work): void {
    const { event } = this;
    const { port, delivery, local } = work;
    event.message = work.message!;
    event.origin = local?.origin ?? 'bus';
    event.bus = port?.bus.name ?? '';
    event.channel = port?.description.name ?? '';
    event.key = delivery?.key ?? '';
    event.metadata = delivery?.metadata;
    event.attempt = work.attempt;
  }

  /** E15: after dedupe, before the transaction. */
  private accept(work: Work): boolean {
    const { filters, counters, handOver } = this.parts;
    if (filters.length === 0) return true;
    try {
      if (filters.every((filter) => filter(this.event))) return true;
    } catch (error) {
      this.fail(error, 'the message filter');
      return false;
    }
    counters.filtered++;
    work.port!.statistics.filtered++;
    handOver.acknowledgeOnly(work);
    return false;
  }

  private begin(work: Work, chain: HandlerChain): void {
    this.chain = chain;
    this.position = 0;
    this.isEffectless = false;
    if (this.open(work)) this.dispatch();
  }

  /** Opens the transaction of an event; false when its local request has nothing to do any more. */
  private open(work: Work): boolean {
    const { transaction, handOver } = this.parts;
    transaction.begin(this.clock.wallMs(), this.random.uint32());
    const { local } = work;
    if (local?.prepare === undefined) return true;
    try {
      if (local.prepare(transaction) === 'run') return true;
    } catch (error) {
      this.fail(error, local.label);
      return false;
    }
    transaction.rollback();
    this.stage = 'ready';
    // It answers when what came before is stable: a repeat must not be confirmed earlier than its original.
    handOver.acknowledgeOnly(work);
    return false;
  }

  /** Calls hooks and handlers from `position` on until one is asynchronous or all are done. */
  private dispatch(): void {
    const { links } = this.chain;
    this.stage = 'handling';
    const startedMs = this.isSampled() ? this.clock.monotonicMs() : 0;
    try {
      while (this.position < links.length) {
        const link = links[this.position++]!;
        const result = link.isAsync ? this.parts.scope.run(() => this.call(link)) : this.call(link);
        if (isThenable(result)) {
          this.isScoped = link.isAsync;
          link.isAsync = true;
          this.await(result, link.name);
          return;
        }
      }
    } catch (error) {
      this.fail(error, links[this.position - 1]!.name);
      return;
    }
    if (startedMs > 0) this.parts.latencies!.handler.record((this.clock.monotonicMs() - startedMs) * 1000);
    this.parts.counters.handled++;
    this.seal();
  }

  private call(link: ChainLink): unknown {
    return link.call(this.work!.message!, this.state, this.event);
  }

  /** One event in sixteen pays for two readings of the clock. */
  private isSampled(): boolean {
    return (this.dispatched++ & 15) === 0 && this.parts.latencies !== undefined;
  }

  private await(result: PromiseLike<unknown>, handler: string): void {
    const { ordinal } = this.parts.transaction;
    const { stuckAlertThresholdMs } = this.parts.options.limits;
    this.stage = 'awaiting';
    const since = this.clock.monotonicMs();
    const alert = (): void => {
      this.parts.reports.onStuck(handler, this.clock.monotonicMs() - since);
      watch = this.clock.schedule(stuckAlertThresholdMs, alert);
    };
    let watch = this.clock.schedule(stuckAlertThresholdMs, alert);
    const resume = (goOn: () => void): void => {
      this.clock.cancel(watch);
      // A stop at its deadline abandons the handler: its late end must not touch a later transaction.
      if (this.stage !== 'awaiting' || this.parts.transaction.ordinal !== ordinal) return;
      goOn();
      this.parts.listener.onWake();
    };
    result.then(
      (value) =>
        resume(() => {
          if (this.work!.local?.call !== undefined) this.work!.result = value;
          this.dispatch();
        }),
      (error: unknown) => resume(() => this.fail(error, handler)),
    );
  }

  private seal(): void {
    const work = this.work!;
    const { sealer, transaction } = this.parts;
    try {
      sealer.seal(transaction, work, this.epoch, this.isEffectless);
    } catch (error) {
      this.fail(error, 'sealing the transaction');
      return;
    }
    this.append(work);
  }

  private append(work: Work): void {
    const { journal, sealer, handOver, listener } = this.parts;
    const result = journal.append(sealer.writer.bytes, sealer.writer.length);
    if (result === 'back-pressured') {
      this.stage = 'holding';
      return;
    }
    if (result === 'closed') {
      this.stage = 'closed';
      listener.onStop(
        new AepError('AEP_JOURNAL_CLOSED', 'fatal', 'the journal takes no more records: it failed or was closed', {}),
      );
      return;
    }
    this.stage = 'ready';
    this.work = undefined;
    handOver.sealed(work);
    if (this.stopAfterSeal === undefined) return;
    this.stage = 'closed';
    listener.onStop(this.stopAfterSeal);
  }

  // Failures (E16, E20–E22).

  private fail(thrown: unknown, handler: string): void {
    const { transaction, options, listener } = this.parts;
    const work = this.work!;
    if (transaction.isOpen) transaction.rollback();
    if (work.message === undefined) {
      this.refuse(work, asApplicationError(thrown, handler));
      return;
    }
    const verdict = this.failures.ofHandler(work, thrown, handler);
    if (options.haPolicy !== 'EventSourcing') {
      this.act(work, verdict);
      return;
    }
    this.stage = 'rebuilding';
    listener.onRebuild(() => {
      this.act(work, verdict);
      listener.onWake();
    });
  }

  private unhandled(work: Work, reason: UnhandledReason, detail: string): void {
    this.act(work, this.failures.ofUnhandled(work, reason, detail));
  }

  private act(work: Work, { cause, action }: Verdict): void {
    switch (action.kind) {
      case 'retry':
        this.stage = 'backing-off';
        this.clock.schedule(action.delayMs, () => this.retry(work));
        return;
      case 'stop':
        this.stage = 'closed';
        work.local?.onFailed?.(cause);
        this.parts.listener.onStop(cause);
        return;
      case 'continue':
      case 'quarantine':
        this.finishWithout(work, cause, action);
        return;
    }
  }

  private retry(work: Work): void {
    if (this.stage !== 'backing-off') return;
    work.attempt++;
    this.describe(work);
    this.position = 0;
    if (this.open(work)) this.dispatch();
    this.parts.listener.onWake();
  }

  /** Ends an event without the effects of its handlers; a quarantined message becomes a dead letter in the same transaction. */
  private finishWithout(work: Work, cause: AepError, action: FailureAction): void {
    const { transaction, deadLetters, counters } = this.parts;
    this.isEffectless = true;
    if (!this.open(work)) return;
    if (action.kind === 'quarantine') {
      this.stopAfterSeal = action.thenStop ? cause : undefined;
      transaction.change(deadLetters.entryFor(work, action.reason, cause, transaction.timeMs));
      counters.quarantined++;
      const typeName = work.message?.$type.fullName;
      if (typeName !== undefined) counters.ofType(typeName).quarantined++;
    }
    work.local?.onFailed?.(cause);
    this.seal();
  }

  /** A command, an unsolicited send: the caller has the error, there is no message to keep. */
  private refuse(work: Work, cause: AepError): void {
    assert(work.delivery === undefined, 'a delivery always ends in an acknowledgement');
    this.stage = 'ready';
    this.work = undefined;
    work.local?.onFailed?.(cause);
    disposeMessage(work);
    work.reset();
    this.parts.works.give(work);
  }
}

const NO_CHAIN: HandlerChain = { links: [], handled: true };

/** The chain of a local request that brings its own call; its result goes to whoever asked. */
function commandChain(work: Work): HandlerChain {
  const local = work.local!;
  return {
    handled: true,
    links: [{ name: local.label, isAsync: true, call: (_message, state) => (work.result = local.call!(state)) }],
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== undefined && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}
