import type { AlertEvent, Engine } from '@aep/engine';
import { AepError, type LogLine, type VirtualClock } from '@aep/kernel';
import type { MessageClass, MessageView } from '@aep/messages';
import type { CrashOutcome, MemoryStore } from '@aep/store';
import type { FromOutside } from '../bus/outside.js';
import type { RecordingProvider } from '../bus/recording-provider.js';
import type { AlertClass, ExpectedDeadLetter, ExpectedTimer } from '../then/checks.js';
import type { ExpectedMessage } from '../then/sent-message.js';
import type { HandlerFault } from '../app/handler-faults.js';
import type { Actions, Injection } from './actions.js';
import type { Leftovers } from './closing.js';
import type { PlannedCrash } from './crash-plan.js';
import { always, type Messages, Steps } from './steps.js';

type Sentence<C, A extends object, S> = Steps<C, A, S, TestKit<C, A, S>>;

/**
 * One application under test: given a state, when something happens, then this is what it does. Everything runs on a virtual
 * clock over a store and a bus in memory; when a step is awaited, all that follows from it at that moment has happened.
 *
 * `given…`, `when…`, `crash`, `restart`, `stop` are awaited; they may be chained, with checks in between. A check by itself
 * is a plain call that throws. Checks are about the *window*: what happened since the first `when` after the last check.
 */
export class TestKit<C = object, A extends object = object, S = unknown> {
  private tail: Promise<void> = Promise.resolve();
  private readonly sentences: Sentence<C, A, S>[] = [];

  /** @internal made by `testApp` and `testWorld`, which says how the whole ends */
  constructor(
    private readonly actions: Actions<A, S>,
    private readonly end: () => Promise<void>,
  ) {}

  /** The application of the present life of the process. */
  get app(): A {
    return this.actions.process.app;
  }

  /** @throws AEP_TEST_NOT_RUNNING */
  get engine(): Engine<S> {
    return this.actions.process.engine;
  }

  /** The simulated disk; `store.faults` makes it fail. A crash makes a new one, without faults. */
  get store(): MemoryStore {
    return this.actions.process.store;
  }

  /** What crossed the bus, and the switches by which it fails. */
  get bus(): RecordingProvider {
    return this.actions.world.bus;
  }

  get clock(): VirtualClock {
    return this.actions.world.time.clock;
  }

  /** From now on handlers of this type fail, as often as the fault says; a restart does not end it. */
  failHandlers(type: MessageClass, fault: HandlerFault = {}): this {
    this.actions.process.faults.plan(type, fault);
    return this;
  }

  /**
   * The process will die before the callback of this number (0, 1, …) that runs in a step, and be started again at once;
   * {@link everyCrash} goes through all of them.
   */
  planCrash(callback: number, outcome: CrashOutcome = 'lost'): PlannedCrash {
    return this.actions.planCrash(callback, outcome);
  }

  /** The newest lines of the engine's log. */
  get log(): readonly LogLine[] {
    return this.actions.process.log;
  }

  /** Changes the state in a transaction of its own; what that sends or alerts is not part of what is checked. @throws AEP_TEST_GIVEN_STATE */
  given(change: (state: S) => unknown): Sentence<C, A, S>;
  /** The application has handled these messages before; what it did is not part of what is checked. */
  given<N extends keyof C & string>(channel: N, messages: Messages<C[N]>, from?: FromOutside): Sentence<C, A, S>;
  given(what: string | ((state: S) => unknown), messages?: unknown, from?: FromOutside): Sentence<C, A, S> {
    return this.begin().given(what as never, messages as never, from);
  }

  /**
   * Messages arrive over the bus, with a key by the channel's template and the next numbers of their sender. The kit takes them over.
   *
   * @throws AEP_TEST_CHANNEL_UNKNOWN, AEP_TEST_NOT_JOINED
   */
  when<N extends keyof C & string>(channel: N, messages: Messages<C[N]>, from?: FromOutside): Sentence<C, A, S> {
    return this.begin().when(channel, messages, from);
  }

  /** An event from inside the process. */
  whenInjected(message: MessageView, options?: Injection): Sentence<C, A, S> {
    return this.begin().whenInjected(message, options);
  }

  /** Timers that fall due in this time fire, each at its moment. */
  whenTimeAdvances(durationMs: number): Sentence<C, A, S> {
    return this.begin().whenTimeAdvances(durationMs);
  }

  /** Runs a command; `thenAnswered` compares its answer. @throws what the command throws */
  whenCommand(name: string, args?: Readonly<Record<string, unknown>>): Sentence<C, A, S> {
    return this.begin().whenCommand(name, args);
  }

  /** The bus delivers the last message a second time, as it does when an acknowledgement was lost. */
  redeliverLast(): Sentence<C, A, S> {
    return this.begin().redeliverLast();
  }

