import { AepError } from '@aep/kernel';
import type { MessageView } from '@aep/messages';
import { LocalCause, type Store } from '@aep/store';
import { BehaviorSubject, type Observable } from 'rxjs';
import type { AppDefinition, CommandSpec } from './app/app-definition.js';
import { appFromInstance } from './app/app-from-class.js';
import { claimApp } from './app/app-use.js';
import { AppBuilder } from './app/define-app.js';
import type { AlertEvent, Role } from './app/events.js';
import { StuckAlert } from './app/events.js';
import type { EngineCore } from './engine-core.js';
import { outsideHandler, stopped } from './engine-errors.js';
import { EngineLifecycle, type EngineState, type StopReport } from './engine-lifecycle.js';
import { type ConcludedEngineOptions, concludeEngineOptions, type EngineOptions } from './engine-options.js';
import { readStatistics } from './engine-statistics.js';
import type { BusPort } from './messaging/bus-port.js';
import type { ChannelPort } from './messaging/channel-port.js';
import type { MessagingState } from './messaging/messaging.js';
import { type AnyChannels, type ChannelMap, type OfferResult, Sender, type SenderPort } from './sender.js';
import type { BackupReplay, BackupReplayListener } from './replay/backup-replay.js';
import { AckToken } from './services/ack-token.js';
import { ChangeReader, type ChangeReaderOptions } from './services/change-readers.js';
import { concludeArguments, findCommand } from './services/commands.js';
import type { DeadLetters } from './services/dead-letters.js';
import { EventDispatcher } from './services/event-dispatcher.js';
import type { ReplayReport } from './services/event-sourcing.js';
import type { Schedule, TimerInfo } from './services/timers.js';
import type { EngineStatistics } from './statistics.js';
import type { OpenTransaction, Savepoint } from './transaction/open-transaction.js';
import type { LocalRequest } from './transaction/work.js';

/**
 * Runs one application: a single writer over one journal. Everything that handlers do in one event is one transaction;
 * nothing leaves before it is stable (E30, E31).
 *
 * Ownership: the engine opens and closes its store and its bindings. Make it with {@link createEngine}, then `start`.
 */
export class Engine<S = unknown> {
  readonly name: string;
  readonly app: AppDefinition;
  readonly options: ConcludedEngineOptions;
  /** Completes after `stopped`. */
  readonly state$: Observable<EngineState>;
  readonly messaging$: Observable<MessagingState>;
  readonly role$: Observable<Role>;
  readonly alerts$: Observable<AlertEvent>;
  private readonly sender: Sender<never>;
  private readonly lifecycle: EngineLifecycle;

  constructor(options: EngineOptions) {
    this.app = definitionOf(options.app, options.name);
    this.options = concludeEngineOptions(options, this.app);
    this.name = this.options.name;
    const events = new EventDispatcher(this.app, this.name, this.options.log);
    const streams = {
      state: new BehaviorSubject<EngineState>('created'),
      messaging: new BehaviorSubject<MessagingState>('stopped'),
      role: new BehaviorSubject<Role>('primary'),
    };
    this.state$ = streams.state.asObservable();
    this.messaging$ = streams.messaging.asObservable();
    this.role$ = streams.role.asObservable();
    this.alerts$ = events.alerts$;
    this.sender = new Sender<never>(this.senderPort());
    const claim = (): void => claimApp(options.app, this.app, this);
    this.lifecycle = new EngineLifecycle({
      options: this.options,
      events,
      streams,
      engine: this,
      sender: this.sender,
      claim,
    });
  }

  get state(): EngineState {
    return this.lifecycle.state;
  }

  get messagingState(): MessagingState {
    return this.lifecycle.messagingState;
  }

  /** Settles when the engine has stopped, whoever asked for it. */
  get stopped(): Promise<StopReport> {
    return this.lifecycle.stopped;
  }

  /**
   * Opens the store, recovers, opens the buses (E1); resolves when the engine is active. When a phase fails, what was opened
   * is closed again and the error names phase, thing and cause (E6).
   */
  start(): Promise<void> {
    return this.lifecycle.start();
  }

  /**
   * Event sourcing on a backup (H11): runs the handlers on the records of a store that another member writes, so that the state
   * is there when this one becomes the primary; then `start` goes on with it. Until then the engine's role is backup, its state
   * stays `created`, nothing is sent, injected messages are refused, and `read` shows the state.
   *
   * @param store with everything up to its `tables.appliedTxId`; the records behind it are given to what is returned
   * @throws AEP_CANNOT_FOLLOW; AEP_CONFIGURED_MISSING
   */
  follow(store: Store, listener: BackupReplayListener): Promise<BackupReplay> {
    return this.lifecycle.follow(store, listener);
  }

  /**
   * Stops as E4 says; with a cause nothing more is taken and joins are kept. A second call answers the first one's promise.
   *
   * @param deadlineMs for draining. @default limits.stopDeadlineMs
   */
  stop(cause?: AepError, deadlineMs?: number): Promise<StopReport> {
    return this.lifecycle.stop(cause, deadlineMs);
  }

