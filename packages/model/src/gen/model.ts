// Generated from src/shape by scripts/generate.mjs; a test checks that it is current.
import { type ConfigTree } from '../config-tree.js';

/** A duration with its unit, such as `250ms`, `5s` or `2m`; or with a variable in it. */
export type DurationText = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | `${string}\${${string}`;

/** A size with its unit, such as `64KiB` or `1GiB`; or with a variable in it. */
export type SizeText = `${number}${'B' | 'KiB' | 'MiB' | 'GiB' | 'TiB'}` | `${string}\${${string}`;

/** A list as an array, or with the templates of its items beside them. */
export type TemplatedList<T> =
  readonly T[] | { readonly templates?: readonly T[]; readonly [item: string]: readonly T[] | undefined };

/** A free tree of values. */
export interface FreeTree {
  readonly [name: string]: string | number | boolean | FreeTree;
}

/** A deployment model: buses, apps, and the processes that host them. */
export interface Model {
  /** Free tree of values: for ${a.b} in this file and for @Configured. */
  readonly env: ConfigTree;
  /** Providers beyond the built-in ones. */
  readonly busProviders: readonly BusProviderModel[];
  /** Message buses. */
  readonly buses: readonly BusModel[];
  /** Applications. */
  readonly apps: readonly AppModel[];
  /** Processes. */
  readonly xvms: readonly XvmModel[];
  /** The profiles that were merged, in their order. */
  readonly activeProfiles: readonly string[];
}

/** A message bus provider of your own. */
export interface BusProviderModel {
  /** The name to be used as provider of a bus. */
  readonly name: string;
  /** Module and export of the provider class: ./dist/my-bus.js#MyBusProvider. */
  readonly module: string;
}

/** A message bus: where it is and which channels it carries. */
export interface BusModel {
  /** Unique in the model. */
  readonly name: string;
  /** provider://address[:port][/path][?key=value&key=value]; instead of provider, address and port. */
  readonly descriptor: string;
  /** Name of the provider: loopback, direct, executor, or a registered one. */
  readonly provider: string;
  /** Host name or address, or what the provider takes for one. Empty when there is none. */
  readonly address: string;
  /** Port; null when the address has none. An integer 1..65535. */
  readonly port: number | null;
  /** What follows the address in the descriptor, with its slash. Empty when there is none. */
  readonly path: string;
  /** Settings for the provider; joined with those after the "?" of the descriptor, and stronger. */
  readonly properties: Readonly<Record<string, string>>;
  /** Channels of the bus. */
  readonly channels: readonly ChannelModel[];
}

/** A named stream of messages on a bus. */
export interface ChannelModel {
  /** Unique on its bus. */
  readonly name: string;
  /** Number of the channel for providers that address channels by number. An integer 1..65535. */
  readonly id: number | null;
  /** Guaranteed: journaled, confirmed, sent again. BestEffort: released after stability, not kept (E44). @default Guaranteed */
  readonly qos: 'Guaranteed' | 'BestEffort';
  /** Key template with levels split by "/", such as NEWORDERS/${Region}/${Department} (E80). Variables are filled per message, not while loading, except those of initialKeyResolution. null: messages of the channel have no key. */
  readonly key: string | null;
  /** Full name of the protobuf type that a message without a type has, such as acme.NewOrder: for what other programs send. null: such a message is unhandled. */
  readonly defaultType: string | null;
  /** Key variables whose value is fixed for good when the model is loaded (E82). */
  readonly initialKeyResolution: Readonly<Record<string, string>>;
  /** Values of key variables that the message and the send do not give (E81). */
  readonly keyResolution: Readonly<Record<string, string>>;
  /** Replace what is not a letter or digit in the value of a key variable by "_" (E83). @default false */
  readonly cleanMessageKey: boolean;
  /** Accept an empty value of a key variable; otherwise the send fails (E83). @default false */
  readonly allowEmptyKeyField: boolean;
  /** Treat an empty field as if it were not there, so that defaults apply (E83). @default false */
  readonly treatEmptyKeyFieldAsNull: boolean;
  /** Characters of a resolved key; a longer one fails the send (E83). An integer 1..65535. @default 1024 */
  readonly maxResolvedKeyLength: number;
  /** Settings for the provider. */
  readonly properties: Readonly<Record<string, string>>;
}

/** An application: one engine with its handlers, state and buses. */
export interface AppModel {
  /** Unique in the model; the name of the engine and its sender id. */
  readonly name: string;
  /** Module and export of the class: ./dist/order-processor.js#OrderProcessor. */
  readonly mainClass: string;
  /** Buses and channels of the app, and what happens when they fail (E91). */
  readonly messaging: MessagingModel;
  /** Where and how safely the app keeps its journal and state (E34). */
  readonly storage: StorageModel;
  /** What the engine does when things do not go as planned (E13, E16, E20, E32, E60). */
  readonly policies: PoliciesModel;
  /** How transactions are grouped (E33, E36). */
  readonly transactions: TransactionsModel;
  /** Bounds of memory; at a bound the engine takes no more input and drops nothing (E43). */
  readonly limits: LimitsModel;
  /** What is counted and measured (E100). */
  readonly statistics: StatisticsModel;
  /** A start that does not meet these is stopped (M5). */
  readonly startupExpectations: StartupExpectationsModel;
  /** Settings of the app itself. */
  readonly properties: Readonly<Record<string, string>>;
}

