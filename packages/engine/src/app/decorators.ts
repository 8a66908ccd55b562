import 'reflect-metadata';
import { AepError } from '@aep/kernel';
import type { MessageFactory } from '@aep/messages';
import type { CommandOption, Handled, HandlerOptions, StateCodec, StateType } from './app-definition.js';

/*
 * Decorators only note what they saw; `appFromClass` turns the notes of an instance's class into an AppDefinition.
 * Both call shapes are taken: legacy `(prototype, name)` with metadata from TypeScript, and the standard `(value, context)`,
 * where the class is not known before an instance is made, so the note is taken down by an initializer (once per class).
 */

export type Note =
  | { readonly kind: 'handler'; readonly member: string; readonly type: Handled; readonly options: HandlerOptions }
  | { readonly kind: 'command'; readonly member: string; readonly name: string; readonly spec: CommandOptions }
  | { readonly kind: 'configured'; readonly member: string; readonly path: string; readonly fallback: unknown }
  | { readonly kind: PlainKind; readonly member: string };

type PlainKind =
  | 'default-handler'
  | 'before'
  | 'after'
  | 'filter'
  | 'initializer'
  | 'finalizer'
  | 'main'
  | 'engine'
  | 'sender'
  | 'descriptor';

export interface AppOptions {
  /** @default the class's name at the place of use: the name in the deployment model */
  readonly name?: string;
  /** Generated state root (StateReplication). */
  readonly state?: StateType | { readonly $type: StateType };
  /** State of an event-sourced application. */
  readonly stateCodec?: StateCodec;
  readonly factories?: readonly MessageFactory[];
}

export interface CommandOptions {
  readonly description?: string;
  readonly options?: Readonly<Record<string, CommandOption>>;
}

const notesOf = new WeakMap<object, Map<string, Note>>();
const appOptionsOf = new WeakMap<object, AppOptions>();

/** The notes of a class and its base classes, base first, in the order of declaration. */
export function collectNotes(constructor: object): Note[] {
  const chain: object[] = [];
  for (
    let current: object | null = constructor;
    current !== null && current !== Function.prototype;
    current = Object.getPrototypeOf(current) as object | null
  ) {
    chain.unshift(current);
  }
  const merged = new Map<string, Note>();
  for (const level of chain) for (const [id, note] of notesOf.get(level) ?? []) merged.set(id, note);
  return [...merged.values()];
}

export function appOptionsFor(constructor: object): AppOptions {
  return appOptionsOf.get(constructor) ?? {};
}

/** Marks a class as an application and names its state and message factories. */
export function App(
  options: AppOptions = {},
): ClassDecorator & ((target: never, context: ClassDecoratorContext) => void) {
  return (target: object) => {
    appOptionsOf.set(target, options);
  };
}

/**
 * Registers a method for a message type, for all messages (`MessageView`, `MessageEvent`) or for an engine event (E10).
 * Without a type the class is taken from TypeScript's metadata, which tsx and esbuild do not write: naming it always works.
 *
 * @throws AEP_HANDLER_TYPE at registration when the type cannot be told
 */
export function EventHandler(type?: Handled, options: HandlerOptions = {}): AnyMethodDecorator {
  return member((name, prototype) => {
    const where = `@EventHandler on ${name}`;
    return { kind: 'handler', member: name, type: type ?? typeFromMetadata(prototype, name, where), options };
  });
}

/** The handler of messages that no typed handler takes (E13). */
export function DefaultHandler(): AnyMethodDecorator {
  return plain('default-handler');
}
/** Called before the handlers of every message; when it throws they are skipped (E14). */
export function BeforeDispatch(): AnyMethodDecorator {
  return plain('before');
}
/** Called after the handlers of every message unless one threw (E14). */
export function AfterDispatch(): AnyMethodDecorator {
  return plain('after');
}
/** Answers whether a message is to be handled at all; a refused one is acknowledged and not journaled (E15). */
export function MessageFilter(): AnyMethodDecorator {
  return plain('filter');
}
/** Called once the engine was created, before its store is opened. */
export function AppInitializer(): AnyMethodDecorator {
  return plain('initializer');
}
/** Called last, after the engine has stopped. */
export function AppFinalizer(): AnyMethodDecorator {
  return plain('finalizer');
}
/** Called when the engine has become an active primary; a stop aborts its signal and awaits it (E3). */
export function AppMain(): AnyMethodDecorator {
  return plain('main');
}
/** A property that receives the engine. */
export function InjectEngine(): AnyMemberDecorator {
  return plain('engine');
}
/** A property that receives the engine's sender. */
export function InjectSender(): AnyMemberDecorator {
  return plain('sender');
}
/**
 * A method, or a property with a setter, that receives the app's part of the deployment model right after construction,
 * while it can still be edited (E1). Called by the host; an engine that is made without one has no descriptor.
 */
