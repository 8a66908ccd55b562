import { patternMatches } from '@aep/bus';
import type { AlertEvent } from '@aep/engine';
import { AepError, toError } from '@aep/kernel';
import type { MessageView } from '@aep/messages';
import type { CrashOutcome } from '@aep/store';
import type { AppProcess } from '../app/app-process.js';
import type { World } from '../app/world.js';
import type { FromOutside } from '../bus/outside.js';
import { type AlertClass, Checks, type ExpectedDeadLetter, type ExpectedTimer } from '../then/checks.js';
import { deadLettersNow } from '../then/dead-letters-now.js';
import type { Observations } from '../then/observations.js';
import type { AnyExpected } from '../then/sent-message.js';
import { planCrash, type PlannedCrash } from './crash-plan.js';

/** How a message is injected into the application (E63). */
export interface Injection {
  readonly delayMs?: number;
  readonly priority?: boolean;
}

/** What the steps of a test do, without their grammar: the two faces {@link TestKit} and {@link Steps} call this. */
export class Actions<A extends object, S> {
  private readonly checks: Checks;
  private answer: { readonly value: unknown } | undefined;
  /** A step or a check has thrown. */
  hasFailed = false;

  constructor(
    readonly world: World,
    readonly process: AppProcess<A, S>,
    readonly seen: Observations,
  ) {
    const types = new Map(
      process.definition.factories.flatMap(({ types }) =>
        types.map((type) => [`${type.factoryId} ${type.typeId}`, type] as const),
      ),
    );
    this.checks = new Checks(process.name, seen, (factoryId, typeId) => types.get(`${factoryId} ${typeId}`));
  }

  async givenState(change: (state: S) => unknown): Promise<void> {
    await this.process.changeState(change);
    await this.world.time.settle();
    this.seen.startWindow();
  }

  async givenMessages(channel: string, messages: readonly MessageView[], from: FromOutside): Promise<void> {
    await this.deliver(channel, messages, from);
    this.seen.startWindow();
  }

  async deliver(channel: string, messages: readonly MessageView[], from: FromOutside): Promise<void> {
    this.seen.act();
    const { name } = this.process;
    const patterns = this.world.joinOf(name, channel);
    if (patterns === undefined) throw notJoined(name, channel);
    for (const view of messages) {
      const { key } = await this.world.deliver(channel, view, from);
      if (patterns.some((pattern) => patternMatches(pattern, key))) continue;
      const joined = `${name} has joined "${channel}" for ${patterns.join(', ')}`;
      this.seen.notes.push(`a message with key "${key}" was not delivered: ${joined}`);
    }
    await this.world.time.settle();
  }

  async redeliverLast(): Promise<void> {
    this.seen.act();
    await this.world.redeliverLast();
    await this.world.time.settle();
  }

  async inject(message: MessageView, options: Injection): Promise<void> {
    this.seen.act();
    // Its failure is an outcome to be checked by a then…, like that of a message from a bus.
    this.process.engine.inject(message, options).catch(() => undefined);
    await this.world.time.settle();
  }

  async advance(durationMs: number): Promise<void> {
    this.seen.act();
    await this.world.time.advance(durationMs);
  }

  /** @throws what the command throws */
  async command(name: string, args: Readonly<Record<string, unknown>>): Promise<void> {
    this.seen.act();
    this.answer = undefined;
    let failure: Error | undefined;
    this.process.engine.execute(name, args).then(
      (value) => (this.answer = { value }),
      (error: unknown) => (failure = toError(error)),
    );
    await this.world.time.settle();
    if (failure !== undefined) throw failure;
  }

  async crash(outcome: CrashOutcome): Promise<void> {
    this.seen.act();
    this.world.crash(outcome, [this.process as AppProcess]);
    await this.world.time.settle();
  }

  async restart(): Promise<void> {
    this.seen.act();
    await this.process.restart();
    await this.world.time.settle();
  }

  async stop(): Promise<void> {
    this.seen.act();
    await this.process.stop();
    await this.world.time.settle();
  }

  planCrash(callback: number, outcome: CrashOutcome): PlannedCrash {
    return planCrash(this.world, [this.process as AppProcess], callback, outcome);
  }

  // Checks.

  sent(channel: string, expected: readonly AnyExpected[]): void {
    this.world.channels.get(channel);
    this.checks.sent(channel, expected);
  }

  nothingSent(channel: string | undefined): void {
    if (channel !== undefined) this.world.channels.get(channel);
    this.checks.nothingSent(channel);
  }

  state(look: (state: S) => unknown): void {
    this.seen.look();
    this.checks.state(this.process.engine.read(look));
  }

  deadLettered(expected: readonly ExpectedDeadLetter[]): void {
    this.checks.deadLettered(expected, deadLettersNow(this.process.store));
  }

  alert<E extends AlertEvent>(type: AlertClass<E>, isMeant: (alert: E) => boolean): void {
    this.checks.alert(type, isMeant);
  }

  noAlerts(): void {
    this.checks.noAlerts();
  }

  timers(expected: readonly ExpectedTimer[]): void {
    this.checks.timers(expected, this.process.engine.timers, this.world.time.clock.wallMs());
  }

  acknowledged(count: number): void {
    this.checks.acknowledged(count);
  }

  stopped(code: string | undefined): void {
    this.checks.stopped(code, this.process.isRunning);
  }

  answered(expected: unknown): void {
    this.seen.look();
    this.checks.answered(this.answer, expected);
  }
}

function notJoined(app: string, channel: string): AepError {
  return new AepError(
    'AEP_TEST_NOT_JOINED',
    'reject',
    `"${app}" has not joined channel "${channel}", so it never sees the message: set join: true in the options' channels, ` +
      `or name the channel as source of a handler`,
    { app, channel },
  );
}