  /** The sender, typed with the application's channels. */
  senderFor<C extends ChannelMap = AnyChannels>(): Sender<C> {
    return this.sender;
  }

  /**
   * Looks at the state between transactions; changing it throws.
   *
   * @throws AEP_STATE_BUSY (retry) while a handler is at work
   */
  read<R>(look: (state: S) => R): R {
    const { pipeline } = this.core;
    if (this.core.transaction.isOpen) {
      throw new AepError(
        'AEP_STATE_BUSY',
        'retry',
        `engine "${this.name}" is handling an event; read the state after it, or inside a handler`,
        { engine: this.name },
      );
    }
    return look(pipeline.state as S);
  }

  /**
   * Hands a message to the handlers as a local event; resolves when its transaction is stable. The message belongs to the engine.
   * A priority event goes before all that waits and closes the open commit (E33).
   *
   * @throws AEP_ENGINE_BUSY, AEP_ENGINE_STOPPED, and the error of a message that was quarantined
   */
  async inject(
    message: MessageView,
    options: { readonly delayMs?: number; readonly priority?: boolean } = {},
  ): Promise<void> {
    const request = this.injection(message);
    if (options.delayMs !== undefined && options.delayMs > 0) {
      await new Promise<void>((resolve) => this.options.clock.schedule(options.delayMs!, resolve));
    }
    await this.core.submit(request, options.priority ?? false);
  }

  /** As {@link inject} without a promise; at `back-pressured` the message is still the caller's: see {@link whenWritable}. */
  offer(message: MessageView): OfferResult {
    return this.offerWork(() => this.injection(message));
  }

  /** Resolves when the queue of inbound events is at most half full; rejects with AEP_ENGINE_STOPPED, or the cause, when a stop begins. */
  whenWritable(): Promise<void> {
    return this.lifecycle.when((core) => core.inbound.size <= core.inbound.capacityMax / 2, true);
  }

  /** Resolves when nothing is queued, handled, in flight or unconfirmed. */
  whenIdle(): Promise<void> {
    return this.lifecycle.when((core) => core.isIdle);
  }

  /** Runs a command of the application as a transaction (E101). @throws AEP_COMMAND_UNKNOWN, AEP_COMMAND_ARGUMENTS, what the command throws */
  async execute(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const spec = findCommand(this.app.commands, name);
    const concluded = concludeArguments(spec, args);
    return await this.core.submit({
      origin: 'command',
      cause: LocalCause.command,
      label: name,
      payload: Buffer.from(JSON.stringify(concluded), 'utf8'),
      call: (state) => spec.call(concluded, state),
    });
  }

  get commands(): readonly CommandSpec[] {
    return this.app.commands;
  }

  // For handlers.

  /** The time of the transaction, the same in a replay (E60); outside of handlers the wall time. Milliseconds since 1970. */
  now(): number {
    const transaction = this.openTransaction();
    return transaction?.timeMs ?? this.options.clock.wallMs();
  }

  /** A number in [0, 1), the same in a replay. */
  random(): number {
    return this.openTransaction()?.nextRandom() ?? this.options.random.float();
  }

  /** An id that no other transaction of any engine has, the same in a replay. */
  newId(): string {
    const transaction = this.openTransaction();
    const { identity } = this.core.store;
    if (transaction === undefined)
      return `${this.name}-${this.options.random.uint32().toString(36)}${this.options.random.uint32().toString(36)}`;
    return `${this.name}-${identity.incarnation.toString(36)}-${transaction.txId}-${transaction.nextId()}`;
  }

  /** Inside a handler: a journaled timer (E63). Returns its id. @throws AEP_OUTSIDE_HANDLER, AEP_SCHEDULE_INVALID, AEP_TIMERS_FULL */
  schedule(message: MessageView, schedule: Schedule): string {
    return this.core.timers.schedule(this.transactionFor('schedule'), message, schedule, () => this.newId());
  }

  /** Inside a handler: removes a timer; false when there is none of this id. */
  cancel(id: string): boolean {
    return this.core.timers.cancel(this.transactionFor('cancel'), id);
  }

  get timers(): readonly TimerInfo[] {
    return this.core.timers.list();
  }

  /** Inside a handler: calls back once the transaction is stable; not at all when it is rolled back. */
  afterStable(callback: () => void): void {
    this.transactionFor('afterStable').callbacks.push(callback);
  }

  /** Inside a handler: see {@link AckToken} (E64). @param options.timeoutMs raises an alert naming the handler. @default limits.delayedAckTimeoutMs */
  delayAcknowledgment(options: { readonly timeoutMs?: number } = {}): AckToken {
    const transaction = this.transactionFor('delayAcknowledgment');
    const { clock, limits } = this.options;
    const timeoutMs = options.timeoutMs ?? limits.delayedAckTimeoutMs;
    const { core } = this;
    const handler = core.pipeline.handlerName;
    const token = new AckToken({
      clock,
      handler,
      timeoutMs,
      previous: transaction.ackToken,
      onAcknowledged: () => clock.defer(() => this.lifecycle.core?.onAckReleased()),
      onTimeout: () => core.alert(new StuckAlert(this.name, `the acknowledgement delayed by ${handler}`, timeoutMs)),
    });
    transaction.ackToken = token;
    return token;
  }

