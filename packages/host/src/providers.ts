import { type Binding, type BusProvider, BusProviderRegistry, ExecutorProvider, LoopbackProvider } from '@aep/bus';
import { ActiveMqProvider } from '@aep/bus-activemq';
import { DirectProvider } from '@aep/bus-direct';
import { NatsProvider } from '@aep/bus-nats';
import { AepError, toError } from '@aep/kernel';
import type { Model } from '@aep/model';
import type { DependencyContainer, InjectionToken } from 'tsyringe';
import type { ModuleExports } from './module-exports.js';

/**
 * The bus providers of one process (E90): one instance each, so that the apps of the process meet on its loopback buses.
 *
 * @throws AEP_BUS_PROVIDER_INVALID, AEP_BUS_PROVIDER_TWICE, and what resolving a module throws
 */
export async function registerProviders(
  model: Model,
  given: readonly BusProvider[],
  context: { readonly exports: ModuleExports; readonly services: DependencyContainer; readonly modelDir: string },
): Promise<BusProviderRegistry> {
  const registry = new BusProviderRegistry([
    new LoopbackProvider(),
    new DirectProvider(),
    new ActiveMqProvider(),
    new ActiveMqProvider({ name: 'stomp' }),
    new NatsProvider(),
    new ExecutorProvider({ baseDirectory: context.modelDir }),
    ...given,
  ]);
  for (const { name, module } of model.busProviders) {
    const { value } = await context.exports.resolve(module, `bus provider "${name}"`);
    registry.register(new NamedProvider(name, providerOf(value, name, context.services)));
  }
  return registry;
}

function providerOf(value: unknown, name: string, services: DependencyContainer): BusProvider {
  let provider = value;
  try {
    if (typeof value === 'function') provider = services.resolve(value as unknown as InjectionToken);
  } catch (thrown) {
    throw invalid(name, `it could not be constructed: ${toError(thrown).message}`, thrown);
  }
  const { createBinding, supports } = (provider ?? {}) as Partial<BusProvider>;
  if (typeof createBinding === 'function' && typeof supports === 'object') return provider as BusProvider;
  throw invalid(name, 'its module names no class or object with `supports` and `createBinding`');
}

function invalid(name: string, why: string, cause?: unknown): AepError {
  return new AepError(
    'AEP_BUS_PROVIDER_INVALID',
    'reject',
    `bus provider "${name}": ${why}`,
    { provider: name },
    cause,
  );
}

/** A provider under the name that the model gives it; what it calls itself does not matter. */
class NamedProvider implements BusProvider {
  readonly supports: BusProvider['supports'];

  constructor(
    readonly name: string,
    private readonly provider: BusProvider,
  ) {
    this.supports = provider.supports;
  }

  createBinding(options: Parameters<BusProvider['createBinding']>[0]): Binding {
    return this.provider.createBinding(options);
  }
}
