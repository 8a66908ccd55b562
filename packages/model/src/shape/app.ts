import {
  bareList,
  choice,
  duration,
  filter,
  flag,
  integer,
  list,
  map,
  name,
  object,
  optionalPart,
  part,
  size,
  text,
} from './field.js';

const MIB = 2 ** 20;
const TIB = 2 ** 40;

const CHANNEL_REFERENCE = object('AppChannel', 'A channel that the app uses.', {
  name: name('Name of a channel of the bus.'),
  join: flag('Receive from the channel. A handler that names the channel joins it too (E86).', false),
  filter: filter('Which keys to receive: var1=a|b;var2=c. When it is left out, the filter of the bus reference (E85).'),
  preserveJoinsOnClose: choice('What happens to the join when the app closes; Default follows the app (E86).', [
    'Default',
    'Leave',
    'Preserve',
  ]),
});

const BUS_REFERENCE = object('AppBus', 'A bus that the app uses.', {
  name: name('Name of a bus of the model.'),
  filter: filter('Filter for the channels below that have none of their own.'),
  channels: bareList('channel', CHANNEL_REFERENCE, 'Channels that the app uses on this bus.'),
});

const FACTORY = object('Factory', 'A generated message factory.', {
  name: text('Module and export of the factory: ./dist/messages.js#OrderFactory.'),
});

const MESSAGING = object('Messaging', 'Buses and channels of the app, and what happens when they fail (E91).', {
  factories: list('factory', FACTORY, 'Message factories that the app can read.'),
  buses: list('bus', BUS_REFERENCE, 'Buses that the app uses.'),
  preserveChannelJoinsOnStop: flag(
    'Keep joins (durable subscriptions) when the app stops without a cause (E4).',
    false,
  ),
  messagingStartFailPolicy: choice('When a bus that cannot be opened fails the start of messaging.', [
    'FailIfOneBindingFails',
    'FailIfAllBindingsFail',
    'NeverFail',
  ]),
  busBindingFailPolicy: choice('What happens when an open bus goes down.', ['Reconnect', 'Fail']),
});

const CLUSTERING = object('Clustering', 'The group of members that keep the same journal.', {
  groupName: name('Members with the same group name are one group. When it is left out, the name of the app.', {
    default: null,
    filled: true,
  }),
  arbiter: text(
    'Descriptor of the arbiter: embedded:///path on one host (relative: below the data directory), or etcd://host:port,host:port/prefix.',
    { default: 'embedded://arbiter' },
  ),
  linkAddress: text('Address on which this member accepts the others.', { default: '127.0.0.1' }),
  linkPort: integer('Port on which this member accepts the others; 0 takes a free one.', {
    max: 65_535,
    default: '0',
  }),
  caFile: text(
    'Who signs the certificates of all members (PEM). With it, links are TLS and ask for certificates (H13).',
    {
      default: null,
    },
  ),
  certFile: text('The certificate of this member (PEM).', { default: null }),
  keyFile: text('Its key (PEM).', { default: null }),
  insecureLink: flag('Allow a link without certificates and secret beyond the loopback address (H13).', false),
  secretEnv: text('Environment variable with the secret by which members know each other; 16 characters at least.', {
    default: null,
  }),
  priority: integer('The highest of the free candidates becomes primary; a running primary is never displaced.', {
    max: 1000,
    default: '100',
  }),
  heartbeatInterval: duration('Time between two heartbeats.', { min: 1, default: '100ms' }),
  silenceTimeout: duration('A member that is silent for so long is suspected; at least twice heartbeatInterval.', {
    min: 2,
    default: '1s',
  }),
  acks: choice(
    'members: a record is stable when every member has it. none: asynchronous, may lose on failover (H10).',
    ['members', 'none'],
  ),
});

const PERSISTENCE = object('Persistence', 'Files of the journal and the state.', {
  mapSize: size('Largest size of each database file; the address space is reserved, the disk is not.', {
    min: MIB,
    max: 16 * TIB,
    default: '64GiB',
  }),
  journalRetention: duration('Journal entries younger than this are kept even if nothing needs them (E104).', {
    default: '0ms',
  }),
  journalRetentionRecords: integer(
    'So many of the newest journal entries are kept even if nothing needs them; an entry goes when both retentions are past (E104).',
    { max: 1_000_000_000, default: '100000' },
  ),
  compaction: choice('OnStart copies the files without their free pages before they are opened.', ['None', 'OnStart']),
  checkpointInterval: duration(
    'A stable change is written to the state after so long at the latest; bounds the time of a recovery.',
    {
      min: 1,
      default: '1s',
    },
  ),
  checkpointEntries: integer(
    'Changed keys that are written to the state together at the latest; from there on a thread of the store takes over from the event loop.',
    { min: 1, max: 10_000_000, default: '8192' },
  ),
  diskReserve: size('Free disk space below which no new input is taken (S4).', {
    min: MIB,
    max: TIB,
    default: '128MiB',
  }),
});

const STORAGE = object('Storage', 'Where and how safely the app keeps its journal and state (E34).', {
  path: text(
    'Directory of the store; null leaves it to the host, which uses a directory per app below its data directory.',
    {
      default: null,
    },
  ),
  durability: choice(
    'When a transaction counts as stable. disk: synced to the device. replicated: received by quorum members. os: handed to the operating system, lost at a power failure.',
    ['disk', 'replicated', 'os'],
  ),
  quorum: integer('Members that must have a record with durability replicated; below it, disk applies.', {
    min: 1,
    max: 9,
    default: '2',
  }),
  snapshotEvery: integer('Transactions between two snapshots of an event-sourced app; 0: none (E60).', {
    max: 1_000_000_000,
    default: '10000',
  }),
  verifyReplay: flag(
    'Compare what the handlers of an event-sourced app do again with the journal: messages, timers and a digest of the state in each record. Alone, a difference after the start stops the app; a backup names the first as it comes, in an alert (E60, H11).',
    false,
  ),
  dedupeRetention: duration('How long the last number seen of a sender is kept; null: for ever (E53).', {
    min: 1,
    default: null,
  }),
  idempotencyRetention: duration('How long an idempotency key makes a repeated send harmless (E40).', {
    default: '7d',
  }),
  clustering: optionalPart(CLUSTERING),
  persistence: part(PERSISTENCE),
});