  /** Inside a handler (E36). */
  savepoint(): Savepoint {
    return this.transactionFor('savepoint').savepoint();
  }

  /** Undoes state changes, sends and timers made after the savepoint (E36). */
  rollbackTo(savepoint: Savepoint): void {
    this.transactionFor('rollbackTo').rollbackTo(savepoint);
  }

  // For operators.

  get deadLetters(): DeadLetters {
    return this.core.deadLetters;
  }

  statistics(): EngineStatistics {
    return readStatistics(this.name, this.lifecycle);
  }

  /** Event sourcing: replays from the last snapshot and compares (E60). Waits until the engine is idle. @throws AEP_NOT_EVENT_SOURCED */
  async verifyReplay(): Promise<ReplayReport> {
    const { eventSourcing } = this.lifecycle;
    if (eventSourcing === undefined) {
      throw new AepError(
        'AEP_NOT_EVENT_SOURCED',
        'reject',
        `engine "${this.name}" replicates state changes; a replay is compared for event-sourced applications`,
        { engine: this.name },
      );
    }
    await this.whenIdle();
    return await eventSourcing.verify();
  }

  /**
   * The stable transactions, in order, and then the new ones (E103); with a name, a durable and resumable reader.
   *
   * @throws AEP_ENGINE_STOPPED, also on a backup: what is durable there may still be cut
   */
  changes(options: ChangeReaderOptions = {}): ChangeReader {
    const { core } = this;
    if (this.lifecycle.role === 'backup') throw stopped(this.name);
    const stopping = this.lifecycle.stopSignal;
    return new ChangeReader(options, { core, stopping, openTransaction: () => this.openTransaction() });
  }

  private get core(): EngineCore {
    const { core, state } = this.lifecycle;
    if (core === undefined || state === 'stopped') throw stopped(this.name);
    return core;
  }

  private openTransaction(): OpenTransaction | undefined {
    const { core } = this.lifecycle;
    return core?.pipeline.isInTransaction === true ? core.transaction : undefined;
  }

  private transactionFor(call: string): OpenTransaction {
    const transaction = this.openTransaction();
    if (transaction === undefined) throw outsideHandler(this.name, call);
    return transaction;
  }

  private injection(message: MessageView): LocalRequest {
    const type = message.$type;
    // Handlers see an immutable view, also on a retry; the caller's object goes back to its pool.
    const view = type.wrap(message.toBytes());
    message.dispose();
    return { origin: 'injected', cause: LocalCause.injected, label: type.fullName, message: view };
  }

  private senderPort(): SenderPort {
    const buses = (): ReadonlyMap<string, BusPort> => this.core.messaging.buses;
    const isInTransaction = (): boolean => this.openTransaction() !== undefined;
    return {
      get buses() {
        return buses();
      },
      get isInTransaction() {
        return isInTransaction();
      },
      sendSolicited: (port, message, options) => {
        const transaction = this.transactionFor('send');
        if (message === this.core.pipeline.event.message) throw sendsInbound(port, message);
        transaction.send(port, message, options.key ?? port.resolveKey(message, options.table), options);
      },
      sendUnsolicited: async (port, message, options) => {
        await this.core.submit(this.lifecycle.idempotency.request(this.core, port, message, options));
      },
      offerUnsolicited: (port, message, options) =>
        this.offerWork((core) => this.lifecycle.idempotency.request(core, port, message, options)),
    };
  }

  /** Offers what `make` makes; at `closed` and `back-pressured` nothing was made and the caller still owns its message. */
  private offerWork(make: (core: EngineCore) => LocalRequest): OfferResult {
    const { core } = this.lifecycle;
    if (core === undefined || core.pipeline.stage === 'closed') return 'closed';
    return core.inbound.isFull ? 'back-pressured' : core.offer(make(core));
  }
}

/** @throws AEP_OPTIONS_INVALID, AEP_APP_INVALID, AEP_HANDLER_TYPE, AEP_TYPE_ID_CLASH, AEP_CHANNEL_UNKNOWN */
export function createEngine<S = unknown>(options: EngineOptions): Engine<S> {
  return new Engine<S>(options);
}

function definitionOf(app: object, name: string | undefined): AppDefinition {
  if (app instanceof AppBuilder) return app.definition;
  if ('messageHandlers' in app) return app as AppDefinition;
  return appFromInstance(app, name);
}

/** The view ends with its handlers and other handlers may still read it. */
function sendsInbound(port: ChannelPort, message: MessageView): AepError {
  const type = message.$type.fullName;
  return new AepError(
    'AEP_SEND_INBOUND',
    'reject',
    `channel ${port.where}: a received ${type} cannot be sent on as it is: send its copy()`,
    { channel: port.where, type },
  );
}
