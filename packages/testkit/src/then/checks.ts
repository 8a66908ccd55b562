import { inspect, isDeepStrictEqual } from 'node:util';
import {
  type AlertEvent,
  ApplicationException,
  type DeadLetter,
  EngineStopped,
  type TimerInfo,
  UnhandledMessageEvent,
} from '@aep/engine';
import { AepError } from '@aep/kernel';
import type { MessageClass, MessageType } from '@aep/messages';
import { matches, expectedJson, fieldsOf } from './fields.js';
import type { Observations } from './observations.js';
import { type AnyExpected, readSent, type SentMessage, type TypeFinder } from './sent-message.js';
import { compareSent, listSent, wasSent } from './sent-report.js';

/** A dead letter that a test expects; what is left out is not looked at. */
export interface ExpectedDeadLetter {
  readonly type?: MessageClass;
  /** Code of the error, such as `AEP_HANDLER_FAILED`, or `unhandled: no-handler` and the like (E16). */
  readonly reason?: string;
  /** Text of the error, or a part of it. */
  readonly error?: string | RegExp;
  readonly attempts?: number;
  readonly origin?: string;
  readonly key?: string;
  readonly fields?: object;
}

/** A journaled timer that a test expects; what is left out is not looked at. */
export interface ExpectedTimer {
  readonly id?: string;
  readonly type?: MessageClass;
  /** Milliseconds from now. */
  readonly dueInMs?: number;
  readonly every?: number;
  readonly cron?: string;
}

/** A class of alerts, as `thenAlert(StuckAlert)` takes it. */
export type AlertClass<E extends AlertEvent> = (abstract new (...values: never[]) => E) & { readonly prototype: E };

/** The comparisons behind `then…`: each throws an error that tells what was there instead. */
export class Checks {
  constructor(
    private readonly app: string,
    private readonly seen: Observations,
    private readonly findType: TypeFinder,
  ) {}

  /** @throws AEP_TEST_SENT, AEP_TEST_FIELD_UNKNOWN */
  sent(channel: string, expected: readonly AnyExpected[]): void {
    const all = this.allSent();
    const difference = compareSent(
      channel,
      expected,
      all.filter((message) => message.channel === channel),
    );
    if (difference === undefined) return;
    const elsewhere = all.filter((message) => message.channel !== channel);
    const besides = elsewhere.length === 0 ? [] : ['on other channels:', listSent(elsewhere)];
    throw this.failed('AEP_TEST_SENT', [difference, ...besides]);
  }

  /** @throws AEP_TEST_SENT */
  nothingSent(channel: string | undefined): void {
    const sent = this.allSent().filter((message) => channel === undefined || message.channel === channel);
    if (sent.length === 0) return;
    const where = channel === undefined ? '' : `channel "${channel}": `;
    throw this.failed('AEP_TEST_SENT', [
      `${where}expected nothing to be sent, ${wasSent(sent.length)}`,
      listSent(sent),
    ]);
  }

  /** @throws AEP_TEST_ACKNOWLEDGED */
  acknowledged(expected: number): void {
    this.seen.look();
    const { acknowledged } = this.seen;
    if (acknowledged === expected) return;
    throw this.failed('AEP_TEST_ACKNOWLEDGED', [
      `expected ${expected} acknowledged message(s), ${acknowledged} were acknowledged`,
    ]);
  }

  /** @throws AEP_TEST_ALERT */
  alert<E extends AlertEvent>(type: AlertClass<E>, isMeant: (alert: E) => boolean): void {
    this.seen.look();
    const found = this.seen.alertsInWindow.filter((alert): alert is E => alert instanceof type);
    const meant = found.filter(isMeant);
    if (meant.length > 0) return this.seen.check((alert) => alert instanceof type);
    const raised = this.seen.alertsInWindow.map((alert) => `  ${alert.kind}: ${alert.message}`);
    const which = found.length === 0 ? 'none was raised' : `${found.length} were raised, none that the condition takes`;
    throw this.failed('AEP_TEST_ALERT', [`expected the alert ${type.name}, ${which}`, ...list('alerts:', raised)]);
  }

  /** @throws AEP_TEST_ALERT */
  noAlerts(): void {
    this.seen.look();
    const raised = this.seen.alertsInWindow;
    if (raised.length === 0) return;
    const lines = raised.map((alert) => `  ${alert.kind}: ${alert.message}`);
    throw this.failed('AEP_TEST_ALERT', [`expected no alert, ${raised.length} were raised:`, ...lines]);
  }

  /** @throws AEP_TEST_DEAD_LETTERED, AEP_TEST_FIELD_UNKNOWN */
  deadLettered(expected: readonly ExpectedDeadLetter[], letters: readonly DeadLetter[]): void {
    this.seen.look();
    const left = [...letters];
    const missing = expected.filter((one) => {
      const index = left.findIndex((letter) => this.isLetter(one, letter));
      if (index >= 0) left.splice(index, 1);
      return index < 0;
    });
    if (missing.length === 0 && left.length === 0) {
      this.seen.check((alert) => alert instanceof ApplicationException || alert instanceof UnhandledMessageEvent);
      return;
    }
    throw this.failed('AEP_TEST_DEAD_LETTERED', [
      `expected ${expected.length} dead letter(s), there are ${letters.length}`,
      ...list(
        'expected and not there:',
        missing.map((one) => `  - ${describeExpectedLetter(one)}`),
      ),
      ...list(
        'there and not expected:',
        left.map((one) => `  + ${this.describeLetter(one)}`),
      ),
    ]);
  }

