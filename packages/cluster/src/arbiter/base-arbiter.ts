import { AepError, type Clock, type Log, type TimerHandle } from '@aep/kernel';
import type { Arbiter, GroupRecord, Presence, SwapAnswer } from './arbiter.js';
import { assertNext } from './group-record.js';

/** Answers one request: exactly once, from the event loop; later answers are dropped. */
export type Answer<T> = (error: AepError | undefined, value?: T) => void;

export interface ArbiterContext {
  readonly clock: Clock;
  readonly log: Log;
  /** For messages: which arbiter, without secrets. */
  readonly where: string;
  /** A request without an answer counts as failed after this time; whether it is carried out stays open. */
  readonly requestTimeoutMs: number;
  /** How often a presence is repeated; it is kept for three times as long. */
  readonly announceIntervalMs: number;
}

/**
 * What all arbiters share: checks, deadlines, one answer per request, watchers that hear of each value once, the repetition
 * of announcements, and the end. An implementation does the rest in the protected methods and may assume all that.
 */
export abstract class BaseArbiter implements Arbiter {
  private readonly pending = new Set<Pending>();
  private readonly watchers = new Set<Watcher>();
  private known: { readonly record: GroupRecord | undefined } | undefined;
  private isClosed = false;
  private announced: Presence | undefined;
  private announceTimer: TimerHandle | undefined;

  protected constructor(protected readonly context: ArbiterContext) {}

  read(done: (error: AepError | undefined, record: GroupRecord | undefined) => void): void {
    this.request('read', done, (answer: Answer<GroupRecord>) => this.doRead(answer));
  }

  // oxlint-disable-next-line max-params -- the port's
  compareAndSet(
    expectedEpoch: number,
    record: GroupRecord,
    done: (error: AepError | undefined, answer: SwapAnswer | undefined) => void,
  ): void {
    assertNext(expectedEpoch, record);
    this.request('compareAndSet', done, (answer: Answer<SwapAnswer>) =>
      this.doCompareAndSet(expectedEpoch, record, answer),
    );
  }

  watch(onChange: (record: GroupRecord | undefined) => void): () => void {
    const watcher: Watcher = { onChange, told: undefined };
    if (this.isClosed) return () => {};
    this.watchers.add(watcher);
    if (this.watchers.size === 1) this.startWatch();
    else this.context.clock.defer(() => this.tell(watcher));
    return () => {
      if (this.watchers.delete(watcher) && this.watchers.size === 0) {
        this.known = undefined;
        this.stopWatch();
      }
    };
  }

  announce(presence: Presence): void {
    if (this.isClosed) return;
    this.announced = presence;
    this.doAnnounce(presence);
    this.announceTimer ??= this.armAnnouncement();
  }

  presence(done: (error: AepError | undefined, present: readonly Presence[]) => void): void {
    const list = (error: AepError | undefined, present: readonly Presence[] | undefined): void =>
      done(error, present ?? []);
    this.request('presence', list, (answer: Answer<readonly Presence[]>) => this.doPresence(answer));
  }

  close(done: () => void): void {
    const wasClosed = this.isClosed;
    const { clock, where } = this.context;
    this.end();
    clock.defer(() => {
      for (const pending of this.pending) pending.settle(arbiterClosed(where));
    });
    if (wasClosed) clock.defer(done);
    else this.doClose(() => clock.defer(done));
  }

  /** The register's value as the watch sees it; told on to whoever has not heard of it. */
  protected changed(record: GroupRecord | undefined): void {
    if (this.watchers.size === 0) return;
    this.known = { record };
    for (const watcher of this.watchers) this.tell(watcher);
  }

  /** As a killed process ends: no callback comes any more, nothing is taken back. */
  protected abandon(): void {
    this.end();
    for (const pending of this.pending) this.context.clock.cancel(pending.timer);
    this.pending.clear();
  }

  protected abstract doRead(answer: Answer<GroupRecord>): void;
  protected abstract doCompareAndSet(expectedEpoch: number, record: GroupRecord, answer: Answer<SwapAnswer>): void;
  /** From now on {@link changed} is called: soon with the present value, then after each change. */
  protected abstract startWatch(): void;
  protected abstract stopWatch(): void;
  protected abstract doAnnounce(presence: Presence): void;
  protected abstract doPresence(answer: Answer<readonly Presence[]>): void;
  protected abstract doClose(done: () => void): void;

  private request<T>(
    name: string,
    done: (error: AepError | undefined, value: T | undefined) => void,
    start: (answer: Answer<T>) => void,
  ): void {
    const { clock, where, requestTimeoutMs } = this.context;
    if (this.isClosed) {
      clock.defer(() => done(arbiterClosed(where), undefined));
      return;
    }
    const settle: Answer<T> = (error, value) => {
      if (!this.pending.delete(pending)) return;
      clock.cancel(pending.timer);
      if (isStarting) clock.defer(() => done(error, value));
      else done(error, value);
    };
    const timer = clock.schedule(requestTimeoutMs, () =>
      settle(unavailable(where, `${name} was not answered within ${requestTimeoutMs} ms`)),
    );
    const pending: Pending = { timer, settle };
    this.pending.add(pending);
    let isStarting = true;
    start(settle);
    isStarting = false;
  }

  private tell(watcher: Watcher): void {
    if (this.known === undefined || !this.watchers.has(watcher)) return;
    const epoch = this.known.record?.epoch ?? 0;
    if (watcher.told === epoch) return;
    watcher.told = epoch;
    watcher.onChange(this.known.record);
  }

  private armAnnouncement(): TimerHandle {
    return this.context.clock.schedule(this.context.announceIntervalMs, () => {
      if (this.isClosed || this.announced === undefined) return;
      this.announceTimer = this.armAnnouncement();
      this.doAnnounce(this.announced);
    });
  }

  private end(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.watchers.size > 0) this.stopWatch();
    this.watchers.clear();
    if (this.announceTimer !== undefined) this.context.clock.cancel(this.announceTimer);
    this.announceTimer = undefined;
  }
}

interface Pending {
  readonly timer: TimerHandle;
  settle(error: AepError): void;
}

interface Watcher {
  readonly onChange: (record: GroupRecord | undefined) => void;
  /** Epoch of the value that it has heard of, 0 for none; undefined before the first. */
  told: number | undefined;
}

export function unavailable(where: string, what: string, cause?: unknown): AepError {
  return new AepError(
    'AEP_ARBITER_UNAVAILABLE',
    'retry',
    `the arbiter ${where} is not available: ${what}; the group goes on as it is and changes its members when the arbiter is back`,
    { where },
    cause,
  );
}

function arbiterClosed(where: string): AepError {
  return new AepError('AEP_ARBITER_CLOSED', 'reject', `the arbiter ${where} was closed by this member`, { where });
}
