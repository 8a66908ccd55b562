import { AepError } from '@aep/kernel';
import type { MessageClass, MessageView } from '@aep/messages';
import type { Engine } from '../engine.js';
import type { AnyChannels, ChannelMap, Sender } from '../sender.js';
import {
  type AppDefinition,
  type CommandOption,
  type HandlerOptions,
  isEngineEventClass,
  messageClassOf,
  type StateCodec,
  type StateType,
} from './app-definition.js';
import { AppDraft, isAsync } from './app-from-class.js';
import type { EngineEvent, EngineEventClass } from './events.js';
import type { MessageEvent } from './message-event.js';

/** What a handler of a decorator-free application is given beside the message. One object per engine. */
export interface HandlerContext<S, C extends ChannelMap = AnyChannels> {
  readonly state: S;
  readonly engine: Engine<S>;
  readonly sender: Sender<C>;
  /** Sends as part of the transaction: shorthand for `sender.send`. */
  send: Sender<C>['send'];
  readonly event: MessageEvent;
}

export interface DefineAppOptions<S extends object> {
  /** Name of the engine; also of the app in the deployment model. */
  readonly name: string;
  /** Generated state root class, such as `OrderBook` (StateReplication). */
  readonly state?: { readonly $type: StateType<S> };
  /** State of an event-sourced application. */
  readonly stateCodec?: StateCodec<S>;
  readonly factories?: AppDefinition['factories'];
}

/**
 * An application without decorators; everything that a decorated class can do, with parity tests.
 *
 * @example
 * const app = defineApp({ name: 'orders', state: OrderBook, factories: [ordersFactory] })
 *   .on(NewOrderMessage, (message, { state }) => { state.orders.getOrCreate(message.orderId).quantity = message.quantity; });
 */
export function defineApp<S extends object = object, C extends ChannelMap = AnyChannels>(
  options: DefineAppOptions<S>,
): AppBuilder<S, C> {
  return new AppBuilder<S, C>(options);
}

/** Collects the parts of an application; each call answers the builder itself. */
export class AppBuilder<S extends object, C extends ChannelMap = AnyChannels> {
  private readonly draft: AppDraft;
  private readonly context: {
    state: S;
    engine: Engine<S>;
    sender: Sender<C>;
    send: Sender<C>['send'];
    event: MessageEvent;
  };

  constructor(options: DefineAppOptions<S>) {
    this.draft = new AppDraft(options.name, options);
    this.context = {} as typeof this.context;
    this.draft.receiveEngine.push((engine) => void (this.context.engine = engine as Engine<S>));
    this.draft.receiveSender.push((sender) => {
      this.context.sender = sender as Sender<C>;
      this.context.send = this.context.sender.send.bind(this.context.sender);
    });
  }

  /** The finished definition; the engine asks for it. */
  get definition(): AppDefinition {
    return this.draft;
  }

  on<M extends MessageView>(
    type: MessageClass<M>,
    handler: (message: M, context: HandlerContext<S, C>) => unknown,
    options: HandlerOptions = {},
  ): this {
    const where = `${this.draft.name}.on`;
    // The types refuse an engine event; JavaScript can get here with one.
    if (isEngineEventClass(type)) throw useOnEvent(where);
    const messageType = messageClassOf(type, where)?.$type;
    this.draft.addHandler(type, options, {
      name: `${where}(${messageType?.fullName ?? 'MessageView'})`,
      call: this.inContext(handler as never),
      isAsync: isAsync(handler),
    });
    return this;
  }

  /** For messages that no typed handler takes. */
  onOther(handler: (message: MessageView, context: HandlerContext<S, C>) => unknown): this {
    this.draft.setDefaultHandler(`${this.draft.name}.onOther`, this.inContext(handler), isAsync(handler));
    return this;
  }

  onEvent<E extends EngineEvent>(
    type: EngineEventClass<E>,
    handler: (event: E, context: HandlerContext<S, C>) => unknown,
  ): this {
    this.draft.addHandler(
      type,
      {},
      {
        name: `${this.draft.name}.onEvent(${type.name})`,
        call: (event: E) => handler(event, this.context),
        isAsync: isAsync(handler),
      },
    );
    return this;
  }

  before(hook: (event: MessageEvent, context: HandlerContext<S, C>) => unknown): this {
    this.draft.before.push((message, state, event) =>
      this.inContext((_message, context) => hook(event, context))(message, state, event),
    );
    return this;
  }

  after(hook: (event: MessageEvent, context: HandlerContext<S, C>) => unknown): this {
    this.draft.after.push((message, state, event) =>
      this.inContext((_message, context) => hook(event, context))(message, state, event),
    );
    return this;
  }

  filter(accept: (event: MessageEvent) => boolean): this {
    this.draft.filters.push(accept);
    return this;
  }

  initializer(call: (context: HandlerContext<S, C>) => unknown): this {
    this.draft.initializers.push(() => call(this.context));
    return this;
  }

  finalizer(call: (context: HandlerContext<S, C>) => unknown): this {
    this.draft.finalizers.push(() => call(this.context));
    return this;
  }

  main(call: (context: HandlerContext<S, C>, signal: AbortSignal) => unknown): this {
    this.draft.mains.push((signal) => call(this.context, signal));
    return this;
  }

  /** Edits the app's part of the deployment model before the engine is made (E1); the host calls it. */
  descriptor(call: (descriptor: unknown) => void): this {
    this.draft.receiveDescriptor.push(call);
    return this;
  }

  configured(path: string, assign: (value: unknown) => void, fallback?: unknown): this {
    this.draft.configured.push({ path, fallback, assign });
    return this;
  }

  command(
    name: string,
    spec: { readonly description?: string; readonly options?: Readonly<Record<string, CommandOption>> },
    call: (args: Readonly<Record<string, unknown>>, context: HandlerContext<S, C>) => unknown,
  ): this {
    this.draft.commands.push({
      name,
      description: spec.description ?? '',
      options: spec.options ?? {},
      call: (args, state) => {
        this.context.state = state as S;
        return call(args, this.context);
      },
    });
    return this;
  }

  private inContext(handler: (message: MessageView, context: HandlerContext<S, C>) => unknown) {
    const context = this.context;
    return (message: MessageView, state: unknown, event: MessageEvent): unknown => {
      context.state = state as S;
      context.event = event;
      return handler(message, context);
    };
  }
}

function useOnEvent(where: string): AepError {
  return new AepError('AEP_HANDLER_TYPE', 'reject', `${where}: engine events are registered with onEvent`, { where });
}