/** Buses and channels of the app, and what happens when they fail (E91). */
export interface MessagingModel {
  /** Message factories that the app can read. */
  readonly factories: readonly FactoryModel[];
  /** Buses that the app uses. */
  readonly buses: readonly AppBusModel[];
  /** Keep joins (durable subscriptions) when the app stops without a cause (E4). @default false */
  readonly preserveChannelJoinsOnStop: boolean;
  /** When a bus that cannot be opened fails the start of messaging. @default FailIfOneBindingFails */
  readonly messagingStartFailPolicy: 'FailIfOneBindingFails' | 'FailIfAllBindingsFail' | 'NeverFail';
  /** What happens when an open bus goes down. @default Reconnect */
  readonly busBindingFailPolicy: 'Reconnect' | 'Fail';
}

/** A generated message factory. */
export interface FactoryModel {
  /** Module and export of the factory: ./dist/messages.js#OrderFactory. */
  readonly name: string;
}

/** A bus that the app uses. */
export interface AppBusModel {
  /** Name of a bus of the model. */
  readonly name: string;
  /** Filter for the channels below that have none of their own. */
  readonly filter: string | null;
  /** Channels that the app uses on this bus. */
  readonly channels: readonly AppChannelModel[];
}

/** A channel that the app uses. */
export interface AppChannelModel {
  /** Name of a channel of the bus. */
  readonly name: string;
  /** Receive from the channel. A handler that names the channel joins it too (E86). @default false */
  readonly join: boolean;
  /** Which keys to receive: var1=a|b;var2=c. When it is left out, the filter of the bus reference (E85). */
  readonly filter: string | null;
  /** What happens to the join when the app closes; Default follows the app (E86). @default Default */
  readonly preserveJoinsOnClose: 'Default' | 'Leave' | 'Preserve';
}

/** Where and how safely the app keeps its journal and state (E34). */
export interface StorageModel {
  /** Directory of the store; null leaves it to the host, which uses a directory per app below its data directory. */
  readonly path: string | null;
  /** When a transaction counts as stable. disk: synced to the device. replicated: received by quorum members. os: handed to the operating system, lost at a power failure. @default disk */
  readonly durability: 'disk' | 'replicated' | 'os';
  /** Members that must have a record with durability replicated; below it, disk applies. An integer 1..9. @default 2 */
  readonly quorum: number;
  /** Transactions between two snapshots of an event-sourced app; 0: none (E60). An integer 0..1000000000. @default 10000 */
  readonly snapshotEvery: number;
  /** Compare what the handlers of an event-sourced app do again with the journal: messages, timers and a digest of the state in each record. Alone, a difference after the start stops the app; a backup names the first as it comes, in an alert (E60, H11). @default false */
  readonly verifyReplay: boolean;
  /** How long the last number seen of a sender is kept; null: for ever (E53). A duration 1ms..3650d such as 250ms, 5s or 2m. */
  readonly dedupeRetentionMs: number | null;
  /** How long an idempotency key makes a repeated send harmless (E40). A duration 0ms..3650d such as 250ms, 5s or 2m. @default 7d */
  readonly idempotencyRetentionMs: number;
  /** The group of members that keep the same journal. */
  readonly clustering: ClusteringModel | null;
  /** Files of the journal and the state. */
  readonly persistence: PersistenceModel;
}

/** The group of members that keep the same journal. */
export interface ClusteringModel {
  /** Members with the same group name are one group. When it is left out, the name of the app. */
  readonly groupName: string;
  /** Descriptor of the arbiter: embedded:///path on one host (relative: below the data directory), or etcd://host:port,host:port/prefix. @default embedded://arbiter */
  readonly arbiter: string;
  /** Address on which this member accepts the others. @default 127.0.0.1 */
  readonly linkAddress: string;
  /** Port on which this member accepts the others; 0 takes a free one. An integer 0..65535. @default 0 */
  readonly linkPort: number;
  /** Who signs the certificates of all members (PEM). With it, links are TLS and ask for certificates (H13). */
  readonly caFile: string | null;
  /** The certificate of this member (PEM). */
  readonly certFile: string | null;
  /** Its key (PEM). */
  readonly keyFile: string | null;
  /** Allow a link without certificates and secret beyond the loopback address (H13). @default false */
  readonly insecureLink: boolean;
  /** Environment variable with the secret by which members know each other; 16 characters at least. */
  readonly secretEnv: string | null;
  /** The highest of the free candidates becomes primary; a running primary is never displaced. An integer 0..1000. @default 100 */
  readonly priority: number;
  /** Time between two heartbeats. A duration 1ms..3650d such as 250ms, 5s or 2m. @default 100ms */
  readonly heartbeatIntervalMs: number;
  /** A member that is silent for so long is suspected; at least twice heartbeatInterval. A duration 2ms..3650d such as 250ms, 5s or 2m. @default 1s */
  readonly silenceTimeoutMs: number;
  /** members: a record is stable when every member has it. none: asynchronous, may lose on failover (H10). @default members */
  readonly acks: 'members' | 'none';
}

