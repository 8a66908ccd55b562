import type { Binding, BindingOptions, BusCapabilities, BusProvider } from '@aep/bus';
import { type Network, TcpNetwork, TlsNetwork, type TlsOptions } from '@aep/net';
import { ActiveMqBinding } from './activemq-binding.js';
import { concludeActiveMqOptions } from './activemq-options.js';

export interface ActiveMqProviderOptions {
  /** The name by which buses ask for it: `activemq` or `stomp`; there is no difference. @default activemq */
  readonly name?: 'activemq' | 'stomp';
  /** @default TCP */
  readonly network?: Network;
  /** For buses with `tls`. @default TLS over TCP */
  readonly tlsNetwork?: (options: TlsOptions) => Network;
  /** Where `userEnv` and `passwordEnv` are looked up. @default the environment of the process */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

/** ActiveMQ Classic (and, untried, Artemis) over STOMP 1.2. See the README for destinations, headers and properties. */
export class ActiveMqProvider implements BusProvider {
  readonly name: string;
  readonly supports: BusCapabilities = {
    guaranteed: true,
    wildcardJoin: true,
    crossProcess: true,
    reconnect: true,
    dynamicJoin: true,
    custody: 'broker',
  };

  constructor(private readonly options: ActiveMqProviderOptions = {}) {
    this.name = options.name ?? 'activemq';
  }

  /** @throws AEP_BUS_DESCRIPTOR_INVALID (reject) */
  createBinding(options: BindingOptions): Binding {
    const activeMq = concludeActiveMqOptions(options, {
      plain: this.options.network ?? new TcpNetwork(),
      encrypted: this.options.tlsNetwork ?? ((tls) => new TlsNetwork(tls)),
      variables: this.options.variables ?? process.env,
    });
    return new ActiveMqBinding(options, activeMq);
  }
}
