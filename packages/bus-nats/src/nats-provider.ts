import process from 'node:process';
import type { Binding, BindingOptions, BusCapabilities, BusProvider } from '@aep/bus';
import { toError } from '@aep/kernel';
import type { Connector } from './link.js';
import { NatsBinding } from './nats-binding.js';
import { natsError } from './nats-errors.js';
import { concludeNatsOptions, type NatsOptions } from './nats-options.js';

export interface NatsProviderOptions {
  /** Where properties that end in `Env` are looked up. @default the environment of the process */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** For tests: stands in for the client library. @default connections over TCP or TLS */
  readonly makeConnector?: (options: NatsOptions) => Connector;
}

/** The bus on NATS: core NATS for BestEffort, JetStream for Guaranteed. See the README for subjects, headers and properties. */
export class NatsProvider implements BusProvider {
  readonly name = 'nats';
  readonly supports: BusCapabilities = {
    guaranteed: true,
    wildcardJoin: true,
    crossProcess: true,
    reconnect: true,
    dynamicJoin: true,
    custody: 'broker',
  };

  constructor(private readonly options: NatsProviderOptions = {}) {}

  /** @throws AEP_BUS_DESCRIPTOR_INVALID, AEP_BUS_CHANNEL_UNKNOWN (reject) */
  createBinding(options: BindingOptions): Binding {
    const nats = concludeNatsOptions(options, this.options.variables ?? process.env);
    const { makeConnector = clientConnector } = this.options;
    return new NatsBinding(options, nats, makeConnector(nats));
  }
}

/** The client library is loaded by the first connect: a process without a NATS bus does not pay for it. */
function clientConnector({ bus, access, clock }: NatsOptions): Connector {
  return {
    connect(events, done) {
      import('./client-link.js').then(
        ({ ClientConnector }) => new ClientConnector(bus, access, clock).connect(events, done),
        (thrown: unknown) => {
          const why = `the NATS client cannot be loaded: ${toError(thrown).message}`;
          clock.defer(() => done(natsError('AEP_NATS_UNREACHABLE', bus, why, thrown), undefined));
        },
      );
    },
  };
}