/** Files of the journal and the state. */
export interface PersistenceModel {
  /** Largest size of each database file; the address space is reserved, the disk is not. A size 1MiB..16TiB such as 64KiB or 8MiB. @default 64GiB */
  readonly mapSizeBytes: number;
  /** Journal entries younger than this are kept even if nothing needs them (E104). A duration 0ms..3650d such as 250ms, 5s or 2m. @default 0ms */
  readonly journalRetentionMs: number;
  /** So many of the newest journal entries are kept even if nothing needs them; an entry goes when both retentions are past (E104). An integer 0..1000000000. @default 100000 */
  readonly journalRetentionRecords: number;
  /** OnStart copies the files without their free pages before they are opened. @default None */
  readonly compaction: 'None' | 'OnStart';
  /** A stable change is written to the state after so long at the latest; bounds the time of a recovery. A duration 1ms..3650d such as 250ms, 5s or 2m. @default 1s */
  readonly checkpointIntervalMs: number;
  /** Changed keys that are written to the state together at the latest; from there on a thread of the store takes over from the event loop. An integer 1..10000000. @default 8192 */
  readonly checkpointEntries: number;
  /** Free disk space below which no new input is taken (S4). A size 1MiB..1TiB such as 64KiB or 8MiB. @default 128MiB */
  readonly diskReserveBytes: number;
}

/** What the engine does when things do not go as planned (E13, E16, E20, E32, E60). */
export interface PoliciesModel {
  /** StateReplication journals state changes; EventSourcing journals inputs and runs them again. @default StateReplication */
  readonly haPolicy: 'StateReplication' | 'EventSourcing';
  /** What happens when a handler throws. @default QuarantineAndContinue */
  readonly appExceptionPolicy: 'QuarantineAndContinue' | 'QuarantineAndStop' | 'LogAndContinue' | 'RollbackAndStop';
  /** Exceptions to appExceptionPolicy by message type. */
  readonly messagePolicies: readonly MessagePolicyModel[];
  /** Repeats before a message is put in quarantine; 0: none. An integer 0..1000. @default 3 */
  readonly retriesMax: number;
  /** Wait before the first repeat; doubles up to retryDelayMax. A duration 0ms..3650d such as 250ms, 5s or 2m. @default 50ms */
  readonly retryDelayMs: number;
  /** Longest wait between two repeats. A duration 0ms..3650d such as 250ms, 5s or 2m. @default 1s */
  readonly retryDelayMaxMs: number;
  /** What happens to a message that no handler takes. @default DeadLetter */
  readonly unhandledMessagePolicy: 'DeadLetter' | 'Ignore' | 'Stop';
  /** When an inbound message is acknowledged. @default OnSendStability */
  readonly inboundAckPolicy: 'OnSendStability' | 'OnStoreStability';
  /** When the default handler object is called. @default DispatchIfNoAnnotatedHandlers */
  readonly defaultHandlerPolicy: 'DispatchIfNoAnnotatedHandlers' | 'DispatchAlways';
  /** A handler that runs longer raises a StuckAlert (E12). A duration 1ms..3650d such as 250ms, 5s or 2m. @default 5s */
  readonly stuckAlertThresholdMs: number;
  /** A delayed acknowledgement that is older raises an alert (E64). A duration 1ms..3650d such as 250ms, 5s or 2m. @default 30s */
  readonly delayedAckTimeoutMs: number;
}

/** An exception policy for one message type (E20). */
export interface MessagePolicyModel {
  /** Full name of the message type: orders.NewOrderMessage. */
  readonly name: string;
  /** What happens when a handler of this type throws. @default QuarantineAndContinue */
  readonly appExceptionPolicy: 'QuarantineAndContinue' | 'QuarantineAndStop' | 'LogAndContinue' | 'RollbackAndStop';
}

/** How transactions are grouped (E33, E36). */
export interface TransactionsModel {
  /** Transactions of one group commit. An integer 1..65536. @default 8192 */
  readonly commitBatchMax: number;
  /** Allow savepoints inside handlers. @default true */
  readonly savepoints: boolean;
}

