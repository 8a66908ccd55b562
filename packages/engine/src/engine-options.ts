import { AepError, type Clock, type Log, type Random, silentLog, SystemClock, systemRandom } from '@aep/kernel';
import type { BusDescription, BusProvider } from '@aep/bus';
import type { Store } from '@aep/store';
import type { AppDefinition } from './app/app-definition.js';
import type { ChannelOptions } from './messaging/channel-port.js';

export type AppExceptionPolicy = 'RollbackAndStop' | 'LogAndContinue' | 'QuarantineAndContinue' | 'QuarantineAndStop';
export type UnhandledMessagePolicy = 'DeadLetter' | 'Ignore' | 'Stop';
export type InboundAckPolicy = 'OnSendStability' | 'OnStoreStability';
export type HaPolicy = 'StateReplication' | 'EventSourcing';
export type StartFailPolicy = 'FailIfOneBindingFails' | 'FailIfAllBindingsFail' | 'NeverFail';

/** One bus of an application: how to reach it, and what the application does with its channels. */
export interface BusUse {
  readonly description: BusDescription;
  readonly provider: BusProvider;
  readonly channels?: readonly ChannelOptions[];
  /** E91. @default 'Reconnect' */
  readonly failPolicy?: 'Reconnect' | 'Fail';
}

/** What a person (or the host, from a model) writes. */
export interface EngineOptions {
  /** Name of the engine and sender of its messages; at most 255 bytes. @default the application's name */
  readonly name?: string;
  /** A decorated instance, what `defineApp` answered, or a definition. */
  readonly app: object;
  /** Opens the store; called by `start`. The engine closes what it opened. */
  readonly store: () => Promise<Store> | Store;
  readonly buses?: readonly BusUse[];
  readonly haPolicy?: HaPolicy;
  /**
   * Event sourcing: each record has a digest of the state after it, and every replay (at a start, on a backup) is compared
   * with what the journal holds; the first difference is a ReplayDiffers alert (E60, H11). @default false
   */
  readonly verifyReplay?: boolean;
  readonly policies?: Partial<EnginePolicies>;
  readonly limits?: Partial<EngineLimits>;
  /** Values for `@Configured` properties: path in the model's env tree to value. */
  readonly configuration?: (path: string) => unknown;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
  /** Take latency histograms. Their cost is part of BENCHMARKS.md. @default true */
  readonly latencies?: boolean;
}

export interface EnginePolicies {
  /** @default 'QuarantineAndContinue' (E20) */
  readonly appException: AppExceptionPolicy;
  /** Overrides by message full name. */
  readonly appExceptionByType: Readonly<Record<string, AppExceptionPolicy>>;
  /** Retries before a message is quarantined. @default 3 */
  readonly retriesMax: number;
  /** Delay before the first retry; doubles with each, on the engine clock. @default 50 */
  readonly retryBackoffMs: number;
  /** Longest delay before a retry. @default 1000 */
  readonly retryBackoffMaxMs: number;
  /** @default 'DeadLetter' (E16) */
  readonly unhandledMessage: UnhandledMessagePolicy;
  /** @default 'OnSendStability' (E32) */
  readonly inboundAck: InboundAckPolicy;
  /** @default 'DispatchIfNoAnnotatedHandlers' (E13) */
  readonly defaultHandler: 'DispatchIfNoAnnotatedHandlers' | 'DispatchAlways';
  /** @default 'FailIfOneBindingFails' (E91) */
  readonly messagingStartFail: StartFailPolicy;
  /** @default false (E4) */
  readonly preserveChannelJoinsOnStop: boolean;
}