  /** @throws AEP_TEST_TIMERS */
  timers(expected: readonly ExpectedTimer[], timers: readonly TimerInfo[], nowMs: number): void {
    this.seen.look();
    const actual = [...timers].sort((a, b) => a.dueMs - b.dueMs || (a.id < b.id ? -1 : 1));
    const isSame =
      expected.length === actual.length && expected.every((one, index) => isTimer(one, actual[index]!, nowMs));
    if (isSame) return;
    throw this.failed('AEP_TEST_TIMERS', [
      `expected ${expected.length} timer(s), there are ${actual.length}`,
      ...expected.map((one) => `  - ${describeExpectedTimer(one)}`),
      ...actual.map((one) => `  + ${describeTimer(one, nowMs)}`),
    ]);
  }

  /** @throws AEP_TEST_STOPPED */
  stopped(code: string | undefined, isRunning: boolean): void {
    this.seen.look();
    const stops = this.seen.alertsInWindow.filter((alert) => alert instanceof EngineStopped);
    if (!isRunning && stops.some(({ cause }) => code === undefined || cause?.code === code)) {
      this.seen.check(() => true);
      return;
    }
    const actual = isRunning ? 'it is running' : (stops[0]?.message ?? 'it did not stop in this step');
    throw this.failed('AEP_TEST_STOPPED', [
      `expected it to stop${code === undefined ? '' : ` with ${code}`}: ${actual}`,
    ]);
  }

  /** The user's own look at the state. @throws AEP_TEST_STATE when it answers false, and whatever it throws */
  state(answer: unknown): void {
    if (answer !== false) return;
    throw this.failed('AEP_TEST_STATE', ['the condition on the state is false']);
  }

  /** @throws AEP_TEST_ANSWERED */
  answered(answer: { readonly value: unknown } | undefined, expected: unknown): void {
    if (answer !== undefined && isDeepStrictEqual(answer.value, expected)) return;
    const actual = answer === undefined ? 'no command has answered' : `it answered ${inspect(answer.value)}`;
    throw this.failed('AEP_TEST_ANSWERED', [`expected the answer ${inspect(expected)}, ${actual}`]);
  }

  private allSent(): SentMessage[] {
    this.seen.look();
    return this.seen.sent.map((message) => readSent(message, this.findType));
  }

  private isLetter(expected: ExpectedDeadLetter, letter: DeadLetter): boolean {
    const { type, error, fields } = expected;
    if (type !== undefined && type.$type.fullName !== letter.type) return false;
    for (const name of ['reason', 'attempts', 'origin', 'key'] as const)
      if (expected[name] !== undefined && expected[name] !== letter[name]) return false;
    if (typeof error === 'string' && !letter.error.includes(error)) return false;
    if (error instanceof RegExp && !error.test(letter.error)) return false;
    if (fields === undefined) return true;
    const known = this.findType(letter.factoryId, letter.typeId);
    return known !== undefined && matches(expectedJson(known, fields), readFields(known, letter.bytes), false);
  }

  private describeLetter({ type, reason, error, attempts, origin, ...letter }: DeadLetter): string {
    const known = this.findType(letter.factoryId, letter.typeId);
    const content =
      known === undefined ? `${letter.bytes.length} bytes` : JSON.stringify(readFields(known, letter.bytes));
    return `${type} ${content} from ${origin}: ${reason} after ${attempts} attempt(s): ${error}`;
  }

  /** The error with what explains it: handlers that failed in this window, messages that nobody took. */
  private failed(code: string, lines: readonly string[]): AepError {
    const failures = this.seen.alertsInWindow
      .filter((alert) => alert instanceof ApplicationException)
      .map((alert) => `  ${alert.message}`);
    const text = [
      ...lines,
      ...list('handlers that failed:', [...new Set(failures)]),
      ...list(
        'note:',
        this.seen.notes.map((note) => `  ${note}`),
      ),
    ];
    return new AepError(code, 'reject', `${this.app}: ${text.join('\n')}`, { app: this.app });
  }
}

function list(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

function readFields(type: MessageType, bytes: Uint8Array) {
  try {
    const view = type.wrap(bytes);
    const fields = fieldsOf(view);
    view.dispose();
    return fields;
  } catch {
    return {}; // bytes that are no message are why many a letter is here
  }
}

function describeExpectedLetter({ type, error, fields, ...rest }: ExpectedDeadLetter): string {
  const content = fields === undefined || type === undefined ? '' : JSON.stringify(expectedJson(type.$type, fields));
  const parts = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  if (error !== undefined) parts.push(`error ${String(error)}`);
  return [type?.$type.fullName ?? 'a message', content, ...parts].filter((part) => part !== '').join(' ');
}

function isTimer(expected: ExpectedTimer, timer: TimerInfo, nowMs: number): boolean {
  const { type, dueInMs, ...rest } = expected;
  if (type !== undefined && type.$type.fullName !== timer.type) return false;
  if (dueInMs !== undefined && timer.dueMs - nowMs !== dueInMs) return false;
  return (['id', 'every', 'cron'] as const).every((name) => rest[name] === undefined || rest[name] === timer[name]);
}

function describeExpectedTimer({ type, ...rest }: ExpectedTimer): string {
  return `${type?.$type.fullName ?? 'a timer'} ${JSON.stringify(rest)}`;
}

function describeTimer({ type, id, dueMs, every, cron }: TimerInfo, nowMs: number): string {
  const shown = {
    id,
    dueInMs: dueMs - nowMs,
    ...(every === undefined ? {} : { every }),
    ...(cron === undefined ? {} : { cron }),
  };
  return `${type} ${JSON.stringify(shown)}`;
}