/** Bounds of memory; at a bound the engine takes no more input and drops nothing (E43). */
export interface LimitsModel {
  /** A longer message is refused: inbound as undecodable, outbound at the send. A size 64B..15MiB such as 64KiB or 8MiB. @default 4MiB */
  readonly messageBytesMax: number;
  /** Messages received and not yet handled. An integer 1..1048576. @default 8192 */
  readonly inboundQueueMax: number;
  /** Messages sent and not yet confirmed, per bus. An integer 1..1048576. @default 65536 */
  readonly outboundPendingMax: number;
  /** Transactions sealed and not yet acknowledged. An integer 1..1048576. @default 65536 */
  readonly transactionsInFlightMax: number;
  /** Messages handled before other work of the process gets its turn. An integer 1..1048576. @default 512 */
  readonly eventsPerTurnMax: number;
  /** Timers waiting; a further schedule fails. An integer 1..100000000. @default 100000 */
  readonly timersMax: number;
  /** Entities kept in memory beside the changed ones. An integer 0..100000000. @default 100000 */
  readonly cachedEntitiesMax: number;
  /** Streams whose last number is kept in memory; the rest is in the store (E53). An integer 1..100000000. @default 10000 */
  readonly dedupeStreamsCachedMax: number;
}

/** What is counted and measured (E100). */
export interface StatisticsModel {
  /** Measure. Counters are kept in any case: they cost nothing that shows. @default true */
  readonly enabled: boolean;
  /** Keep latency histograms, while enabled. @default true */
  readonly latencies: boolean;
  /** Time between two statistics events. A duration 10ms..3650d such as 250ms, 5s or 2m. @default 1s */
  readonly intervalMs: number;
}

/** A start that does not meet these is stopped (M5). */
export interface StartupExpectationsModel {
  /** The role in which the app must come up. @default None */
  readonly role: 'None' | 'Primary' | 'Backup';
  /** What the journal must be. @default None */
  readonly journal: 'None' | 'Empty' | 'NotEmpty';
}

/** One process that hosts one or more apps. */
export interface XvmModel {
  /** Unique in the model. */
  readonly name: string;
  /** Apps that the process hosts. */
  readonly apps: readonly XvmAppModel[];
  /** Health, metrics and commands over HTTP. */
  readonly admin: AdminModel;
  /** What is logged and how. */
  readonly logging: LoggingModel;
  /** A regular line with the statistics of the process. */
  readonly heartbeats: HeartbeatsModel;
  /** How long an orderly stop may take before it is cut short (E4). A duration 1ms..3650d such as 250ms, 5s or 2m. @default 10s */
  readonly stopTimeoutMs: number;
}

/** An app that the process hosts. */
export interface XvmAppModel {
  /** Name of an app of the model. */
  readonly name: string;
  /** Start the app with the process. @default true */
  readonly autoStart: boolean;
  /** Address on which this member of the group accepts the others; null: as clustering says. */
  readonly linkAddress: string | null;
  /** Port on which this member of the group accepts the others; null: as clustering says. An integer 0..65535. */
  readonly linkPort: number | null;
  /** Priority of this member of the group; null: as clustering says. An integer 0..1000. */
  readonly priority: number | null;
}

/** Health, metrics and commands over HTTP. */
export interface AdminModel {
  /** Address to listen on; beyond the loopback address a token is needed. @default 127.0.0.1 */
  readonly address: string;
  /** Port to listen on; 0: no admin server. An integer 0..65535. @default 0 */
  readonly port: number;
  /** Bearer token that callers must show; null: none. */
  readonly token: string | null;
}

/** What is logged and how. */
export interface LoggingModel {
  /** Lines below this level are not written. @default info */
  readonly level: 'info' | 'trace' | 'debug' | 'warn' | 'error' | 'silent';
  /** text for people, json for machines. @default text */
  readonly format: 'text' | 'json';
  /** Levels of single parts by name, such as bus or store. */
  readonly levels: Readonly<Record<string, string>>;
}

/** A regular line with the statistics of the process. */
export interface HeartbeatsModel {
  /** Emit heartbeats. @default false */
  readonly enabled: boolean;
  /** Time between two heartbeats. A duration 10ms..3650d such as 250ms, 5s or 2m. @default 5s */
  readonly intervalMs: number;
  /** Write each heartbeat to the log. @default false */
  readonly log: boolean;
}

/** A deployment model as it is written in code (M10). */
export interface ModelInput {
  /** Free tree of values: for ${a.b} in this file and for @Configured. */
  readonly env?: FreeTree;
  /** Providers beyond the built-in ones. */
  readonly busProviders?: readonly BusProviderInput[];
  /** Message buses. */
  readonly buses?: TemplatedList<BusInput>;
  /** Applications. */
  readonly apps?: TemplatedList<AppInput>;
  /** Processes. */
  readonly xvms?: TemplatedList<XvmInput>;
  /** Variations of the model, merged over it in the order in which they are asked for. */
  readonly profiles?: readonly ProfileInput[];
}

/** A message bus provider of your own. As it is written. */
export interface BusProviderInput {
  /** The name to be used as provider of a bus. */
  readonly name: string;
  /** Module and export of the provider class: ./dist/my-bus.js#MyBusProvider. */
  readonly module?: string;
}