  /** The process dies. What its store was writing is lost, or what `outcome` says; the bus keeps what was not acknowledged. */
  crash(outcome?: CrashOutcome): Sentence<C, A, S> {
    return this.begin().crash(outcome);
  }

  /** Starts a new process on what the last one left; the bus delivers again what was not acknowledged. */
  restart(): Sentence<C, A, S> {
    return this.begin().restart();
  }

  /** An orderly stop (E4). */
  stop(): Sentence<C, A, S> {
    return this.begin().stop();
  }

  /** Exactly these messages were sent on the channel, in this order. @throws AEP_TEST_SENT with the differences */
  thenSent<N extends keyof C & string>(channel: N, expected: readonly ExpectedMessage<C[N]>[]): this {
    return this.look(() => this.actions.sent(channel, expected));
  }

  /** Nothing was sent on the channel, or on any. @throws AEP_TEST_SENT */
  thenNothingSent(channel?: keyof C & string): this {
    return this.look(() => this.actions.nothingSent(channel));
  }

  /** Looks at the state of the last transaction. @throws what `look` throws; AEP_TEST_STATE when it answers false */
  thenState(look: (state: S) => unknown): this {
    return this.look(() => this.actions.state(look));
  }

  /** Exactly these dead letters are there; none when called without any. @throws AEP_TEST_DEAD_LETTERED */
  thenDeadLettered(...expected: readonly ExpectedDeadLetter[]): this {
    return this.look(() => this.actions.deadLettered(expected));
  }

  /** At least one alert of the class was raised. @throws AEP_TEST_ALERT */
  thenAlert<E extends AlertEvent>(type: AlertClass<E>, isMeant: (alert: E) => boolean = always): this {
    return this.look(() => this.actions.alert(type, isMeant));
  }

  /** @throws AEP_TEST_ALERT */
  thenNoAlerts(): this {
    return this.look(() => this.actions.noAlerts());
  }

  /** Exactly these timers wait, in the order in which they fall due. @throws AEP_TEST_TIMERS */
  thenTimers(expected: readonly ExpectedTimer[]): this {
    return this.look(() => this.actions.timers(expected));
  }

  /** So many messages were acknowledged to the bus. @throws AEP_TEST_ACKNOWLEDGED */
  thenAcknowledged(count: number): this {
    return this.look(() => this.actions.acknowledged(count));
  }

  /** The engine has stopped by itself, with this code as the cause. @throws AEP_TEST_STOPPED */
  thenStopped(code?: string): this {
    return this.look(() => this.actions.stopped(code));
  }

  /** The last command answered this. @throws AEP_TEST_ANSWERED */
  thenAnswered(expected: unknown): this {
    return this.look(() => this.actions.answered(expected));
  }

  /** Looks at the state between transactions. @throws AEP_TEST_NOT_RUNNING */
  read<R>(look: (state: S) => R): R {
    return this.engine.read(look);
  }

  /**
   * Stops the application (of a world: all of them) and reports what the test has left behind.
   *
   * @throws AEP_TEST_UNAWAITED steps that nobody awaited
   * @throws AEP_TEST_UNCHECKED_FAILURE a handler failed, and no `then` looked at that
   * @throws AEP_TEST_LEAK messages that were created and neither sent nor disposed
   */
  close(): Promise<void> {
    return this.end();
  }

  private begin(): Sentence<C, A, S> {
    const sentence = new Steps<C, A, S, this>(this, this.actions, this.tail) as Sentence<C, A, S>;
    this.sentences.push(sentence);
    // After the step that the caller adds in this very call.
    this.tail = Promise.resolve().then(() => sentence.ended);
    return sentence;
  }

  /** @internal for the end of the test */
  get leftovers(): Leftovers {
    const { process, seen } = this.actions;
    return {
      app: process.name,
      unchecked: seen.unchecked,
      hasFailed: this.actions.hasFailed,
      finish: async () => {
        await this.tail;
        this.mustBeAwaited('close()');
      },
    };
  }

  private look(check: () => void): this {
    this.mustBeAwaited('a then…');
    try {
      check();
    } catch (error) {
      this.actions.hasFailed = true;
      throw error;
    }
    return this;
  }

  private mustBeAwaited(what: string): void {
    const open = this.sentences.filter(({ isAwaited }) => !isAwaited);
    this.sentences.length = 0;
    if (open.length === 0) return;
    const words = open.map((sentence) => sentence.words.join('().')).join('(), ');
    throw new AepError(
      'AEP_TEST_UNAWAITED',
      'reject',
      `${what} comes before these steps are awaited: ${words}(); write "await kit.${open[0]!.words[0]}(…)"`,
      { steps: words },
    );
  }
}
