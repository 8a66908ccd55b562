import { AepError } from '@aep/kernel';
import { type MessageType, TypeRegistry } from '@aep/messages';
import type { EngineCounters, TypeStatistics } from '../statistics.js';
import type { AppDefinition, MessageCall, MessageHandler } from './app-definition.js';

/**
 * One call of a chain: a hook or a handler. Whether it is asynchronous is known of functions written as `async`; others show it
 * at their first call, and one that answers a promise later becomes asynchronous then.
 */
export interface ChainLink {
  readonly name: string;
  readonly call: MessageCall;
  mode: 'unknown' | 'sync' | 'async';
}

/** Everything that is called for one message type from one source, in order: before-hooks, handlers, after-hooks (E11, E14). */
export interface HandlerChain {
  readonly links: readonly ChainLink[];
  /** False when only hooks would be called: the message is unhandled (E16). */
  readonly handled: boolean;
  /** Of the message type; undefined for work without a message. */
  readonly statistics: TypeStatistics | undefined;
}

/**
 * Chains are put together once per (channel, message type), at the first message; from then on dispatch is two look-ups by
 * number and a walk over an array: no reflection, no search.
 */
export class HandlerTable {
  readonly types: TypeRegistry;
  private readonly chains: Map<MessageType, HandlerChain>[] = [];
  // Messages come in runs of one type from one channel.
  private lastType: MessageType | undefined;
  private lastSlot = 0;
  private lastChain: HandlerChain | undefined;

  constructor(
    private readonly app: AppDefinition,
    private readonly defaultHandlerPolicy: 'DispatchIfNoAnnotatedHandlers' | 'DispatchAlways',
    private readonly counters: EngineCounters,
  ) {
    this.types = new TypeRegistry(app.factories);
    for (const handler of app.messageHandlers) this.checkKnown(handler);
  }

  /**
   * The chain for a type that came from a channel, or from inside the process (`source` undefined).
   *
   * @param slot a small number that stands for the source: 0 inside the process, then one per channel
   */
  chainFor(
    type: MessageType,
    slot: number,
    source: { readonly bus: string; readonly channel: string } | undefined,
  ): HandlerChain {
    if (type === this.lastType && slot === this.lastSlot) return this.lastChain!;
    const ofSource = (this.chains[slot] ??= new Map<MessageType, HandlerChain>());
    let chain = ofSource.get(type);
    if (chain === undefined) ofSource.set(type, (chain = this.build(type, source)));
    this.lastType = type;
    this.lastSlot = slot;
    this.lastChain = chain;
    return chain;
  }

  private build(
    type: MessageType,
    source: { readonly bus: string; readonly channel: string } | undefined,
  ): HandlerChain {
    const { app } = this;
    const handlers = app.messageHandlers.filter((handler) => takesType(handler, type) && takesSource(handler, source));
    const { defaultHandler } = app;
    if (defaultHandler !== undefined && (handlers.length === 0 || this.defaultHandlerPolicy === 'DispatchAlways'))
      handlers.push(defaultHandler);
    const hook =
      (kind: string) =>
      (call: MessageCall, index: number): ChainLink => ({
        name: `${app.name}.${kind}[${index}]`,
        call,
        mode: 'unknown',
      });
    return {
      links: [
        ...app.before.map(hook('before')),
        ...handlers.map((handler): ChainLink => ({
          name: handler.name,
          call: handler.call,
          mode: handler.isAsync ? 'async' : 'unknown',
        })),
        ...app.after.map(hook('after')),
      ],
      handled: handlers.length > 0,
      statistics: this.counters.ofType(type.fullName),
    };
  }

  private checkKnown(handler: MessageHandler): void {
    const type = handler.type?.$type;
    if (type === undefined) return;
    if (this.types.byName(type.fullName) === undefined) {
      throw new AepError(
        'AEP_APP_INVALID',
        'reject',
        `${handler.name} handles ${type.fullName}, which is in none of the application's factories (${this.app.factories.map((factory) => factory.name).join(', ') || 'none'}): add its factory to @App({ factories })`,
        { handler: handler.name, type: type.fullName },
      );
    }
  }
}

function takesType(handler: MessageHandler, type: MessageType): boolean {
  return handler.type === undefined || handler.type.$type === type;
}

function takesSource(
  handler: MessageHandler,
  source: { readonly bus: string; readonly channel: string } | undefined,
): boolean {
  if (source === undefined) return true;
  return (
    !handler.localOnly && (handler.source === undefined || matchesSource(handler.source, source.bus, source.channel))
  );
}

/** `channel@bus`, `channel` or `@bus` (E10). */
export function matchesSource(text: string, bus: string, channel: string): boolean {
  const at = text.indexOf('@');
  if (at < 0) return text === channel;
  return text.slice(at + 1) === bus && (at === 0 || text.slice(0, at) === channel);
}

/** Whether what a handler answered is to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== undefined && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}