export interface EngineLimits {
  /** Events accepted and not yet handled; at the limit bindings are back-pressured. @default 8192 */
  readonly inboundQueueMax: number;
  /** Transactions sealed and not yet acknowledged; at the limit no event is taken. @default 65536 */
  readonly transactionsInFlightMax: number;
  /** Outbound messages per bus that are not confirmed; at the limit no event is taken (E43). @default 65536 */
  readonly outboundPendingMax: number;
  /** Bytes of one message, both ways; at most 15 MiB, because a record must hold it as a dead letter. @default 4 MiB */
  readonly messageBytesMax: number;
  /** Transactions in one group commit (E33). @default 8192 */
  readonly commitBatchMax: number;
  /** Events handled before other work of the process gets its turn. @default 512 */
  readonly eventsPerTurnMax: number;
  /** A handler, commit or confirmation that takes longer raises StuckAlert (E12). @default 5000 */
  readonly stuckAlertThresholdMs: number;
  /** A stop that takes longer ends without draining (E4). @default 10000 */
  readonly stopDeadlineMs: number;
  /** A delayed acknowledgement that is older raises StuckAlert (E64), unless its handler gave a time. @default 30000 */
  readonly delayedAckTimeoutMs: number;
  /** @default 100000 */
  readonly timersMax: number;
  /** Entities kept in memory beside the changed ones. @default 100000 */
  readonly cachedEntitiesMax: number;
  /** Sender streams per channel whose dedupe mark is kept in memory; the rest is in the store (E53). @default 10000 */
  readonly dedupeStreamsCachedMax: number;
  /** How long an idempotency key makes a repeat harmless (E40). @default 604800000 (7 days) */
  readonly idempotencyRetentionMs: number;
  /** Transactions between snapshots of an event-sourced state; 0: none. @default 10000 */
  readonly snapshotEvery: number;
  /** How long stable records are kept once nothing needs them (E104); whole commits only. @default 0 */
  readonly journalRetentionMs: number;
  /** The newest records that stay although nothing needs them, for looking back; with the time above, both must be past. @default 100000 */
  readonly journalRetentionRecords: number;
  /** Age of a stable change when it is written to the tables at the latest; bounds the time of a recovery. @default 1000 */
  readonly checkpointIntervalMs: number;
  /** Changed keys that are written to the tables together at the latest; from there on a thread of the store takes over from the event loop. @default 8192 */
  readonly checkpointEntriesMax: number;
}

/** The options in force: defaults filled, relations checked, frozen (STYLE rule 9). */
export interface ConcludedEngineOptions {
  readonly name: string;
  readonly app: AppDefinition;
  readonly store: () => Promise<Store> | Store;
  readonly buses: readonly BusUse[];
  readonly haPolicy: HaPolicy;
  readonly verifyReplay: boolean;
  readonly policies: EnginePolicies;
  readonly limits: EngineLimits;
  readonly configuration: (path: string) => unknown;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly latencies: boolean;
}

const DEFAULT_POLICIES: EnginePolicies = {
  appException: 'QuarantineAndContinue',
  appExceptionByType: {},
  retriesMax: 3,
  retryBackoffMs: 50,
  retryBackoffMaxMs: 1_000,
  unhandledMessage: 'DeadLetter',
  inboundAck: 'OnSendStability',
  defaultHandler: 'DispatchIfNoAnnotatedHandlers',
  messagingStartFail: 'FailIfOneBindingFails',
  preserveChannelJoinsOnStop: false,
};

const DEFAULT_LIMITS: EngineLimits = {
  inboundQueueMax: 8_192,
  transactionsInFlightMax: 65_536,
  outboundPendingMax: 65_536,
  messageBytesMax: 4 * 1024 * 1024,
  commitBatchMax: 8_192,
  eventsPerTurnMax: 512,
  stuckAlertThresholdMs: 5_000,
  stopDeadlineMs: 10_000,
  delayedAckTimeoutMs: 30_000,
  timersMax: 100_000,
  cachedEntitiesMax: 100_000,
  dedupeStreamsCachedMax: 10_000,
  idempotencyRetentionMs: 7 * 24 * 3_600_000,
  snapshotEvery: 10_000,
  journalRetentionMs: 0,
  journalRetentionRecords: 100_000,
  checkpointIntervalMs: 1_000,
  checkpointEntriesMax: 8_192,
};

