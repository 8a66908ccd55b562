import 'reflect-metadata';
import { type AppDefinition, AppBuilder } from '@aep/engine';
import { appFromInstance } from '@aep/engine/internal';
import { AepError, toError } from '@aep/kernel';
import type { MessageFactory } from '@aep/messages';
import type { DependencyContainer, InjectionToken } from 'tsyringe';
import type { AppDescriptor } from './app-descriptor.js';
import { withConfiguredTypes } from './configured-values.js';
import type { ModuleExports } from './module-exports.js';

type RegisterServices = (services: DependencyContainer, app: AppDescriptor) => void;

export interface MainClassContext {
  readonly exports: ModuleExports;
  /** A container of the app's own. */
  readonly services: DependencyContainer;
  readonly registerServices: RegisterServices | undefined;
}

/**
 * E1: constructs the main class of an app through its container (or takes what `defineApp` answered), hands it the
 * descriptor, which it may still edit, and reads its handlers.
 *
 * @throws AEP_MAIN_CLASS_INVALID, AEP_MAIN_CLASS_FAILED, AEP_FACTORY_INVALID, and what resolving a module throws
 */
export async function loadApp(descriptor: AppDescriptor, context: MainClassContext): Promise<AppDefinition> {
  const use = `mainClass of app "${descriptor.name}"`;
  const { value, module } = await context.exports.resolve(descriptor.mainClass, use);
  context.registerServices?.(context.services, descriptor);
  // A deployment that starts from XML alone has no place for code but the module of its main class.
  const { registerServices } = module as { registerServices?: RegisterServices };
  if (typeof registerServices === 'function') registerServices(context.services, descriptor);
  const definition = definitionOf(value, descriptor, context.services);
  for (const receive of definition.receiveDescriptor) receive(descriptor);
  const factories = await modelFactories(descriptor, context.exports);
  return withConfiguredTypes({ ...definition, factories: [...new Set([...definition.factories, ...factories])] });
}

function definitionOf(value: unknown, descriptor: AppDescriptor, services: DependencyContainer): AppDefinition {
  if (value instanceof AppBuilder) return value.definition;
  if (typeof value === 'function') return appFromInstance(construct(value, descriptor, services), descriptor.name);
  if (typeof value === 'object' && value !== null) {
    return 'messageHandlers' in value ? (value as AppDefinition) : appFromInstance(value, descriptor.name);
  }
  const { mainClass, name } = descriptor;
  throw new AepError(
    'AEP_MAIN_CLASS_INVALID',
    'reject',
    `mainClass of app "${name}": ${mainClass} is ${typeof value}; expected a class or what defineApp() answers`,
    { app: name },
  );
}

function construct(type: object, { name, mainClass }: AppDescriptor, services: DependencyContainer): object {
  try {
    return services.resolve(type as InjectionToken<object>);
  } catch (thrown) {
    const { message } = toError(thrown);
    const hint = message.includes('TypeInfo not known')
      ? ': a class whose constructor takes services needs @injectable() beside @App()'
      : '';
    throw new AepError(
      'AEP_MAIN_CLASS_FAILED',
      'reject',
      `app "${name}": ${mainClass} could not be constructed: ${message}${hint}`,
      { app: name },
      thrown,
    );
  }
}

/** M5: factories that the model adds to those of the class. */
async function modelFactories({ name, messaging }: AppDescriptor, exports: ModuleExports): Promise<MessageFactory[]> {
  return await Promise.all(
    messaging.factories.map(async (factory) => {
      const { value } = await exports.resolve(factory.name, `factory of app "${name}"`);
      if (typeof value === 'object' && value !== null && 'types' in value && 'id' in value)
        return value as MessageFactory;
      throw new AepError(
        'AEP_FACTORY_INVALID',
        'reject',
        `app "${name}": ${factory.name} is no generated message factory; name the export that ends in "Factory"`,
        {
          app: name,
          factory: factory.name,
        },
      );
    }),
  );
}
