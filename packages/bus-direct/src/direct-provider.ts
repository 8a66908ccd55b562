import { randomBytes } from 'node:crypto';
import type { Binding, BindingOptions, BusCapabilities, BusProvider } from '@aep/bus';
import { type Network, TcpNetwork } from '@aep/net';
import { DirectBinding } from './direct-binding.js';
import { concludeDirectOptions } from './direct-options.js';

export interface DirectProviderOptions {
  /** @default TCP */
  readonly network?: Network;
  /** Where `secretEnv` is looked up. @default the environment of the process */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Unpredictable bytes for challenges. @default the operating system's */
  readonly randomBytes?: (count: number) => Uint8Array;
}

/**
 * TCP between engines, without a broker: every app that joins a channel listens, every sender connects to the subscribers
 * that the roster names. See the README for the properties of the bus and the protocol.
 */
export class DirectProvider implements BusProvider {
  readonly name = 'direct';
  readonly supports: BusCapabilities = {
    guaranteed: true,
    wildcardJoin: true,
    crossProcess: true,
    reconnect: true,
    dynamicJoin: false,
    custody: 'receiver',
  };

  constructor(private readonly options: DirectProviderOptions = {}) {}

  /** @throws AEP_BUS_DESCRIPTOR_INVALID, AEP_BUS_CHANNEL_UNKNOWN, AEP_DIRECT_INSECURE_ADDRESS (reject) */
  createBinding(options: BindingOptions): Binding {
    const direct = concludeDirectOptions(options, {
      network: this.options.network ?? new TcpNetwork(),
      variables: this.options.variables ?? process.env,
      randomBytes: this.options.randomBytes ?? randomBytes,
    });
    return new DirectBinding(options, direct);
  }
}
