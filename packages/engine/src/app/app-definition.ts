import { AepError } from '@aep/kernel';
import { type MessageClass, type MessageFactory, MessageView } from '@aep/messages';
import type { CollectionInfo, StateSpace } from '@aep/state';
import { EngineEvent, type EngineEventClass } from './events.js';
import { MessageEvent } from './message-event.js';

/** What a handler can be registered for: a generated view class, all messages, or a class of engine events. */
export type Handled = MessageClass | typeof MessageView | typeof MessageEvent | EngineEventClass;

export interface HandlerOptions {
  /** `channel@bus`, `channel` or `@bus`; names a channel that is joined for it (E86). @default any */
  readonly source?: string;
  /** Only messages from inside the process; causes no join. @default false */
  readonly localOnly?: boolean;
}

/** Calls of an application, bound to its instance. What they return is awaited when it is a promise. */
export type MessageCall = (message: MessageView, state: unknown, event: MessageEvent) => unknown;
export type EventCall = (event: EngineEvent) => unknown;
export type MessageFilterCall = (event: MessageEvent) => boolean;
export type CommandCall = (args: Readonly<Record<string, unknown>>, state: unknown) => unknown;

export interface MessageHandler {
  /** Shown in alerts: `OrderProcessor.onNewOrder`. */
  readonly name: string;
  /** Undefined: every message. */
  readonly type: MessageClass | undefined;
  readonly source: string | undefined;
  readonly localOnly: boolean;
  readonly isAsync: boolean;
  readonly call: MessageCall;
}

export interface EngineEventHandler {
  readonly name: string;
  readonly type: EngineEventClass;
  readonly call: EventCall;
}

export interface CommandOption {
  readonly type: 'string' | 'number' | 'boolean';
  readonly description?: string;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
}

export interface CommandSpec {
  readonly name: string;
  readonly description: string;
  readonly options: Readonly<Record<string, CommandOption>>;
  readonly call: CommandCall;
}

export interface ConfiguredValue {
  /** Path in the model's `env` tree. */
  readonly path: string;
  readonly fallback: unknown;
  readonly assign: (value: unknown) => void;
}

/** What the engine asks of a generated state root class: its static `$type`. */
export interface StateType<S = object> {
  readonly fullName: string;
  create(space: StateSpace): S;
  readonly collections: readonly CollectionInfo[];
}

/**
 * State of an event-sourced application: any object, with a way to bytes and back for snapshots (E60). Equal states must be
 * saved as equal bytes, and load as what they were: that is how replays and members are compared.
 */
export interface StateCodec<S = unknown> {
  create(): S;
  save(state: S): Uint8Array;
  load(bytes: Uint8Array): S;
  /**
   * A short value that is equal for equal states; with `verifyReplay` it is asked for after every transaction.
   * @default a hash of what `save` answers, which costs as much as the state is large
   */
  digest?(state: S): Uint8Array;
}

/**
 * An application as the engine runs it, whether it was written as a decorated class or with `defineApp`: nothing that one
 * form can do is missing in the other, because both end here.
 */
export interface AppDefinition {
  readonly name: string;
  /** StateReplication: the generated state root. */
  readonly state: StateType | undefined;
  /** EventSourcing: how to make, save and load the state. */
  readonly stateCodec: StateCodec | undefined;
  readonly factories: readonly MessageFactory[];
  readonly messageHandlers: readonly MessageHandler[];
  readonly defaultHandler: MessageHandler | undefined;
  readonly eventHandlers: readonly EngineEventHandler[];
  readonly before: readonly MessageCall[];
  readonly after: readonly MessageCall[];
  readonly filters: readonly MessageFilterCall[];
  readonly initializers: readonly (() => unknown)[];
  readonly finalizers: readonly (() => unknown)[];
  readonly mains: readonly ((signal: AbortSignal) => unknown)[];
  readonly commands: readonly CommandSpec[];
  readonly configured: readonly ConfiguredValue[];
  /** Calls that hand the engine and its sender to the application (E1). */
  readonly receiveEngine: readonly ((engine: unknown) => void)[];
  readonly receiveSender: readonly ((sender: unknown) => void)[];
  /** Called by the host before it makes the engine's options (E1). */
  readonly receiveDescriptor: readonly ((descriptor: unknown) => void)[];
}

/** True for the classes of engine events. */
export function isEngineEventClass(type: Handled): type is EngineEventClass {
  return type.prototype instanceof EngineEvent || (type as unknown) === EngineEvent;
}

/** The view class of a handler, or undefined for one that takes every message. @throws AEP_HANDLER_TYPE */
export function messageClassOf(type: Handled, where: string): MessageClass | undefined {
  if ((type as unknown) === MessageView || (type as unknown) === MessageEvent) return undefined;
  if (typeof type === 'function' && '$type' in type) return type as MessageClass;
  const name = typeof type === 'function' ? (type as { name: string }).name : typeof type;
  throw new AepError(
    'AEP_HANDLER_TYPE',
    'reject',
    `${where}: "${name}" is not a generated message class, MessageView, MessageEvent or an engine event. ` +
      'Name the class in the decorator: @EventHandler(NewOrderMessage)',
    { where, type: name },
  );
}