export function InjectDescriptor(): AnyMethodDecorator & AnyMemberDecorator {
  return plain('descriptor');
}

/** A property that receives a value of the model's `env` tree (M3) before EngineCreated. */
export function Configured(path: string, options: { readonly default?: unknown } = {}): AnyMemberDecorator {
  return member((name) => ({ kind: 'configured', member: name, path, fallback: options.default }));
}

/** A method that people can call from CLI and admin API; it runs as a transaction (E101). */
export function Command(name: string, spec: CommandOptions = {}): AnyMethodDecorator {
  return member((memberName) => ({ kind: 'command', member: memberName, name, spec }));
}

/** Either call shape; the compiler picks the one that its options ask for. */
type AnyMemberDecorator = (
  ...args: [target: object, name: string | symbol] | [target: undefined, context: ClassFieldDecoratorContext]
) => void;
type AnyMethodDecorator = (
  ...args:
    | [target: object, name: string | symbol, descriptor?: TypedPropertyDescriptor<never>]
    | [target: (...args: never[]) => unknown, context: ClassMethodDecoratorContext]
    | [target: object, name: string | symbol, descriptor?: PropertyDescriptor]
) => void;

function plain(kind: PlainKind): AnyMethodDecorator & AnyMemberDecorator {
  return member((name) => ({ kind, member: name }));
}

function member(note: (name: string, prototype: object | undefined) => Note): AnyMethodDecorator & AnyMemberDecorator {
  const decorator = (target: unknown, context: string | symbol | DecoratorContext): void => {
    if (typeof context === 'string' || typeof context === 'symbol') {
      const prototype = target as object;
      write(prototype.constructor, note(String(context), prototype));
      return;
    }
    const name = String(context.name);
    context.addInitializer(function (this: unknown) {
      write((this as object).constructor, note(name, undefined));
    });
  };
  return decorator as unknown as AnyMethodDecorator & AnyMemberDecorator;
}

function write(constructor: object, note: Note): void {
  let notes = notesOf.get(constructor);
  if (notes === undefined) notesOf.set(constructor, (notes = new Map<string, Note>()));
  // One member can be a handler of several types; the same note comes again with each instance in the standard shape.
  const subject =
    note.kind === 'handler'
      ? ((note.type as { $type?: { fullName: string } }).$type?.fullName ?? (note.type as { name: string }).name)
      : '';
  notes.set(
    `${note.kind}:${note.member}:${subject}:${note.kind === 'handler' ? (note.options.source ?? '') : ''}`,
    note,
  );
}

function typeFromMetadata(prototype: object | undefined, name: string, where: string): Handled {
  const types =
    prototype === undefined
      ? undefined
      : (Reflect.getMetadata('design:paramtypes', prototype, name) as unknown[] | undefined);
  const type = types?.[0];
  const isClass = typeof type === 'function' && !BUILT_IN.has(type);
  if (isClass) return type as unknown as Handled;
  const seen = type === undefined ? 'no metadata was written' : `metadata says "${(type as { name: string }).name}"`;
  throw new AepError(
    'AEP_HANDLER_TYPE',
    'reject',
    `${where}: the message type cannot be told (${seen}). Name the class: @EventHandler(NewOrderMessage)`,
    { where },
  );
}

const BUILT_IN = new Set<unknown>([Object, Function, String, Number, Boolean, Array, Promise, Symbol, BigInt]);
