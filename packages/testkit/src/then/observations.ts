import {
  type AlertEvent,
  ApplicationException,
  EngineStopped,
  MessagingFailed,
  StoreFailed,
  UnhandledMessageEvent,
} from '@aep/engine';
import type { RecordedMessage } from '../bus/recorded-message.js';
import type { RecordingProvider } from '../bus/recording-provider.js';

interface ObservedAlert {
  readonly alert: AlertEvent;
  /** A `then…` looked at it. */
  isChecked: boolean;
}

/** Alerts that tell of a failure which a test must have meant. */
const FAILURES = [ApplicationException, UnhandledMessageEvent, StoreFailed, MessagingFailed] as const;

/**
 * What one application has done since the last step that a test checks: its *window*. The first `when` after a `then`
 * (or after a `given`) opens a new one; further `when` belong to it.
 */
export class Observations {
  private readonly alerts: ObservedAlert[] = [];
  /** What explains an unexpected outcome, such as a message that nobody took. */
  readonly notes: string[] = [];
  private sentFrom = 0;
  private alertsFrom = 0;
  private acknowledgedFrom = 0;
  private wasLookedAt = true;

  constructor(
    private readonly app: string,
    private readonly bus: RecordingProvider,
  ) {}

  note(alert: AlertEvent): void {
    this.alerts.push({ alert, isChecked: false });
  }

  /** A `when` begins. */
  act(): void {
    if (this.wasLookedAt) this.startWindow();
    this.wasLookedAt = false;
  }

  /** A `then` looks. */
  look(): void {
    this.wasLookedAt = true;
  }

  /** What happened so far was only the way to the situation to be tested. */
  startWindow(): void {
    this.sentFrom = this.bus.sent.length;
    this.alertsFrom = this.alerts.length;
    this.acknowledgedFrom = this.acknowledgedInAll;
    this.notes.length = 0;
    this.wasLookedAt = true;
  }

  /**
   * What a receiver would have seen in this window: a message that was sent again after a crash, with the number it had
   * before, is the same message (E37, E51).
   */
  get sent(): RecordedMessage[] {
    const known = new Set<string>();
    return this.bus.sent.filter((message, index) => {
      if (message.app !== this.app) return false;
      const { senderId, incarnation, flow, sno } = message.metadata;
      if (sno <= 0) return index >= this.sentFrom;
      const number = `${senderId} ${incarnation} ${flow} ${sno}`;
      if (known.has(number)) return false;
      known.add(number);
      return index >= this.sentFrom;
    });
  }

  get acknowledged(): number {
    return this.acknowledgedInAll - this.acknowledgedFrom;
  }

  get alertsInWindow(): AlertEvent[] {
    return this.alerts.slice(this.alertsFrom).map(({ alert }) => alert);
  }

  /** Marks the alerts that are to be expected from now on, in all windows. */
  check(isExpected: (alert: AlertEvent) => boolean): void {
    for (const observed of this.alerts) if (isExpected(observed.alert)) observed.isChecked = true;
  }

  /** Failures that no `then` has looked at. */
  get unchecked(): AlertEvent[] {
    return this.alerts.filter(({ alert, isChecked }) => !isChecked && isFailure(alert)).map(({ alert }) => alert);
  }

  private get acknowledgedInAll(): number {
    return this.bus.acknowledged.get(this.app) ?? 0;
  }
}

function isFailure(alert: AlertEvent): boolean {
  if (alert instanceof EngineStopped) return alert.cause !== undefined;
  return FAILURES.some((type) => alert instanceof type);
}