/** A message bus: where it is and which channels it carries. As it is written. */
export interface BusInput {
  /** Unique in the model. */
  readonly name: string;
  /** Name of a bus template whose values apply where this bus gives none. */
  readonly template?: string;
  /** provider://address[:port][/path][?key=value&key=value]; instead of provider, address and port. */
  readonly descriptor?: string;
  /** Name of the provider: loopback, direct, executor, or a registered one. */
  readonly provider?: string;
  /** Host name or address, or what the provider takes for one. Empty when there is none. */
  readonly address?: string;
  /** Port; null when the address has none. An integer 1..65535. */
  readonly port?: number | `${string}\${${string}`;
  /** What follows the address in the descriptor, with its slash. Empty when there is none. */
  readonly path?: string;
  /** Settings for the provider; joined with those after the "?" of the descriptor, and stronger. */
  readonly properties?: FreeTree;
  /** Channels of the bus. */
  readonly channels?: readonly ChannelInput[];
}

/** A named stream of messages on a bus. As it is written. */
export interface ChannelInput {
  /** Unique on its bus. */
  readonly name: string;
  /** Number of the channel for providers that address channels by number. An integer 1..65535. */
  readonly id?: number | `${string}\${${string}`;
  /** Guaranteed: journaled, confirmed, sent again. BestEffort: released after stability, not kept (E44). @default Guaranteed */
  readonly qos?: 'Guaranteed' | 'BestEffort' | `${string}\${${string}`;
  /** Key template with levels split by "/", such as NEWORDERS/${Region}/${Department} (E80). Variables are filled per message, not while loading, except those of initialKeyResolution. null: messages of the channel have no key. */
  readonly key?: string;
  /** Full name of the protobuf type that a message without a type has, such as acme.NewOrder: for what other programs send. null: such a message is unhandled. */
  readonly defaultType?: string;
  /** Key variables whose value is fixed for good when the model is loaded (E82). */
  readonly initialKeyResolution?: FreeTree;
  /** Values of key variables that the message and the send do not give (E81). */
  readonly keyResolution?: FreeTree;
  /** Replace what is not a letter or digit in the value of a key variable by "_" (E83). @default false */
  readonly cleanMessageKey?: boolean | `${string}\${${string}`;
  /** Accept an empty value of a key variable; otherwise the send fails (E83). @default false */
  readonly allowEmptyKeyField?: boolean | `${string}\${${string}`;
  /** Treat an empty field as if it were not there, so that defaults apply (E83). @default false */
  readonly treatEmptyKeyFieldAsNull?: boolean | `${string}\${${string}`;
  /** Characters of a resolved key; a longer one fails the send (E83). An integer 1..65535. @default 1024 */
  readonly maxResolvedKeyLength?: number | `${string}\${${string}`;
  /** Settings for the provider. */
  readonly properties?: FreeTree;
}

/** An application: one engine with its handlers, state and buses. As it is written. */
export interface AppInput {
  /** Unique in the model; the name of the engine and its sender id. */
  readonly name: string;
  /** Module and export of the class: ./dist/order-processor.js#OrderProcessor. */
  readonly mainClass?: string;
  /** Name of an app template whose values apply where this app gives none. */
  readonly template?: string;
  /** Buses and channels of the app, and what happens when they fail (E91). */
  readonly messaging?: MessagingInput;
  /** Where and how safely the app keeps its journal and state (E34). */
  readonly storage?: StorageInput;
  /** What the engine does when things do not go as planned (E13, E16, E20, E32, E60). */
  readonly policies?: PoliciesInput;
  /** How transactions are grouped (E33, E36). */
  readonly transactions?: TransactionsInput;
  /** Bounds of memory; at a bound the engine takes no more input and drops nothing (E43). */
  readonly limits?: LimitsInput;
  /** What is counted and measured (E100). */
  readonly statistics?: StatisticsInput;
  /** A start that does not meet these is stopped (M5). */
  readonly startupExpectations?: StartupExpectationsInput;
  /** Settings of the app itself. */
  readonly properties?: FreeTree;
}

/** Buses and channels of the app, and what happens when they fail (E91). As it is written. */
export interface MessagingInput {
  /** Message factories that the app can read. */
  readonly factories?: readonly FactoryInput[];
  /** Buses that the app uses. */
  readonly buses?: readonly AppBusInput[];
  /** Keep joins (durable subscriptions) when the app stops without a cause (E4). @default false */
  readonly preserveChannelJoinsOnStop?: boolean | `${string}\${${string}`;
  /** When a bus that cannot be opened fails the start of messaging. @default FailIfOneBindingFails */
  readonly messagingStartFailPolicy?:
    'FailIfOneBindingFails' | 'FailIfAllBindingsFail' | 'NeverFail' | `${string}\${${string}`;
  /** What happens when an open bus goes down. @default Reconnect */
  readonly busBindingFailPolicy?: 'Reconnect' | 'Fail' | `${string}\${${string}`;
}