const EXCEPTION_POLICIES: readonly [string, ...string[]] = [
  'QuarantineAndContinue',
  'QuarantineAndStop',
  'LogAndContinue',
  'RollbackAndStop',
];

const MESSAGE_POLICY = object('MessagePolicy', 'An exception policy for one message type (E20).', {
  name: name('Full name of the message type: orders.NewOrderMessage.'),
  appExceptionPolicy: choice('What happens when a handler of this type throws.', EXCEPTION_POLICIES),
});

const POLICIES = object(
  'Policies',
  'What the engine does when things do not go as planned (E13, E16, E20, E32, E60).',
  {
    haPolicy: choice('StateReplication journals state changes; EventSourcing journals inputs and runs them again.', [
      'StateReplication',
      'EventSourcing',
    ]),
    appExceptionPolicy: choice('What happens when a handler throws.', EXCEPTION_POLICIES),
    messagePolicies: list('messagePolicy', MESSAGE_POLICY, 'Exceptions to appExceptionPolicy by message type.'),
    retriesMax: integer('Repeats before a message is put in quarantine; 0: none.', { max: 1000, default: '3' }),
    retryDelay: duration('Wait before the first repeat; doubles up to retryDelayMax.', { default: '50ms' }),
    retryDelayMax: duration('Longest wait between two repeats.', { default: '1s' }),
    unhandledMessagePolicy: choice('What happens to a message that no handler takes.', [
      'DeadLetter',
      'Ignore',
      'Stop',
    ]),
    inboundAckPolicy: choice('When an inbound message is acknowledged.', ['OnSendStability', 'OnStoreStability']),
    defaultHandlerPolicy: choice('When the default handler object is called.', [
      'DispatchIfNoAnnotatedHandlers',
      'DispatchAlways',
    ]),
    stuckAlertThreshold: duration('A handler that runs longer raises a StuckAlert (E12).', { min: 1, default: '5s' }),
    delayedAckTimeout: duration('A delayed acknowledgement that is older raises an alert (E64).', {
      min: 1,
      default: '30s',
    }),
  },
);

const TRANSACTIONS = object('Transactions', 'How transactions are grouped (E33, E36).', {
  commitBatchMax: integer('Transactions of one group commit.', { min: 1, max: 65_536, default: '8192' }),
  savepoints: flag('Allow savepoints inside handlers.', true),
});

const LIMITS = object(
  'Limits',
  'Bounds of memory; at a bound the engine takes no more input and drops nothing (E43).',
  {
    messageBytesMax: size('A longer message is refused: inbound as undecodable, outbound at the send.', {
      min: 64,
      max: 15 * MIB,
      default: '4MiB',
      concludedName: 'messageBytesMax',
    }),
    inboundQueueMax: integer('Messages received and not yet handled.', { min: 1, max: MIB, default: '8192' }),
    outboundPendingMax: integer('Messages sent and not yet confirmed, per bus.', {
      min: 1,
      max: MIB,
      default: '65536',
    }),
    transactionsInFlightMax: integer('Transactions sealed and not yet acknowledged.', {
      min: 1,
      max: MIB,
      default: '65536',
    }),
    eventsPerTurnMax: integer('Messages handled before other work of the process gets its turn.', {
      min: 1,
      max: MIB,
      default: '512',
    }),
    timersMax: integer('Timers waiting; a further schedule fails.', { min: 1, max: 100_000_000, default: '100000' }),
    cachedEntitiesMax: integer('Entities kept in memory beside the changed ones.', {
      max: 100_000_000,
      default: '100000',
    }),
    dedupeStreamsCachedMax: integer('Streams whose last number is kept in memory; the rest is in the store (E53).', {
      min: 1,
      max: 100_000_000,
      default: '10000',
    }),
  },
);

const STATISTICS = object('Statistics', 'What is counted and measured (E100).', {
  enabled: flag('Measure. Counters are kept in any case: they cost nothing that shows.', true),
  latencies: flag('Keep latency histograms, while enabled.', true),
  interval: duration('Time between two statistics events.', { min: 10, default: '1s' }),
});

const STARTUP_EXPECTATIONS = object('StartupExpectations', 'A start that does not meet these is stopped (M5).', {
  role: choice('The role in which the app must come up.', ['None', 'Primary', 'Backup']),
  journal: choice('What the journal must be.', ['None', 'Empty', 'NotEmpty']),
});

/** M5. */
export const APP = object('App', 'An application: one engine with its handlers, state and buses.', {
  name: name('Unique in the model; the name of the engine and its sender id.'),
  mainClass: text('Module and export of the class: ./dist/order-processor.js#OrderProcessor.'),
  template: name('Name of an app template whose values apply where this app gives none.', {
    default: null,
    consumed: true,
  }),
  messaging: part(MESSAGING),
  storage: part(STORAGE),
  policies: part(POLICIES),
  transactions: part(TRANSACTIONS),
  limits: part(LIMITS),
  statistics: part(STATISTICS),
  startupExpectations: part(STARTUP_EXPECTATIONS),
  properties: map('Settings of the app itself.'),
});

export const APP_LIST = list('app', APP, 'Applications.');
