import { type Clock, type Log, silentLog, type TimerHandle } from '@aep/kernel';
import type { GroupRecord, Presence, SwapAnswer } from './arbiter.js';
import { type Answer, BaseArbiter, unavailable } from './base-arbiter.js';
import { decodeRecord, encodeRecord } from './group-record.js';

/** What goes wrong between one member and its arbiter in memory; may be changed at any time. */
export class MemoryArbiterFaults {
  /** How long a request is under way; asked once per request. @default 0 ms: a later turn of the clock */
  requestMs: () => number = zeroMs;
  /** How long an answer is under way. @default 0 ms */
  answerMs: () => number = zeroMs;
  /** How long until a watcher hears of a change. @default 0 ms */
  watchMs: () => number = zeroMs;
  /** The next request never arrives. Asked once per request. @default never */
  losesRequest: () => boolean = never;
  /** The request is carried out, but its answer never arrives. @default never */
  losesAnswer: () => boolean = never;
  /** Nothing passes in either direction. @default false */
  isCut = false;
}

export interface MemoryArbiterOptions {
  readonly clock: Clock;
  readonly faults?: MemoryArbiterFaults;
  readonly log?: Log;
  /** @default 1000 ms */
  readonly requestTimeoutMs?: number;
  /** @default 1000 ms */
  readonly announceIntervalMs?: number;
}

/** The arbiter of one group in memory, for tests and simulation: members connect to it, each with faults of its own. */
export class MemoryRegister {
  /** Everything stops answering, and forgets nothing. */
  isDown = false;
  record: GroupRecord | undefined;
  readonly presences = new Map<string, { readonly presence: Presence; readonly untilMs: number }>();
  private readonly connections = new Set<MemoryArbiter>();

  connect(options: MemoryArbiterOptions): MemoryArbiter {
    return new MemoryArbiter(this, options);
  }

  /** @internal */
  swap(expectedEpoch: number, record: GroupRecord): SwapAnswer {
    if ((this.record?.epoch ?? 0) !== expectedEpoch) return { swapped: false, current: this.record };
    this.record = decodeRecord(encodeRecord(record), 'the register in memory');
    for (const connection of this.connections) connection.registerChanged();
    return { swapped: true, current: this.record };
  }

  /** @internal */
  join(connection: MemoryArbiter): void {
    this.connections.add(connection);
  }

  /** @internal */
  leave(connection: MemoryArbiter): void {
    this.connections.delete(connection);
  }
}

/** One member's way to a {@link MemoryRegister}. Deterministic on a virtual clock. */
export class MemoryArbiter extends BaseArbiter {
  readonly faults: MemoryArbiterFaults;
  /** Requests that were sent and have not come to the register yet; a crash does not call them back. */
  requestsOnTheWay = 0;
  private readonly clock: Clock;
  private isWatching = false;
  private notice: TimerHandle | undefined;
  private ownName: string | undefined;
  private isDead = false;

  /** @internal */
  constructor(
    private readonly register: MemoryRegister,
    options: MemoryArbiterOptions,
  ) {
    const { clock, log = silentLog, requestTimeoutMs = 1_000, announceIntervalMs = 1_000 } = options;
    super({ clock, log, where: 'in memory', requestTimeoutMs, announceIntervalMs });
    this.clock = clock;
    this.faults = options.faults ?? new MemoryArbiterFaults();
  }

  /** The process dies here: nothing is called back any more; a request that is under way arrives all the same. */
  crash(): void {
    this.isDead = true;
    this.isWatching = false;
    this.register.leave(this);
    this.abandon();
  }

  /** @internal */
  registerChanged(): void {
    if (!this.isWatching || this.notice !== undefined) return;
    this.notice = this.clock.schedule(this.faults.watchMs(), () => {
      this.notice = undefined;
      if (!this.isWatching) return;
      // The last value is never missed: it is told when the way is free again.
      if (this.isBlocked) this.notice = this.clock.schedule(WATCH_RETRY_MS, () => this.noticeAgain());
      else this.changed(this.register.record);
    });
  }

  protected doRead(answer: Answer<GroupRecord>): void {
    this.carry(answer, () => this.register.record);
  }

  protected doCompareAndSet(expectedEpoch: number, record: GroupRecord, answer: Answer<SwapAnswer>): void {
    this.carry(answer, () => this.register.swap(expectedEpoch, record));
  }

  protected startWatch(): void {
    this.isWatching = true;
    this.register.join(this);
    this.registerChanged();
  }

  protected stopWatch(): void {
    this.isWatching = false;
    this.register.leave(this);
    if (this.notice !== undefined) this.clock.cancel(this.notice);
    this.notice = undefined;
  }

  protected doAnnounce(presence: Presence): void {
    this.ownName = presence.name;
    const untilMs = this.clock.monotonicMs() + 3 * this.context.announceIntervalMs;
    this.carry(ignored, () => this.register.presences.set(presence.name, { presence, untilMs }));
  }

  protected doPresence(answer: Answer<readonly Presence[]>): void {
    this.carry(answer, () => {
      const nowMs = this.clock.monotonicMs();
      const present = [...this.register.presences.values()].filter(({ untilMs }) => untilMs > nowMs);
      return present.map(({ presence }) => presence);
    });
  }

  protected doClose(done: () => void): void {
    if (this.ownName !== undefined && !this.isBlocked) this.register.presences.delete(this.ownName);
    this.clock.defer(done);
  }

  private get isBlocked(): boolean {
    return this.faults.isCut || this.register.isDown;
  }

  private noticeAgain(): void {
    this.notice = undefined;
    this.registerChanged();
  }

  /** A request to the register and its answer, each of which takes its time or is lost. */
  private carry<T>(answer: Answer<T>, action: () => T | undefined): void {
    const { faults, clock } = this;
    if (faults.losesRequest()) return;
    this.requestsOnTheWay++;
    clock.schedule(faults.requestMs(), () => {
      this.requestsOnTheWay--;
      if (this.isBlocked) {
        // Refused at once, as by a host that is there without its arbiter; a cut that swallows is `losesRequest`.
        if (!this.isDead) answer(unavailable(this.context.where, 'it is cut off'));
        return;
      }
      const value = action();
      if (faults.losesAnswer()) return;
      clock.schedule(faults.answerMs(), () => {
        if (!this.isBlocked && !this.isDead) answer(undefined, value);
      });
    });
  }
}

const WATCH_RETRY_MS = 50;

function ignored(): void {}

function zeroMs(): number {
  return 0;
}

function never(): boolean {
  return false;
}
