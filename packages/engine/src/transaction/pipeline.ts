import { AepError, assert, type Clock, type ObjectPool, type Random, type RingQueue } from '@aep/kernel';
import type { Journal } from '@aep/store';
import { type ChainLink, type HandlerChain, isThenable } from '../app/handler-table.js';
import type { MessageEvent } from '../app/message-event.js';
import type { ConcludedEngineOptions } from '../engine-options.js';
import type { DeadLetters } from '../services/dead-letters.js';
import type { EngineCounters, LatencyStatistics } from '../statistics.js';
import { asApplicationError, type FailureAction, Failures, type FailureListener, type Verdict } from './failures.js';
import { disposeMessage, type HandOver } from './hand-over.js';
import type { HandlerScope } from './handler-scope.js';
import type { InFlight } from './in-flight.js';
import { type DedupeReports, type Intake, NO_CHAIN } from './intake.js';
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
export interface Reports extends FailureListener, DedupeReports {
  onStuck(handler: string, waitedMs: number): void;
}

export interface PipelineParts {
  readonly options: ConcludedEngineOptions;
  readonly inbound: RingQueue<Work>;
  readonly intake: Intake;
  readonly event: MessageEvent;
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

const NOT_SAMPLED = -1;

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
  readonly event: MessageEvent;
  private work: Work | undefined;
  private chain: HandlerChain = NO_CHAIN;
  private position = 0;
  /** The open transaction ends an event without the effects of its handlers. */
  private isEffectless = false;
  private stopAfterSeal: AepError | undefined;
  /** The handler that is awaited was entered through the scope, so its sends can be told from those of other code. */
  private isScoped = false;
  private dispatched = 0;
  /** When the first link of the chain was called. */
  private startedMs = NOT_SAMPLED;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly failures: Failures;

  constructor(private readonly parts: PipelineParts) {
    this.event = parts.event;
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
    if (work.delivery !== undefined && this.parts.intake.isDuplicate(work)) this.acknowledgeOnly(work);
    else this.attempt(work);
    return true;
  }

  /** Whether code that runs now acts for the open transaction: its sends are solicited (E40). */
  get isInTransaction(): boolean {
    if (this.stage === 'handling') return true;
    const { scope, transaction } = this.parts;
    if (this.stage === 'awaiting') return !this.isScoped || scope.isInside(transaction.ordinal);
    return this.stage === 'rebuilding' && transaction.isOpen && scope.isInside(transaction.ordinal);
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

  /** What a stop at its deadline is told; undefined when no event is being handled. */
  describeHold(): string | undefined {
    if (this.stage === 'awaiting') return `handler ${this.handlerName} has not finished`;
    if (this.stage === 'backing-off') return `an event of ${this.handlerName} waits for its retry`;
    if (this.stage === 'holding') return 'a record waits for room in the journal';
    return this.stage === 'rebuilding' ? 'the state is being replayed' : undefined;
  }

  /** The engine has stopped: the event that was being handled comes again, its local request never will. */
  abandon(error: AepError): void {
    this.stage = 'closed';
    const { work } = this;
    this.work = undefined;
    work?.local?.onFailed?.(error);
  }

  /** One attempt at an event, from the first look to the seal. */
  private attempt(work: Work): void {
    const { intake } = this.parts;
    this.isEffectless = false;
    this.position = 0;
    let admission;
    try {
      admission = intake.examine(work);
    } catch (error) {
      this.fail(error, 'the message filter');
      return;
    }
    if (admission === 'filtered') this.acknowledgeOnly(work);
    else if (admission === 'unhandled') this.act(work, this.failures.ofUnhandled(work, intake.reason, intake.detail));
    else if (this.open(work)) {
      this.chain = intake.chain;
      this.dispatch();
    }
  }

  /** An event without effects: a duplicate, a filtered one, a request that has nothing to do any more. */
  private acknowledgeOnly(work: Work): void {
    this.stage = 'ready';
    this.work = undefined;
    this.parts.handOver.acknowledgeOnly(work);
  }

  /** Opens the transaction of an event; false when its local request has nothing to do any more. */
  private open(work: Work): boolean {
    const { transaction, journal } = this.parts;
    transaction.begin(journal.lastTxId + 1, this.clock.wallMs(), this.random.uint32());
    const { local } = work;
    if (local?.prepare === undefined) return true;
    try {
      if (local.prepare(transaction) === 'run') return true;
    } catch (error) {
      this.fail(error, local.label);
      return false;
    }
    transaction.rollback();
    // It answers when what came before is stable: a repeat must not be confirmed earlier than its original.
    this.acknowledgeOnly(work);
    return false;
  }

  /** Calls hooks and handlers from `position` on until one is asynchronous or all are done. */
  private dispatch(): void {
    const { links, statistics } = this.chain;
    this.stage = 'handling';
    if (this.position === 0) this.startedMs = this.isSampled() ? this.clock.monotonicMs() : NOT_SAMPLED;
    try {
      while (this.position < links.length) {
        const link = links[this.position++]!;
        const isScoped = link.mode !== 'sync';
        const result = isScoped ? this.callInScope(link) : this.call(link);
        if (isThenable(result)) {
          this.isScoped = isScoped;
          link.mode = 'async';
          this.await(result, link.name);
          return;
        }
        if (link.mode === 'unknown') link.mode = 'sync';
      }
    } catch (error) {
      this.fail(error, links[this.position - 1]!.name);
      return;
    }
    if (this.startedMs !== NOT_SAMPLED)
      this.parts.latencies!.handler.record((this.clock.monotonicMs() - this.startedMs) * 1000);
    this.parts.counters.handled++;
    if (statistics !== undefined) statistics.handled++;
    this.seal();
  }

  private call(link: ChainLink): unknown {
    return link.call(this.work!.message!, this.state, this.event);
  }

  private callInScope(link: ChainLink): unknown {
    const { scope, transaction } = this.parts;
    return scope.run(transaction.ordinal, () => this.call(link));
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
      if (this.isEffectless) this.giveUp(work, asApplicationError(error, 'setting the message aside'));
      else this.fail(error, 'sealing the transaction');
      return;
    }
    this.append(work);
  }

  private append(work: Work): void {
    const { journal, sealer, handOver, listener } = this.parts;
    const result = journal.append(sealer.writer.bytes, sealer.writer.length, sealer.writer.start);
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
    const hasRun = transaction.isOpen && this.position > 0;
    if (transaction.isOpen) transaction.rollback();
    const verdict = this.failures.ofHandler(work, thrown, handler);
    if (options.haPolicy !== 'EventSourcing' || !hasRun) {
      this.act(work, verdict);
      return;
    }
    this.stage = 'rebuilding';
    listener.onRebuild(() => {
      if (this.stage !== 'rebuilding') return; // stopped meanwhile
      this.act(work, verdict);
      listener.onWake();
    });
  }

  private act(work: Work, { cause, action }: Verdict): void {
    switch (action.kind) {
      case 'retry':
        this.stage = 'backing-off';
        this.clock.schedule(action.delayMs, () => this.retry(work));
        return;
      case 'stop':
        this.giveUp(work, cause);
        return;
      case 'refuse':
        this.refuse(work, cause);
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
    this.attempt(work);
    this.parts.listener.onWake();
  }

  /** The event stays unacknowledged and the engine stops: it comes again to whoever runs next (E20). */
  private giveUp(work: Work, cause: AepError): void {
    const { transaction, listener } = this.parts;
    if (transaction.isOpen) transaction.rollback();
    this.stage = 'closed';
    this.work = undefined;
    work.local?.onFailed?.(cause);
    listener.onStop(cause);
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
