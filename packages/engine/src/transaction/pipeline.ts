import { AepError, assert, type Clock, describeError, type ObjectPool, type Random, type RingQueue, toError } from '@aep/kernel';
import { disposeOwned } from '@aep/messages/internal';
import type { Checkpointer, Journal } from '@aep/store';
import type { HandlerChain, HandlerTable } from '../app/handler-table.js';
import { MessageEvent } from '../app/message-event.js';
import type { MessageFilterCall } from '../app/app-definition.js';
import type { UnhandledReason } from '../app/events.js';
import type { ConcludedEngineOptions } from '../engine-options.js';
import type { OutboundMessage } from '../messaging/outbound-message.js';
import type { DeadLetters } from '../services/dead-letters.js';
import type { EngineCounters, LatencyStatistics } from '../statistics.js';
import { type FailureAction, nextAction } from './exception-policy.js';
import type { HandlerScope } from './handler-scope.js';
import type { InFlight } from './in-flight.js';
import type { LoopTime } from './loop-time.js';
import type { OpenTransaction } from './open-transaction.js';
import type { SealedTransaction } from './sealed-transaction.js';
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
  onGap(work: Work, missing: number): void;
  onUnhandled(work: Work, reason: UnhandledReason, detail: string): void;
  onException(work: Work, cause: AepError, handler: string, action: FailureAction): void;
  onStuck(handler: string, waitedMs: number): void;
  /** Event sourcing: the state object was touched by a rolled-back handler. Calls `done` when it was replayed. */
  onRebuild(done: () => void): void;
}

export interface PipelineParts {
  readonly options: ConcludedEngineOptions;
  readonly inbound: RingQueue<Work>;
  readonly handlers: HandlerTable;
  readonly filters: readonly MessageFilterCall[];
  readonly transaction: OpenTransaction;
  readonly sealer: Sealer;
  readonly inFlight: InFlight;
  readonly journal: Journal;
  readonly checkpointer: Checkpointer;
  readonly deadLetters: DeadLetters;
  readonly scope: HandlerScope;
  readonly counters: EngineCounters;
  readonly latencies: LatencyStatistics | undefined;
  readonly time: LoopTime;
  readonly works: ObjectPool<Work>;
  readonly transactions: ObjectPool<SealedTransaction>;
  readonly outbound: ObjectPool<OutboundMessage>;
  readonly identity: { readonly senderId: number; readonly incarnation: number };
  /** A bus or the checkpoint has as much to do as it may: no event is taken (E43). */
  readonly isHeldBack: () => boolean;
  readonly listener: PipelineListener;
}

/**
 * Takes one event after the other from receive to seal (E31); from there `InFlight` takes over. This is the only place
 * where a transaction changes stage:
 *
 * ```
 * poll ─ dedupe ─ filter ─ begin ─ dispatch ─ seal ─ append ─> InFlight
 *                            └─ throw ─ rollback ─ retry | quarantine | log | stop   (E20)
 * ```
 */
export class Pipeline {
  stage: PipelineStage = 'closed';
  /** The application's state as handlers see it. */
  state: unknown;
  epoch = 0;
  readonly event = new MessageEvent();
  private work: Work | undefined;
  /** The handler that is awaited was entered through the scope, so its sends can be told from those of other code. */
  private isScoped = false;
  private chain: HandlerChain = NO_CHAIN;
  private position = 0;
  private quarantined = false;
  private stopAfterSeal: AepError | undefined;
  private handled = 0;
  private readonly clock: Clock;
  private readonly random: Random;

  constructor(private readonly parts: PipelineParts) {
    this.clock = parts.options.clock;
    this.random = parts.options.random;
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
    return this.stage === 'handling' || this.stage === 'rebuilding' || (this.stage === 'awaiting' && (!this.isScoped || this.parts.scope.isInside));
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
    if (this.stage === 'holding') this.append();
  }

  private takeDelivery(work: Work): void {
    const { handlers, counters, filters, listener } = this.parts;
    const port = work.port!;
    const { metadata, bytes, start, end } = work.delivery!;
    counters.received++;
    port.statistics.received++;
    port.statistics.bytesIn += end - start;
    const verdict = port.marks.classify(metadata);
    if (verdict === 'duplicate') {
      counters.duplicates++;
      port.statistics.duplicates++;
      this.acknowledgeOnly(work);
      return;
    }
    if (port.marks.missing > 0 && !port.isFiltered) listener.onGap(work, port.marks.missing);
    const type = handlers.types.find(metadata.factoryId, metadata.typeId);
    if (type === undefined) {
      this.unhandled(work, 'unknown-type', `no factory of the application has type ${metadata.typeId} of factory ${metadata.factoryId}`);
      return;
    }
    work.message = type.wrap(bytes, start, end);
    this.describe(work);
    if (filters.length > 0 && !this.accept(work)) return;
    const chain = handlers.chainFor(type, port.slot, port.source);
    if (!chain.handled) this.unhandled(work, 'no-handler', `no handler takes ${type.fullName} from channel ${port.where}`);
    else this.begin(work, chain);
  }

