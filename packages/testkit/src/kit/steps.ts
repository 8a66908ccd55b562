import type { AlertEvent } from '@aep/engine';
import type { MessageView } from '@aep/messages';
import type { CrashOutcome } from '@aep/store';
import type { FromOutside } from '../bus/outside.js';
import type { AlertClass, ExpectedDeadLetter, ExpectedTimer } from '../then/checks.js';
import type { ExpectedMessage } from '../then/sent-message.js';
import type { Actions, Injection } from './actions.js';

/** One message or several of a channel. */
export type Messages<M> = (M & MessageView) | readonly (M & MessageView)[];

/**
 * A sentence of a test: its steps run one after another, in the order in which they were written, and the whole is awaited.
 *
 * @example await kit.given('deposits', deposit('alice', 1)).when('deposits', deposit('alice', 2)).thenSent('events', [{ fields: { balance: 3 } }]);
 */
export class Steps<C, A extends object, S, K> implements Promise<K> {
  readonly [Symbol.toStringTag] = 'Steps';
  isAwaited = false;
  /** Names of the steps, for the error of a sentence that nobody awaits. */
  readonly words: string[] = [];
  private tail: Promise<void>;

  constructor(
    private readonly kit: K,
    private readonly actions: Actions<A, S>,
    previous: Promise<void>,
  ) {
    this.tail = previous;
  }

  /** Settles when the steps so far have run, also when one has failed. */
  get ended(): Promise<void> {
    return this.tail.catch(() => undefined);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a sentence is awaited as a whole, whatever its last word is
  then<R = K, F = never>(
    onDone?: ((kit: K) => R | PromiseLike<R>) | null,
    onFailed?: ((error: unknown) => F | PromiseLike<F>) | null,
  ): Promise<R | F> {
    this.isAwaited = true;
    return this.tail.then(() => this.kit).then(onDone, onFailed);
  }

  catch<F = never>(onFailed?: ((error: unknown) => F | PromiseLike<F>) | null): Promise<K | F> {
    return this.then(undefined, onFailed);
  }

  finally(onEnd?: (() => void) | null): Promise<K> {
    return this.then((kit) => kit).finally(onEnd);
  }

  given(change: (state: S) => unknown): this;
  given<N extends keyof C & string>(channel: N, messages: Messages<C[N]>, from?: FromOutside): this;
  given(what: string | ((state: S) => unknown), messages: Messages<unknown> = [], from: FromOutside = {}): this {
    if (typeof what === 'function') return this.add('given', () => this.actions.givenState(what));
    return this.add('given', () => this.actions.givenMessages(what, list(messages), from));
  }

  when<N extends keyof C & string>(channel: N, messages: Messages<C[N]>, from: FromOutside = {}): this {
    return this.add('when', () => this.actions.deliver(channel, list(messages), from));
  }

  whenInjected(message: MessageView, options: Injection = {}): this {
    return this.add('whenInjected', () => this.actions.inject(message, options));
  }

  whenTimeAdvances(durationMs: number): this {
    return this.add('whenTimeAdvances', () => this.actions.advance(durationMs));
  }

  whenCommand(name: string, args: Readonly<Record<string, unknown>> = {}): this {
    return this.add('whenCommand', () => this.actions.command(name, args));
  }

  redeliverLast(): this {
    return this.add('redeliverLast', () => this.actions.redeliverLast());
  }

  crash(outcome: CrashOutcome = 'lost'): this {
    return this.add('crash', () => this.actions.crash(outcome));
  }

  restart(): this {
    return this.add('restart', () => this.actions.restart());
  }

  stop(): this {
    return this.add('stop', () => this.actions.stop());
  }

  thenSent<N extends keyof C & string>(channel: N, expected: readonly ExpectedMessage<C[N]>[]): this {
    return this.add('thenSent', () => this.actions.sent(channel, expected));
  }

  thenNothingSent(channel?: keyof C & string): this {
    return this.add('thenNothingSent', () => this.actions.nothingSent(channel));
  }

  thenState(look: (state: S) => unknown): this {
    return this.add('thenState', () => this.actions.state(look));
  }

  thenDeadLettered(...expected: readonly ExpectedDeadLetter[]): this {
    return this.add('thenDeadLettered', () => this.actions.deadLettered(expected));
  }

  thenAlert<E extends AlertEvent>(type: AlertClass<E>, isMeant: (alert: E) => boolean = always): this {
    return this.add('thenAlert', () => this.actions.alert(type, isMeant));
  }

  thenNoAlerts(): this {
    return this.add('thenNoAlerts', () => this.actions.noAlerts());
  }

  thenTimers(expected: readonly ExpectedTimer[]): this {
    return this.add('thenTimers', () => this.actions.timers(expected));
  }

  thenAcknowledged(count: number): this {
    return this.add('thenAcknowledged', () => this.actions.acknowledged(count));
  }

  thenStopped(code?: string): this {
    return this.add('thenStopped', () => this.actions.stopped(code));
  }

  thenAnswered(expected: unknown): this {
    return this.add('thenAnswered', () => this.actions.answered(expected));
  }

  private add(word: string, step: () => void | Promise<void>): this {
    this.words.push(word);
    this.tail = this.tail.then(step);
    // Who awaits the sentence hears of it; one that nobody awaits is reported by close().
    this.tail.catch(() => (this.actions.hasFailed = true));
    return this;
  }
}

export function list<M>(messages: M | readonly M[]): readonly MessageView[] {
  return (Array.isArray(messages) ? messages : [messages]) as readonly MessageView[];
}

export function always(): boolean {
  return true;
}