/** A generated message factory. As it is written. */
export interface FactoryInput {
  /** Module and export of the factory: ./dist/messages.js#OrderFactory. */
  readonly name: string;
}

/** A bus that the app uses. As it is written. */
export interface AppBusInput {
  /** Name of a bus of the model. */
  readonly name: string;
  /** Filter for the channels below that have none of their own. */
  readonly filter?: string;
  /** Channels that the app uses on this bus. */
  readonly channels?: readonly AppChannelInput[];
}

/** A channel that the app uses. As it is written. */
export interface AppChannelInput {
  /** Name of a channel of the bus. */
  readonly name: string;
  /** Receive from the channel. A handler that names the channel joins it too (E86). @default false */
  readonly join?: boolean | `${string}\${${string}`;
  /** Which keys to receive: var1=a|b;var2=c. When it is left out, the filter of the bus reference (E85). */
  readonly filter?: string;
  /** What happens to the join when the app closes; Default follows the app (E86). @default Default */
  readonly preserveJoinsOnClose?: 'Default' | 'Leave' | 'Preserve' | `${string}\${${string}`;
}

/** Where and how safely the app keeps its journal and state (E34). As it is written. */
export interface StorageInput {
  /** Directory of the store; null leaves it to the host, which uses a directory per app below its data directory. */
  readonly path?: string;
  /** When a transaction counts as stable. disk: synced to the device. replicated: received by quorum members. os: handed to the operating system, lost at a power failure. @default disk */
  readonly durability?: 'disk' | 'replicated' | 'os' | `${string}\${${string}`;
  /** Members that must have a record with durability replicated; below it, disk applies. An integer 1..9. @default 2 */
  readonly quorum?: number | `${string}\${${string}`;
  /** Transactions between two snapshots of an event-sourced app; 0: none (E60). An integer 0..1000000000. @default 10000 */
  readonly snapshotEvery?: number | `${string}\${${string}`;
  /** Compare what the handlers of an event-sourced app do again with the journal: messages, timers and a digest of the state in each record. Alone, a difference after the start stops the app; a backup names the first as it comes, in an alert (E60, H11). @default false */
  readonly verifyReplay?: boolean | `${string}\${${string}`;
  /** How long the last number seen of a sender is kept; null: for ever (E53). A duration 1ms..3650d such as 250ms, 5s or 2m. */
  readonly dedupeRetention?: DurationText;
  /** How long an idempotency key makes a repeated send harmless (E40). A duration 0ms..3650d such as 250ms, 5s or 2m. @default 7d */
  readonly idempotencyRetention?: DurationText;
  /** The group of members that keep the same journal. */
  readonly clustering?: ClusteringInput;
  /** Files of the journal and the state. */
  readonly persistence?: PersistenceInput;
}

/** The group of members that keep the same journal. As it is written. */
export interface ClusteringInput {
  /** Members with the same group name are one group. When it is left out, the name of the app. */
  readonly groupName?: string;
  /** Descriptor of the arbiter: embedded:///path on one host (relative: below the data directory), or etcd://host:port,host:port/prefix. @default embedded://arbiter */
  readonly arbiter?: string;
  /** Address on which this member accepts the others. @default 127.0.0.1 */
  readonly linkAddress?: string;
  /** Port on which this member accepts the others; 0 takes a free one. An integer 0..65535. @default 0 */
  readonly linkPort?: number | `${string}\${${string}`;
  /** Who signs the certificates of all members (PEM). With it, links are TLS and ask for certificates (H13). */
  readonly caFile?: string;
  /** The certificate of this member (PEM). */
  readonly certFile?: string;
  /** Its key (PEM). */
  readonly keyFile?: string;
  /** Allow a link without certificates and secret beyond the loopback address (H13). @default false */
  readonly insecureLink?: boolean | `${string}\${${string}`;
  /** Environment variable with the secret by which members know each other; 16 characters at least. */
  readonly secretEnv?: string;
  /** The highest of the free candidates becomes primary; a running primary is never displaced. An integer 0..1000. @default 100 */
  readonly priority?: number | `${string}\${${string}`;
  /** Time between two heartbeats. A duration 1ms..3650d such as 250ms, 5s or 2m. @default 100ms */
  readonly heartbeatInterval?: DurationText;
  /** A member that is silent for so long is suspected; at least twice heartbeatInterval. A duration 2ms..3650d such as 250ms, 5s or 2m. @default 1s */
  readonly silenceTimeout?: DurationText;
  /** members: a record is stable when every member has it. none: asynchronous, may lose on failover (H10). @default members */
  readonly acks?: 'members' | 'none' | `${string}\${${string}`;
}