  private takeLocal(work: Work): void {
    const local = work.local!;
    const { message } = local;
    if (message === undefined) {
      const { call } = local;
      this.begin(work, call === undefined ? NO_CHAIN : { handled: true, links: [{ name: local.label, isAsync: false, call: (_message, state) => (work.result = call.call(local, state)) }] });
      return;
    }
    work.message = message;
    this.describe(work);
    const chain = this.parts.handlers.chainFor(message.$type, 0, undefined);
    if (!chain.handled) this.unhandled(work, 'no-handler', `no handler takes ${message.$type.fullName} from inside the process`);
    else this.begin(work, chain);
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
    try {
      for (const filter of this.parts.filters) {
        if (!filter(this.event)) {
          this.parts.counters.filtered++;
          work.port!.statistics.filtered++;
          this.acknowledgeOnly(work);
          return false;
        }
      }
      return true;
    } catch (error) {
      this.fail(error, 'the message filter');
      return false;
    }
  }

  private begin(work: Work, chain: HandlerChain): void {
    this.chain = chain;
    this.position = 0;
    this.quarantined = false;
    if (this.open(work)) this.dispatch();
  }

  /** Opens the transaction of an event; false when its local request has nothing to do any more. */
  private open(work: Work): boolean {
    const { transaction } = this.parts;
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
    this.acknowledgeOnly(work);
    return false;
  }

