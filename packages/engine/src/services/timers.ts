import { AepError, type Clock, type TimerHandle } from '@aep/kernel';
import type { MessageView, TypeRegistry } from '@aep/messages';
import { LocalCause, type StateTables, Table } from '@aep/store';
import { Cron } from 'croner';
import type { OpenTransaction } from '../transaction/open-transaction.js';
import type { LocalRequest } from '../transaction/work.js';
import { decodeEntry, encodeEntry } from './system-entry.js';

/** When a journaled timer fires (E63); exactly one of the first four. */
export interface Schedule {
  /** From now, on the engine's clock. */
  readonly delayMs?: number;
  /** Wall time in ms since 1970. */
  readonly at?: number;
  /** Again and again, in ms (at least 1), the first time after one period. */
  readonly every?: number;
  /** Cron expression (five fields, or six with seconds), in UTC. */
  readonly cron?: string;
  /** Names the timer; one with the same name is replaced. @default a new id */
  readonly id?: string;
}

/** A timer as it stands in the store. */
export interface TimerInfo {
  readonly id: string;
  readonly dueMs: number;
  readonly every?: number;
  readonly cron?: string;
  /** Due after a duration, not at a wall time: a jump of the wall clock does not move it. */
  readonly isDuration: boolean;
  readonly type: string;
  readonly factoryId: number;
  readonly typeId: number;
}

interface Timer extends TimerInfo {
  readonly message: Uint8Array;
  /** Monotonic due time, for timers that run on durations: a jump of the wall clock does not move them. */
  dueMonotonicMs: number | undefined;
  handle: TimerHandle | undefined;
}

/**
 * Journaled timers. What is due is a fold of the journal; in memory there is a clock entry per timer. A timer that falls due
 * becomes a local request; removing it (or moving it to its next due time) is part of the transaction that handles it, so
 * it takes effect exactly once per due time, across restarts and failover. Due times missed while the engine was down
 * come one after another at the start.
 */