/** Files of the journal and the state. As it is written. */
export interface PersistenceInput {
  /** Largest size of each database file; the address space is reserved, the disk is not. A size 1MiB..16TiB such as 64KiB or 8MiB. @default 64GiB */
  readonly mapSize?: SizeText;
  /** Journal entries younger than this are kept even if nothing needs them (E104). A duration 0ms..3650d such as 250ms, 5s or 2m. @default 0ms */
  readonly journalRetention?: DurationText;
  /** So many of the newest journal entries are kept even if nothing needs them; an entry goes when both retentions are past (E104). An integer 0..1000000000. @default 100000 */
  readonly journalRetentionRecords?: number | `${string}\${${string}`;
  /** OnStart copies the files without their free pages before they are opened. @default None */
  readonly compaction?: 'None' | 'OnStart' | `${string}\${${string}`;
  /** A stable change is written to the state after so long at the latest; bounds the time of a recovery. A duration 1ms..3650d such as 250ms, 5s or 2m. @default 1s */
  readonly checkpointInterval?: DurationText;
  /** Changed keys that are written to the state together at the latest; from there on a thread of the store takes over from the event loop. An integer 1..10000000. @default 8192 */
  readonly checkpointEntries?: number | `${string}\${${string}`;
  /** Free disk space below which no new input is taken (S4). A size 1MiB..1TiB such as 64KiB or 8MiB. @default 128MiB */
  readonly diskReserve?: SizeText;
}

/** What the engine does when things do not go as planned (E13, E16, E20, E32, E60). As it is written. */
export interface PoliciesInput {
  /** StateReplication journals state changes; EventSourcing journals inputs and runs them again. @default StateReplication */
  readonly haPolicy?: 'StateReplication' | 'EventSourcing' | `${string}\${${string}`;
  /** What happens when a handler throws. @default QuarantineAndContinue */
  readonly appExceptionPolicy?:
    'QuarantineAndContinue' | 'QuarantineAndStop' | 'LogAndContinue' | 'RollbackAndStop' | `${string}\${${string}`;
  /** Exceptions to appExceptionPolicy by message type. */
  readonly messagePolicies?: readonly MessagePolicyInput[];
  /** Repeats before a message is put in quarantine; 0: none. An integer 0..1000. @default 3 */
  readonly retriesMax?: number | `${string}\${${string}`;
  /** Wait before the first repeat; doubles up to retryDelayMax. A duration 0ms..3650d such as 250ms, 5s or 2m. @default 50ms */
  readonly retryDelay?: DurationText;
  /** Longest wait between two repeats. A duration 0ms..3650d such as 250ms, 5s or 2m. @default 1s */
  readonly retryDelayMax?: DurationText;
  /** What happens to a message that no handler takes. @default DeadLetter */
  readonly unhandledMessagePolicy?: 'DeadLetter' | 'Ignore' | 'Stop' | `${string}\${${string}`;
  /** When an inbound message is acknowledged. @default OnSendStability */
  readonly inboundAckPolicy?: 'OnSendStability' | 'OnStoreStability' | `${string}\${${string}`;
  /** When the default handler object is called. @default DispatchIfNoAnnotatedHandlers */
  readonly defaultHandlerPolicy?: 'DispatchIfNoAnnotatedHandlers' | 'DispatchAlways' | `${string}\${${string}`;
  /** A handler that runs longer raises a StuckAlert (E12). A duration 1ms..3650d such as 250ms, 5s or 2m. @default 5s */
  readonly stuckAlertThreshold?: DurationText;
  /** A delayed acknowledgement that is older raises an alert (E64). A duration 1ms..3650d such as 250ms, 5s or 2m. @default 30s */
  readonly delayedAckTimeout?: DurationText;
}

/** An exception policy for one message type (E20). As it is written. */
export interface MessagePolicyInput {
  /** Full name of the message type: orders.NewOrderMessage. */
  readonly name: string;
  /** What happens when a handler of this type throws. @default QuarantineAndContinue */
  readonly appExceptionPolicy?:
    'QuarantineAndContinue' | 'QuarantineAndStop' | 'LogAndContinue' | 'RollbackAndStop' | `${string}\${${string}`;
}

/** How transactions are grouped (E33, E36). As it is written. */
export interface TransactionsInput {
  /** Transactions of one group commit. An integer 1..65536. @default 8192 */
  readonly commitBatchMax?: number | `${string}\${${string}`;
  /** Allow savepoints inside handlers. @default true */
  readonly savepoints?: boolean | `${string}\${${string}`;
}

/** Bounds of memory; at a bound the engine takes no more input and drops nothing (E43). As it is written. */
export interface LimitsInput {
  /** A longer message is refused: inbound as undecodable, outbound at the send. A size 64B..15MiB such as 64KiB or 8MiB. @default 4MiB */
  readonly messageBytesMax?: SizeText;
  /** Messages received and not yet handled. An integer 1..1048576. @default 8192 */
  readonly inboundQueueMax?: number | `${string}\${${string}`;
  /** Messages sent and not yet confirmed, per bus. An integer 1..1048576. @default 65536 */
  readonly outboundPendingMax?: number | `${string}\${${string}`;
  /** Transactions sealed and not yet acknowledged. An integer 1..1048576. @default 65536 */
  readonly transactionsInFlightMax?: number | `${string}\${${string}`;
  /** Messages handled before other work of the process gets its turn. An integer 1..1048576. @default 512 */
  readonly eventsPerTurnMax?: number | `${string}\${${string}`;
  /** Timers waiting; a further schedule fails. An integer 1..100000000. @default 100000 */
  readonly timersMax?: number | `${string}\${${string}`;
  /** Entities kept in memory beside the changed ones. An integer 0..100000000. @default 100000 */
  readonly cachedEntitiesMax?: number | `${string}\${${string}`;
  /** Streams whose last number is kept in memory; the rest is in the store (E53). An integer 1..100000000. @default 10000 */
  readonly dedupeStreamsCachedMax?: number | `${string}\${${string}`;
}