  /** Calls hooks and handlers from `position` on until one is asynchronous or all are done. */
  private dispatch(): void {
    const { links } = this.chain;
    const message = this.work!.message!;
    this.stage = 'handling';
    const startedMs = this.isSampled() ? this.clock.monotonicMs() : 0;
    try {
      while (this.position < links.length) {
        const link = links[this.position++]!;
        const result = link.isAsync ? this.parts.scope.run(() => link.call(message, this.state, this.event)) : link.call(message, this.state, this.event);
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
    this.seal();
  }

  /** One event in sixteen pays for two readings of the clock. */
  private isSampled(): boolean {
    return (this.handled++ & 15) === 0 && this.parts.latencies !== undefined;
  }

  private await(result: PromiseLike<unknown>, handler: string): void {
    const { ordinal } = this.parts.transaction;
    const { stuckAlertThresholdMs } = this.parts.options.limits;
    this.stage = 'awaiting';
    const since = this.clock.monotonicMs();
    const alert = (): void => {
      this.parts.listener.onStuck(handler, this.clock.monotonicMs() - since);
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
      (value) => resume(() => {
        if (this.work!.local?.call !== undefined) this.work!.result = value;
        this.dispatch();
      }),
      (error: unknown) => resume(() => this.fail(error, handler)),
    );
  }

  private seal(): void {
    const work = this.work!;
    try {
      this.parts.sealer.seal(this.parts.transaction, work, this.epoch, this.quarantined);
    } catch (error) {
      this.fail(error, 'sealing the transaction');
      return;
    }
    this.append();
  }

  private append(): void {
    const { journal, sealer } = this.parts;
    const result = journal.append(sealer.writer.bytes, sealer.writer.length);
    if (result === 'back-pressured') {
      this.stage = 'holding';
      return;
    }
    if (result === 'closed') {
      this.stage = 'closed';
      this.parts.listener.onStop(new AepError('AEP_JOURNAL_CLOSED', 'fatal', 'the journal takes no more records: it failed or was closed', {}));
      return;
    }
    this.hand(this.work!);
    this.stage = 'ready';
    if (this.stopAfterSeal !== undefined) {
      this.stage = 'closed';
      this.parts.listener.onStop(this.stopAfterSeal);
    }
  }

  /** The record is in the journal's open batch: the transaction is in flight, and its objects are free for the next. */
  private hand(work: Work): void {
    const { transaction, transactions, journal, sealer, inFlight, counters, time, checkpointer } = this.parts;
    const sealed = transactions.take();
    sealed.txId = journal.lastTxId;
    sealed.work = work;
    sealed.hasRecord = true;
    const { bytes, start } = journal.appended;
    checkpointer.append(sealed.txId, bytes, start, sealer.writer.length);
    sealed.sealedAtMs = time.nowMs;
    sealed.ackToken = transaction.ackToken;
    for (let index = 0; index < transaction.draftCount; index++) this.handOutbound(sealed, index, bytes, start);
    for (const callback of transaction.callbacks) sealed.afterStable.push(callback);
    for (const change of transaction.changes) change.onSealed?.();
    transaction.close();
    counters.transactions++;
    if (!this.quarantined) counters.handled++;
    counters.sent += sealed.outbound.length;
    this.disposeMessage(work);
    this.work = undefined;
    inFlight.push(sealed);
  }

  private handOutbound(sealed: SealedTransaction, index: number, bytes: Uint8Array, start: number): void {
    const { transaction, sealer, outbound, identity } = this.parts;
    const draft = transaction.drafts[index]!;
    const place = sealer.sealedDrafts[index]!;
    const message = outbound.take();
    message.port = draft.port;
    message.key = draft.key;
    message.bytes = bytes;
    message.start = start + place.offset;
    message.end = start + place.end;
    message.transaction = sealed;
    const { metadata } = message;
    const type = draft.message.$type;
    metadata.factoryId = type.factoryId;
    metadata.typeId = type.typeId;
    metadata.senderId = identity.senderId;
    metadata.incarnation = identity.incarnation;
    metadata.flow = draft.flow;
    metadata.sno = place.sno;
    metadata.channelSno = place.channelSno;
    metadata.possibleDuplicate = false;
    metadata.sentAtMs = transaction.timeMs;
    metadata.traceparent = draft.traceparent === '' ? undefined : draft.traceparent;
    sealed.outbound.push(message);
  }

  // Failures (E20–E22).

  private fail(thrown: unknown, handler: string): void {
    const { transaction, options, counters, listener } = this.parts;
    const work = this.work!;
    if (transaction.isOpen) transaction.rollback();
    const cause = asApplicationError(thrown, handler);
    if (work.message === undefined) {
      // A command, an unsolicited send: the caller has the error, no message is to be kept.
      this.stage = 'ready';
      work.local?.onFailed?.(cause);
      this.discard(work);
      return;
    }
    const typeName = work.message.$type.fullName;
    if (cause.code === 'AEP_MESSAGE_MALFORMED') {
      this.rebuildThen(() => this.unhandled(work, 'malformed', cause.message));
      return;
    }
    counters.failed++;
    counters.ofType(typeName).failed++;
    const action = nextAction(options.policies, typeName, work.attempt);
    listener.onException(work, cause, handler, action);
    this.rebuildThen(() => this.act(action, work, cause));
  }

  private rebuildThen(goOn: () => void): void {
    if (this.parts.options.haPolicy !== 'EventSourcing') {
      goOn();
      return;
    }
    this.stage = 'rebuilding';
    this.parts.listener.onRebuild(() => {
      goOn();
      this.parts.listener.onWake();
    });
  }

  private act(action: FailureAction, work: Work, cause: AepError): void {
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
        this.finishWithout(work, cause, undefined);
        return;
      case 'quarantine':
        this.stopAfterSeal = action.thenStop ? cause : undefined;
        this.finishWithout(work, cause, cause.code);
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

  /** Ends an event without the effects of its handlers; with a reason its message becomes a dead letter (E20). */
  private finishWithout(work: Work, cause: AepError, reason: string | undefined): void {
    const { transaction, deadLetters, counters } = this.parts;
    this.quarantined = true;
    if (!this.open(work)) return;
    if (reason !== undefined) {
      transaction.change(deadLetters.entryFor(work, reason, cause, transaction.timeMs));
      counters.quarantined++;
      const typeName = work.message?.$type.fullName;
      if (typeName !== undefined) counters.ofType(typeName).quarantined++;
    }
    work.local?.onFailed?.(cause);
    this.seal();
  }

  /** E16. */
  private unhandled(work: Work, reason: UnhandledReason, detail: string): void {
    const { options, counters, listener } = this.parts;
    counters.unhandled++;
    listener.onUnhandled(work, reason, detail);
    const cause = new AepError('AEP_MESSAGE_UNHANDLED', 'reject', detail, { reason });
    const policy = options.policies.unhandledMessage;
    if (policy === 'Stop') this.act({ kind: 'stop' }, work, cause);
    else this.finishWithout(work, cause, policy === 'DeadLetter' ? `unhandled: ${reason}` : undefined);
  }

  private acknowledgeOnly(work: Work): void {
    const { transactions, journal, inFlight } = this.parts;
    this.disposeMessage(work);
    const sealed = transactions.take();
    sealed.txId = journal.lastTxId;
    sealed.work = work;
    this.work = undefined;
    inFlight.pushAcknowledgeOnly(sealed);
  }

  private disposeMessage(work: Work): void {
    if (work.message === undefined) return;
    disposeOwned(work.message);
    work.message = undefined;
  }

  private discard(work: Work): void {
    assert(work.delivery === undefined, 'a delivery always ends in an acknowledgement');
    this.disposeMessage(work);
    this.work = undefined;
    work.reset();
    this.parts.works.give(work);
  }
}

const NO_CHAIN: HandlerChain = { links: [], handled: true };

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== undefined && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

function asApplicationError(thrown: unknown, handler: string): AepError {
  if (thrown instanceof AepError) return thrown;
  const error = toError(thrown);
  return new AepError('AEP_HANDLER_FAILED', 'reject', `${handler} threw ${describeError(error)}`, { handler }, error);
}