export class Timers {
  private readonly timers = new Map<string, Timer>();
  private running = false;
  /** During the replay of a transaction: whether its handlers cancelled this timer, because the timers here are later ones. */
  replayed: ((id: string) => boolean) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly types: TypeRegistry,
    private readonly timersMax: number,
    private readonly submit: (request: LocalRequest) => void,
  ) {}

  get count(): number {
    return this.timers.size;
  }

  /** Reads the timers of the store; they begin to run with `start`. @throws AEP_TIMER_TYPE_UNKNOWN */
  load(tables: Pick<StateTables, 'range'>): void {
    this.timers.clear();
    for (const { key, value } of tables.range(Table.timers)) {
      const { head: stored, content } = decodeEntry(value);
      const head = stored as Omit<TimerInfo, 'id'>;
      const id = Buffer.from(key).toString('utf8');
      if (this.types.find(head.factoryId, head.typeId) === undefined) throw typeGone(id, head.type);
      this.timers.set(id, { id, ...head, message: content.slice(), dueMonotonicMs: undefined, handle: undefined });
    }
  }

  start(): void {
    this.running = true;
    for (const timer of this.timers.values()) this.arm(timer);
  }

  stop(): void {
    this.running = false;
    for (const timer of this.timers.values()) this.disarm(timer);
  }

  /** Inside a handler. Takes the message over. Returns the timer's id. @throws AEP_SCHEDULE_INVALID, AEP_TIMERS_FULL */
  schedule(transaction: OpenTransaction, message: MessageView, schedule: Schedule, newId: () => string): string {
    const due = this.firstDue(schedule, transaction.timeMs);
    const id = schedule.id ?? newId();
    const isFull = this.timers.size + pendingTimers(transaction) >= this.timersMax && !this.timers.has(id);
    if (isFull && this.replayed === undefined) {
      throw new AepError(
        'AEP_TIMERS_FULL',
        'reject',
        `the engine has ${this.timersMax} timers, its limit (limits.timersMax): cancel some, or raise it`,
        {
          timersMax: this.timersMax,
        },
      );
    }
    const type = message.$type;
    const timer: Timer = {
      id,
      dueMs: due.wallMs,
      ...(schedule.every === undefined ? {} : { every: schedule.every }),
      ...(schedule.cron === undefined ? {} : { cron: schedule.cron }),
      isDuration: due.isDuration,
      type: type.fullName,
      factoryId: type.factoryId,
      typeId: type.typeId,
      message: message.toBytes(),
      dueMonotonicMs: due.isDuration ? this.clock.monotonicMs() + due.wallMs - transaction.timeMs : undefined,
      handle: undefined,
    };
    message.dispose();
    this.put(transaction, timer);
    return id;
  }

  /** Inside a handler. False when there is no such timer. */
  cancel(transaction: OpenTransaction, id: string): boolean {
    const pending = transaction.findChange(Table.timers, keyOf(id));
    const existed = this.replayed ?? ((name: string) => this.timers.has(name));
    const exists = pending === undefined ? existed(id) : pending.value !== undefined;
    if (exists) this.remove(transaction, id);
    return exists;
  }

  list(): TimerInfo[] {
    return [...this.timers.values()].map(({ id, dueMs, every, cron, isDuration, type, factoryId, typeId }) => ({
      id,
      dueMs,
      ...(every === undefined ? {} : { every }),
      ...(cron === undefined ? {} : { cron }),
      isDuration,
      type,
      factoryId,
      typeId,
    }));
  }

  private put(transaction: OpenTransaction, timer: Timer): void {
    const { id, message, dueMonotonicMs: _mono, handle: _handle, ...head } = timer;
    transaction.change({
      tableId: Table.timers,
      key: keyOf(id),
      value: encodeEntry(head, message),
      onSealed: () => {
        const replaced = this.timers.get(id);
        if (replaced !== undefined) this.disarm(replaced);
        this.timers.set(id, timer);
        this.arm(timer);
      },
    });
  }

  private remove(transaction: OpenTransaction, id: string): void {
    transaction.change({
      tableId: Table.timers,
      key: keyOf(id),
      value: undefined,
      onSealed: () => {
        const timer = this.timers.get(id);
        if (timer !== undefined) this.disarm(timer);
        this.timers.delete(id);
      },
    });
  }

  private arm(timer: Timer): void {
    if (!this.running || timer.handle !== undefined) return;
    // After a restart the wall clock is all there is to tell how much of a duration has passed.
    if (timer.isDuration) timer.dueMonotonicMs ??= this.clock.monotonicMs() + timer.dueMs - this.clock.wallMs();
    // A due time on the wall clock is looked at again now and then, because that clock may jump.
    const waitMs = timer.isDuration ? this.leftMs(timer) : Math.min(this.leftMs(timer), WALL_RECHECK_MS);
    timer.handle = this.clock.schedule(Math.max(0, waitMs), () => {
      timer.handle = undefined;
      if (this.leftMs(timer) > 0) this.arm(timer);
      else this.fire(timer);
    });
  }

  private leftMs(timer: Timer): number {
    return timer.dueMonotonicMs === undefined
      ? timer.dueMs - this.clock.wallMs()
      : timer.dueMonotonicMs - this.clock.monotonicMs();
  }

  private disarm(timer: Timer): void {
    if (timer.handle !== undefined) this.clock.cancel(timer.handle);
    timer.handle = undefined;
  }

  private fire(timer: Timer): void {
    const type = this.types.find(timer.factoryId, timer.typeId)!; // `load` and `schedule` take known types only
    this.submit({
      origin: 'timer',
      cause: LocalCause.timer,
      label: timer.id,
      message: type.wrap(timer.message),
      prepare: (transaction) => this.consume(transaction, timer),
    });
  }

  /** Part of the transaction of a due timer: it goes away, or moves to its next due time. */
  private consume(transaction: OpenTransaction, timer: Timer): 'run' | 'skip' {
    if (this.timers.get(timer.id) !== timer) return 'skip'; // cancelled or replaced since it fell due
    const nextMs = this.nextDue(timer);
    if (nextMs === undefined) this.remove(transaction, timer.id);
    else {
      const dueMonotonicMs =
        timer.every === undefined || timer.dueMonotonicMs === undefined
          ? undefined
          : timer.dueMonotonicMs + timer.every;
      this.put(transaction, { ...timer, dueMs: nextMs, dueMonotonicMs, handle: undefined });
    }
    return 'run';
  }

  private nextDue(timer: Timer): number | undefined {
    if (timer.every !== undefined) return timer.dueMs + timer.every;
    return timer.cron === undefined ? undefined : nextCron(timer.cron, timer.dueMs);
  }

  private firstDue(schedule: Schedule, nowMs: number): { wallMs: number; isDuration: boolean } {
    const { delayMs, at, every, cron } = schedule;
    const given = [delayMs, at, every, cron].filter((value) => value !== undefined);
    if (given.length !== 1) throw invalid('give exactly one of delayMs, at, every and cron');
    if (delayMs !== undefined) {
      if (!Number.isFinite(delayMs) || delayMs < 0) throw invalid(`delayMs: expected 0 or more, got ${delayMs}`);
      return { wallMs: nowMs + delayMs, isDuration: true };
    }
    if (every !== undefined) {
      if (!Number.isFinite(every) || every < 1) throw invalid(`every: expected at least 1 ms, got ${every}`);
      return { wallMs: nowMs + every, isDuration: true };
    }
    if (at !== undefined) {
      if (!Number.isFinite(at)) throw invalid(`at: expected a time in ms since 1970, got ${at}`);
      return { wallMs: at, isDuration: false };
    }
    const next = nextCron(cron!, nowMs);
    if (next === undefined) throw invalid(`cron "${cron}" never falls due`);
    return { wallMs: next, isDuration: false };
  }
}

const WALL_RECHECK_MS = 60_000;

/** Timers that the open transaction has made and that are not sealed yet. */
function pendingTimers(transaction: OpenTransaction): number {
  let count = 0;
  for (const { tableId, value } of transaction.changes) if (tableId === Table.timers && value !== undefined) count++;
  return count;
}

function keyOf(id: string): Uint8Array {
  const key = Buffer.from(id, 'utf8');
  if (key.length === 0 || key.length > TIMER_ID_BYTES_MAX)
    throw invalid(`id: expected 1 to ${TIMER_ID_BYTES_MAX} bytes, got ${key.length}`);
  return key;
}

const TIMER_ID_BYTES_MAX = 255;

function nextCron(expression: string, afterMs: number): number | undefined {
  try {
    // sloppyRanges: Quartz strings such as `0/2 * * * * ?` are common in deployments that come from elsewhere.
    return new Cron(expression, { timezone: 'UTC', sloppyRanges: true, paused: true })
      .nextRun(new Date(afterMs))
      ?.getTime();
  } catch (error) {
    throw invalid(`cron "${expression}": ${(error as Error).message}`);
  }
}

function typeGone(id: string, type: string): AepError {
  return new AepError(
    'AEP_TIMER_TYPE_UNKNOWN',
    'fatal',
    `timer "${id}" in the store carries a ${type}, which the application does not know any more: add its factory to @App({ factories })`,
    { timer: id, type },
  );
}

function invalid(problem: string): AepError {
  return new AepError('AEP_SCHEDULE_INVALID', 'reject', `a timer cannot be scheduled: ${problem}`, {});
}
