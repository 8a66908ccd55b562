export type {
  AppDefinition,
  CommandOption,
  CommandSpec,
  ConfiguredValue,
  Handled,
  HandlerOptions,
  StateCodec,
} from './app/app-definition.js';
export {
  AfterDispatch,
  App,
  AppFinalizer,
  AppInitializer,
  AppMain,
  type AppOptions,
  BeforeDispatch,
  Command,
  type CommandOptions,
  Configured,
  DefaultHandler,
  EventHandler,
  InjectDescriptor,
  InjectEngine,
  InjectSender,
  MessageFilter,
} from './app/decorators.js';
export { AppBuilder, defineApp, type DefineAppOptions, type HandlerContext } from './app/define-app.js';
export {
  AlertEvent,
  ApplicationException,
  BusBindingDown,
  BusBindingOpenFailed,
  ChannelDown,
  ChannelUp,
  EngineActive,
  EngineCreated,
  EngineEvent,
  type EngineEventClass,
  EngineStarted,
  EngineStopped,
  EngineStopping,
  GapEvent,
  MessagingFailed,
  MessagingPrestart,
  MessagingStarted,
  ReplayDiffers,
  type Role,
  RoleChanged,
  StaleSenderAlert,
  StoreFailed,
  StuckAlert,
  UnhandledMessageEvent,
  type UnhandledReason,
} from './app/events.js';
export { type EventOrigin, MessageEvent } from './app/message-event.js';
export { createEngine, Engine } from './engine.js';
export type { EngineState, StopReport } from './engine-lifecycle.js';
export type {
  AppExceptionPolicy,
  BusUse,
  EngineLimits,
  EngineOptions,
  EnginePolicies,
  HaPolicy,
  InboundAckPolicy,
  StartFailPolicy,
  UnhandledMessagePolicy,
} from './engine-options.js';
export type { BusState } from './messaging/bus-port.js';
export type { ChannelOptions } from './messaging/channel-port.js';
export type { MessagingState } from './messaging/messaging.js';
export {
  type AnyChannels,
  type ChannelMap,
  type OfferResult,
  Sender,
  type SendOptions,
  type UnsolicitedOptions,
} from './sender.js';
export type { AckToken } from './services/ack-token.js';
export { ChangeReader, type ChangeReaderOptions } from './services/change-readers.js';
export {
  type DeadLetter,
  type DeadLetterFilter,
  type DeadLetterReplays,
  DeadLetters,
  decodeMessage,
  listDeadLetters,
} from './services/dead-letters.js';
export type {
  BackupReplay,
  BackupReplayListener,
  BackupReplayPhase,
  BackupReplayStatus,
} from './replay/backup-replay.js';
export { Standby } from './replay/standby.js';
export type { ReplayDifference } from './replay/replay-difference.js';
export type { ReplayReport } from './services/event-sourcing.js';
export type { Schedule, TimerInfo } from './services/timers.js';
export type { ChannelStatistics, EngineStatistics, LatencySummary, TypeStatistics } from './statistics.js';
export type { Savepoint } from './transaction/open-transaction.js';
