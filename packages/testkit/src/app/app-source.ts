import { AppBuilder, type AppDefinition } from '@aep/engine';
import { appFromInstance } from '@aep/engine/internal';

/** A class to be constructed, or a function that makes the application. */
export type AppMaker<A extends object> = (new () => A) | (() => A);

/**
 * The application under test. A class or a function gives each life of the process an instance of its own, as a real
 * restart does; an instance (or what `defineApp` answered) is used again, with what its fields hold.
 */
export type AppSource<A extends object> = A | AppMaker<A>;

/** The application of one life of a process. */
export interface AppLife<A extends object> {
  readonly app: A;
  readonly definition: AppDefinition;
}

/** Name of the command by which the kit changes the state in a transaction of its own. */
export const GIVEN_COMMAND = 'testkit-given';

/** Makes the application for one life, with the kit's own command beside those of the application. */
export function beginLife<A extends object>(
  source: AppSource<A>,
  name: string | undefined,
  given: (state: unknown) => unknown,
): AppLife<A> {
  const app = typeof source === 'function' ? make(source) : source;
  const definition = definitionOf(app, name);
  const command = {
    name: GIVEN_COMMAND,
    description: '',
    options: {},
    call: (_: unknown, state: unknown) => given(state),
  };
  return { app, definition: { ...definition, commands: [...definition.commands, command] } };
}

function make<A extends object>(maker: AppMaker<A>): A {
  // An arrow function has no prototype; what has one may be called with `new`, a plain function that returns an object too.
  return 'prototype' in maker && maker.prototype !== undefined ? new (maker as new () => A)() : (maker as () => A)();
}

function definitionOf(app: object, name: string | undefined): AppDefinition {
  if (app instanceof AppBuilder) return (app as AppBuilder<object>).definition;
  if ('messageHandlers' in app) return app as AppDefinition;
  return appFromInstance(app, name);
}
