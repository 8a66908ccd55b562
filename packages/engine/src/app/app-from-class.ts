import { AepError } from '@aep/kernel';
import {
  type AppDefinition,
  type CommandSpec,
  type ConfiguredValue,
  type EngineEventHandler,
  type Handled,
  type HandlerOptions,
  isEngineEventClass,
  type MessageCall,
  messageClassOf,
  type MessageFilterCall,
  type MessageHandler,
  type StateType,
} from './app-definition.js';
import { MessageEvent } from './message-event.js';
import { type AppOptions, appOptionsFor, collectNotes } from './decorators.js';

/** Reads the decorators of an instance's class. @throws AEP_HANDLER_TYPE, AEP_APP_INVALID */
export function appFromInstance(instance: object, name?: string): AppDefinition {
  const constructor = instance.constructor;
  const options = appOptionsFor(constructor);
  const members = instance as Record<string, unknown>;
  const className = constructor.name;
  const bind = (member: string): ((...args: unknown[]) => unknown) => {
    const method = members[member];
    if (typeof method !== 'function') throw notAMethod(className, member);
    return method.bind(instance) as (...args: unknown[]) => unknown;
  };
  const draft = new AppDraft(name ?? options.name ?? className, options);
  for (const note of collectNotes(constructor)) {
    const where = `${className}.${note.member}`;
    if (note.kind === 'handler')
      draft.addHandler(note.type, note.options, {
        name: where,
        call: bind(note.member),
        isAsync: isAsync(members[note.member]),
      });
    else if (note.kind === 'command') {
      draft.commands.push({
        name: note.name,
        description: note.spec.description ?? '',
        options: note.spec.options ?? {},
        call: bind(note.member),
      });
    } else if (note.kind === 'configured') {
      draft.configured.push({
        path: note.path,
        fallback: note.fallback,
        assign: (value) => void (members[note.member] = value),
      });
    } else if (note.kind === 'engine') draft.receiveEngine.push((engine) => void (members[note.member] = engine));
    else if (note.kind === 'sender') draft.receiveSender.push((sender) => void (members[note.member] = sender));
    else if (note.kind === 'descriptor')
      draft.receiveDescriptor.push((descriptor) => hand(instance, note.member, descriptor));
    else if (note.kind === 'default-handler')
      draft.setDefaultHandler(where, bind(note.member), isAsync(members[note.member]));
    else if (note.kind === 'before') draft.before.push(asEventCall(bind(note.member)));
    else if (note.kind === 'after') draft.after.push(asEventCall(bind(note.member)));
    else if (note.kind === 'filter') draft.filters.push(bind(note.member) as MessageFilterCall);
    else if (note.kind === 'initializer') draft.initializers.push(bind(note.member));
    else if (note.kind === 'finalizer') draft.finalizers.push(bind(note.member));
    else draft.mains.push(bind(note.member));
  }
  return draft;
}

/** A method is called, a property is set. */
function hand(instance: object, member: string, value: unknown): void {
  const members = instance as Record<string, unknown>;
  if (typeof members[member] === 'function') members[member](value);
  else members[member] = value;
}

/** Hooks are called with the event alone. */
export function asEventCall(hook: (...args: unknown[]) => unknown): MessageCall {
  return (_message, _state, event) => hook(event);
}

/** A method or function that was registered. */
export interface HandlerMethod {
  /** Shown in alerts. */
  readonly name: string;
  readonly call: (...args: never[]) => unknown;
  readonly isAsync: boolean;
}

/** An AppDefinition in the making; what both forms of writing an application fill. */
export class AppDraft implements AppDefinition {
  readonly name: string;
  readonly state: StateType | undefined;
  readonly stateCodec: AppDefinition['stateCodec'];
  readonly factories: AppDefinition['factories'];
  readonly messageHandlers: MessageHandler[] = [];
  defaultHandler: MessageHandler | undefined;
  readonly eventHandlers: EngineEventHandler[] = [];
  readonly before: MessageCall[] = [];
  readonly after: MessageCall[] = [];
  readonly filters: MessageFilterCall[] = [];
  readonly initializers: (() => unknown)[] = [];
  readonly finalizers: (() => unknown)[] = [];
  readonly mains: ((signal: AbortSignal) => unknown)[] = [];
  readonly commands: CommandSpec[] = [];
  readonly configured: ConfiguredValue[] = [];
  readonly receiveEngine: ((engine: unknown) => void)[] = [];
  readonly receiveSender: ((sender: unknown) => void)[] = [];
  readonly receiveDescriptor: ((descriptor: unknown) => void)[] = [];

  constructor(name: string, options: AppOptions) {
    this.name = name;
    this.state =
      options.state === undefined ? undefined : '$type' in options.state ? options.state.$type : options.state;
    this.stateCodec = options.stateCodec;
    this.factories = options.factories ?? [];
  }

  addHandler(type: Handled, options: HandlerOptions, handler: HandlerMethod): void {
    const { name, call, isAsync } = handler;
    if (isEngineEventClass(type)) {
      this.eventHandlers.push({ name, type, call: call as EngineEventHandler['call'] });
      return;
    }
    const takesEvent = (type as unknown) === MessageEvent;
    this.messageHandlers.push({
      name,
      type: messageClassOf(type, name),
      source: options.source,
      localOnly: options.localOnly ?? false,
      isAsync,
      call: takesEvent ? asEventCall(call as (...args: unknown[]) => unknown) : (call as MessageCall),
    });
  }

  setDefaultHandler(where: string, call: (...args: never[]) => unknown, async: boolean): void {
    if (this.defaultHandler !== undefined) {
      throw new AepError(
        'AEP_APP_INVALID',
        'reject',
        `${where}: the application has a default handler already (${this.defaultHandler.name}); keep one`,
        { where },
      );
    }
    this.defaultHandler = {
      name: where,
      type: undefined,
      source: undefined,
      localOnly: false,
      isAsync: async,
      call: call as MessageCall,
    };
  }
}

/** Functions written as `async` run in a context of their own, which tells their sends from those of other code (E40). */
export function isAsync(method: unknown): boolean {
  return Object.prototype.toString.call(method) === '[object AsyncFunction]';
}

function notAMethod(className: string, member: string): AepError {
  return new AepError(
    'AEP_APP_INVALID',
    'reject',
    `${className}.${member} is decorated as a handler but is not a method`,
    { class: className, member },
  );
}
