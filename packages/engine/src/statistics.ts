import { Histogram } from '@aep/kernel';

/** Counters since the engine was made (E100). Plain numbers that their owners increment; read them any time. */
export class ChannelStatistics {
  received = 0;
  duplicates = 0;
  filtered = 0;
  gaps = 0;
  sent = 0;
  confirmed = 0;
  bestEffortDropped = 0;
  bytesIn = 0;
  bytesOut = 0;
}

export class BusStatistics {
  downs = 0;
}

export class TypeStatistics {
  handled = 0;
  failed = 0;
  quarantined = 0;
  sent = 0;
}

/** Latencies in microseconds; see the names of E100. Under load they are taken of some events only: {@link LatencySampler}. */
export class LatencyStatistics {
  readonly queueWait = new Histogram();
  readonly handler = new Histogram();
  readonly sealToStable = new Histogram();
  /** Time that released messages wait for room in their binding. */
  readonly stableToSent = new Histogram();
  readonly sentToConfirmed = new Histogram();
  readonly receiveToAck = new Histogram();
}

/**
 * Says which events are timed: all of them while there are few, and of a busy engine every sixteenth. Six histograms for
 * each event would cost a busy engine some percent of its throughput, and tell nothing more.
 */
export class LatencySampler {
  private mask = 0;
  private seen = 0;
  /** Moving average. */
  private eventsPerTurn = 0;

  constructor(private readonly isOn: boolean) {}

  /** Whether the next event is timed. */
  next(): boolean {
    return this.isOn && (this.seen++ & this.mask) === 0;
  }

  /** Of the turns that had any: a busy engine has empty ones too, in which only confirmations came. */
  turnEnded(events: number): void {
    if (events === 0) return;
    this.eventsPerTurn += (events - this.eventsPerTurn) / 8;
    this.mask = this.eventsPerTurn < BUSY_TURN_EVENTS ? 0 : SAMPLED_OF - 1;
  }
}

const SAMPLED_OF = 16;
const BUSY_TURN_EVENTS = 64;

export class EngineCounters {
  received = 0;
  duplicates = 0;
  filtered = 0;
  handled = 0;
  failed = 0;
  quarantined = 0;
  unhandled = 0;
  sent = 0;
  confirmed = 0;
  transactions = 0;
  commits = 0;
  stuckAlerts = 0;
  timersFired = 0;
  readonly types = new Map<string, TypeStatistics>();

  ofType(fullName: string): TypeStatistics {
    let statistics = this.types.get(fullName);
    if (statistics === undefined) this.types.set(fullName, (statistics = new TypeStatistics()));
    return statistics;
  }
}

/** One reading of a histogram, in microseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

export function summarise(histogram: Histogram): LatencySummary {
  return {
    count: histogram.count,
    meanUs: Math.round(histogram.mean),
    p50Us: histogram.percentile(50),
    p99Us: histogram.percentile(99),
    maxUs: histogram.max,
  };
}

/** A reading of everything, for status, metrics and `aep stats`. */
export interface EngineStatistics {
  readonly engine: string;
  readonly state: string;
  readonly messaging: string;
  readonly role: string;
  readonly durability: string;
  readonly lastTxId: number;
  readonly stableTxId: number;
  readonly appliedTxId: number;
  readonly confirmedTxId: number;
  readonly inboundQueued: number;
  readonly inFlight: number;
  readonly inDoubt: number;
  readonly timers: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly types: Readonly<Record<string, Readonly<TypeStatistics>>>;
  readonly buses: Readonly<
    Record<string, { readonly state: string; readonly pending: number; readonly downs: number }>
  >;
  readonly channels: Readonly<Record<string, Readonly<ChannelStatistics>>>;
  readonly latencies: Readonly<Record<string, LatencySummary>>;
  readonly store: Readonly<Record<string, unknown>>;
}
