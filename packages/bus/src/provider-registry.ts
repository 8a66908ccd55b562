import { AepError, didYouMean } from '@aep/kernel';
import type { BusProvider } from './binding-contract.js';

/** The bus providers of one host by name (E90). */
export class BusProviderRegistry {
  private readonly providers = new Map<string, BusProvider>();

  /** @throws AEP_BUS_PROVIDER_TWICE (reject) when two providers have one name */
  constructor(providers: Iterable<BusProvider> = []) {
    for (const provider of providers) this.register(provider);
  }

  get names(): readonly string[] {
    return [...this.providers.keys()];
  }

  /** @throws AEP_BUS_PROVIDER_TWICE (reject) when the name is taken */
  register(provider: BusProvider): this {
    const { name } = provider;
    if (this.providers.has(name)) {
      throw new AepError('AEP_BUS_PROVIDER_TWICE', 'reject', `bus provider "${name}" is registered already`, {
        provider: name,
      });
    }
    this.providers.set(name, provider);
    return this;
  }

  /** @throws AEP_BUS_PROVIDER_UNKNOWN (reject) with the names that are known and the nearest one */
  get(name: string): BusProvider {
    const provider = this.providers.get(name);
    if (provider !== undefined) return provider;
    const known = this.names;
    throw new AepError(
      'AEP_BUS_PROVIDER_UNKNOWN',
      'reject',
      `no bus provider "${name}"${didYouMean(name, known)}; registered: ${known.join(', ') || 'none'}`,
      { provider: name },
    );
  }
}