/** The journal takes entries of up to 16 MiB; a dead letter has a head beside the message. */
const MESSAGE_BYTES_MAX = 15 * 1024 * 1024;

/** Limits that may be 0; all others are at least 1. */
const MAY_BE_ZERO: ReadonlySet<string> = new Set([
  'snapshotEvery',
  'journalRetentionMs',
  'journalRetentionRecords',
  'cachedEntitiesMax',
  'idempotencyRetentionMs',
]);

/** @throws AEP_OPTIONS_INVALID naming the path and the value */
export function concludeEngineOptions(options: EngineOptions, app: AppDefinition): ConcludedEngineOptions {
  const name = options.name ?? app.name;
  if (!/^[A-Za-z][A-Za-z0-9_.-]{0,254}$/.test(name))
    throw invalid('name', name, 'a letter, then letters, digits, "_", "." or "-" (255 at most)');
  const limits = withDefaults('limits', DEFAULT_LIMITS, options.limits);
  for (const [key, value] of Object.entries(limits) as [string, number][]) {
    const least = MAY_BE_ZERO.has(key) ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least)
      throw invalid(`limits.${key}`, value, `an integer from ${least}`);
  }
  if (limits.messageBytesMax > MESSAGE_BYTES_MAX)
    throw invalid('limits.messageBytesMax', limits.messageBytesMax, `at most ${MESSAGE_BYTES_MAX}`);
  const policies = withDefaults('policies', DEFAULT_POLICIES, options.policies);
  if (!Number.isInteger(policies.retriesMax) || policies.retriesMax < 0)
    throw invalid('policies.retriesMax', policies.retriesMax, 'an integer from 0');
  const haPolicy = options.haPolicy ?? (app.stateCodec === undefined ? 'StateReplication' : 'EventSourcing');
  if (haPolicy === 'EventSourcing' && app.state !== undefined) {
    throw invalid(
      'haPolicy',
      haPolicy,
      'StateReplication for a generated state root; an event-sourced application gives a stateCodec instead',
    );
  }
  if (haPolicy === 'StateReplication' && app.stateCodec !== undefined) {
    throw invalid('haPolicy', haPolicy, 'EventSourcing for an application with a stateCodec');
  }
  const verifyReplay = options.verifyReplay ?? false;
  if (verifyReplay && haPolicy !== 'EventSourcing')
    throw invalid('verifyReplay', verifyReplay, 'false, unless the application is event-sourced');
  const buses = options.buses ?? [];
  const seen = new Set<string>();
  for (const [index, bus] of buses.entries()) {
    if (seen.has(bus.description.name))
      throw invalid(`buses[${index}].name`, bus.description.name, 'a name that no other bus has');
    seen.add(bus.description.name);
  }
  return Object.freeze({
    name,
    app,
    store: options.store,
    buses,
    haPolicy,
    verifyReplay,
    policies,
    limits,
    configuration: options.configuration ?? (() => undefined),
    clock: options.clock ?? new SystemClock(),
    random: options.random ?? systemRandom(),
    log: (options.log ?? silentLog).child({ engine: name }),
    latencies: options.latencies ?? true,
  });
}

function withDefaults<T extends object>(path: string, defaults: T, given: Partial<T> | undefined): T {
  for (const key of Object.keys(given ?? {})) {
    if (!(key in defaults)) throw invalid(`${path}.${key}`, 'set', `one of ${Object.keys(defaults).join(', ')}`);
  }
  const present = Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined));
  return Object.freeze({ ...defaults, ...present });
}

function invalid(path: string, value: unknown, expected: string): AepError {
  return new AepError(
    'AEP_OPTIONS_INVALID',
    'reject',
    `engine option ${path}: expected ${expected}, got ${String(value)}`,
    { path, value: String(value) },
  );
}