/** What is counted and measured (E100). As it is written. */
export interface StatisticsInput {
  /** Measure. Counters are kept in any case: they cost nothing that shows. @default true */
  readonly enabled?: boolean | `${string}\${${string}`;
  /** Keep latency histograms, while enabled. @default true */
  readonly latencies?: boolean | `${string}\${${string}`;
  /** Time between two statistics events. A duration 10ms..3650d such as 250ms, 5s or 2m. @default 1s */
  readonly interval?: DurationText;
}

/** A start that does not meet these is stopped (M5). As it is written. */
export interface StartupExpectationsInput {
  /** The role in which the app must come up. @default None */
  readonly role?: 'None' | 'Primary' | 'Backup' | `${string}\${${string}`;
  /** What the journal must be. @default None */
  readonly journal?: 'None' | 'Empty' | 'NotEmpty' | `${string}\${${string}`;
}

/** One process that hosts one or more apps. As it is written. */
export interface XvmInput {
  /** Unique in the model. */
  readonly name: string;
  /** Name of an xvm template whose values apply where this xvm gives none. */
  readonly template?: string;
  /** Apps that the process hosts. */
  readonly apps?: readonly XvmAppInput[];
  /** Health, metrics and commands over HTTP. */
  readonly admin?: AdminInput;
  /** What is logged and how. */
  readonly logging?: LoggingInput;
  /** A regular line with the statistics of the process. */
  readonly heartbeats?: HeartbeatsInput;
  /** How long an orderly stop may take before it is cut short (E4). A duration 1ms..3650d such as 250ms, 5s or 2m. @default 10s */
  readonly stopTimeout?: DurationText;
}

/** An app that the process hosts. As it is written. */
export interface XvmAppInput {
  /** Name of an app of the model. */
  readonly name: string;
  /** Start the app with the process. @default true */
  readonly autoStart?: boolean | `${string}\${${string}`;
  /** Address on which this member of the group accepts the others; null: as clustering says. */
  readonly linkAddress?: string;
  /** Port on which this member of the group accepts the others; null: as clustering says. An integer 0..65535. */
  readonly linkPort?: number | `${string}\${${string}`;
  /** Priority of this member of the group; null: as clustering says. An integer 0..1000. */
  readonly priority?: number | `${string}\${${string}`;
}

/** Health, metrics and commands over HTTP. As it is written. */
export interface AdminInput {
  /** Address to listen on; beyond the loopback address a token is needed. @default 127.0.0.1 */
  readonly address?: string;
  /** Port to listen on; 0: no admin server. An integer 0..65535. @default 0 */
  readonly port?: number | `${string}\${${string}`;
  /** Bearer token that callers must show; null: none. */
  readonly token?: string;
}

/** What is logged and how. As it is written. */
export interface LoggingInput {
  /** Lines below this level are not written. @default info */
  readonly level?: 'info' | 'trace' | 'debug' | 'warn' | 'error' | 'silent' | `${string}\${${string}`;
  /** text for people, json for machines. @default text */
  readonly format?: 'text' | 'json' | `${string}\${${string}`;
  /** Levels of single parts by name, such as bus or store. */
  readonly levels?: FreeTree;
}

/** A regular line with the statistics of the process. As it is written. */
export interface HeartbeatsInput {
  /** Emit heartbeats. @default false */
  readonly enabled?: boolean | `${string}\${${string}`;
  /** Time between two heartbeats. A duration 10ms..3650d such as 250ms, 5s or 2m. @default 5s */
  readonly interval?: DurationText;
  /** Write each heartbeat to the log. @default false */
  readonly log?: boolean | `${string}\${${string}`;
}

/** Values that replace or complete the model when the profile is asked for. As it is written. */
export interface ProfileInput {
  /** Name by which the profile is asked for. */
  readonly name: string;
  /** Free tree of values: for ${a.b} in this file and for @Configured. */
  readonly env?: FreeTree;
  /** Providers beyond the built-in ones. */
  readonly busProviders?: readonly BusProviderInput[];
  /** Message buses. */
  readonly buses?: TemplatedList<BusInput>;
  /** Applications. */
  readonly apps?: TemplatedList<AppInput>;
  /** Processes. */
  readonly xvms?: TemplatedList<XvmInput>;
}
