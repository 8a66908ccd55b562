import type { AepError, Clock, Log, TimerHandle } from '@aep/kernel';
import type { Arbiter, GroupRecord, MemberRef } from '../arbiter/arbiter.js';
import type { MarkName } from './marks.js';

/**
 * - `done`: the register holds what was asked for.
 * - `lost`: somebody changed it before.
 * - `unknown`: no answer; it may have happened, and it may still happen.
 */
export type ChangeOutcome = 'done' | 'lost' | 'unknown';

export interface RegisterParts {
  readonly arbiter: Arbiter;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs: number;
  readonly retryMs: number;
  readonly mark: (name: MarkName) => void;
  /** The register has a higher epoch than was known, or is known for the first time. Not called for own changes. */
  readonly onChange: (record: GroupRecord | undefined) => void;
}

/**
 * The group's register as one member knows it: what was read or watched last, never an older value than before. What it knows
 * may be behind; that is safe, because every change names the epoch that it replaces.
 */
export class Register {
  latest: GroupRecord | undefined;
  /** It has been read at least once. */
  isKnown = false;
  private unwatch: (() => void) | undefined;
  private timer: TimerHandle | undefined;
  /** The last read was not answered. */
  isUnreachable = false;
  private isReading = false;
  private isStopped = false;
  private waiting: (() => void)[] = [];

  constructor(private readonly parts: RegisterParts) {}

  start(): void {
    this.unwatch = this.parts.arbiter.watch((record) => {
      // A watch tells the present value first, but only an answered read proves that there is none.
      if (record !== undefined) this.learn(record);
    });
    this.read();
  }

  stop(): void {
    this.isStopped = true;
    this.unwatch?.();
    if (this.timer !== undefined) this.parts.clock.cancel(this.timer);
    this.waiting = [];
  }

  /** Reads until it is answered, then calls back; {@link latest} is then at least as new as this call. */
  refresh(done: () => void): void {
    this.waiting.push(done);
    // A read that is under way may have looked before this call: the next one counts.
    if (!this.isReading) this.read();
  }

  /**
   * Asks for a change to `next`, whose epoch is one above the one it replaces. At `lost` and `unknown` read again before
   * anything is concluded.
   */
  change(next: GroupRecord, done: (outcome: ChangeOutcome) => void): void {
    this.parts.arbiter.compareAndSet(next.epoch - 1, next, (error, answer) => {
      if (this.isStopped) return;
      if (error !== undefined || answer === undefined) {
        this.parts.mark('change-unknown');
        this.parts.log.log('warn', 'the arbiter did not answer a change', { epoch: next.epoch }, error);
        done('unknown');
        return;
      }
      if (answer.swapped) {
        if (next.epoch > (this.latest?.epoch ?? 0)) this.latest = next;
        this.isKnown = true;
        done('done');
        return;
      }
      this.parts.mark('change-lost');
      done('lost');
      this.learn(answer.current);
    });
  }

  private read(): void {
    if (this.isStopped || this.isReading) return;
    this.isReading = true;
    if (this.timer !== undefined) this.parts.clock.cancel(this.timer);
    this.timer = undefined;
    const { waiting } = this;
    this.waiting = [];
    this.parts.arbiter.read((error, record) => {
      this.isReading = false;
      if (this.isStopped) return;
      if (error === undefined) this.answered(record);
      else this.failed(error, waiting);
      const delayMs = this.waiting.length === 0 ? this.parts.pollMs : error === undefined ? 0 : this.parts.retryMs;
      this.timer = this.parts.clock.schedule(delayMs, () => this.read());
      if (error === undefined) for (const done of waiting) done();
    });
  }

  private answered(record: GroupRecord | undefined): void {
    if (this.isUnreachable) this.parts.log.log('info', 'the arbiter can be read again', {});
    this.isUnreachable = false;
    this.learn(record);
  }

  private failed(error: AepError, waiting: (() => void)[]): void {
    // Said once, not at each attempt.
    if (!this.isUnreachable) this.parts.log.log('warn', 'the arbiter cannot be read', {}, error);
    this.isUnreachable = true;
    this.waiting = [...waiting, ...this.waiting];
  }

  private learn(record: GroupRecord | undefined): void {
    if (this.isStopped) return;
    const isNews = !this.isKnown || (record?.epoch ?? 0) > (this.latest?.epoch ?? 0);
    this.isKnown = true;
    if (!isNews) return;
    this.latest = record ?? this.latest;
    this.parts.onChange(this.latest);
  }
}

export function isSameMember(one: MemberRef | undefined, other: MemberRef | undefined): boolean {
  return one !== undefined && other !== undefined && one.name === other.name && one.storeId === other.storeId;
}

export function isListed(record: GroupRecord | undefined, member: MemberRef | undefined): boolean {
  return record?.members.some((one) => isSameMember(one, member)) === true;
}
