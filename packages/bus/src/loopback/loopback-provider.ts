import { type Binding, type BindingOptions, type BusCapabilities, type BusProvider } from '../binding-contract.js';
import { LoopbackBinding } from './loopback-binding.js';
import { LoopbackBus } from './loopback-bus.js';

/**
 * Buses inside one process. One instance is one world: bindings whose buses have the same name and which were made by the
 * same instance meet; there is nothing process-wide. Messages live in memory only.
 *
 * Bus property `queueMax`: messages kept per subscriber, waiting and unacknowledged ones together; at the limit `send`
 * answers `back-pressured`. @default 65536
 */
export class LoopbackProvider implements BusProvider {
  readonly name = 'loopback';
  readonly supports: BusCapabilities = {
    guaranteed: true,
    wildcardJoin: true,
    crossProcess: false,
    reconnect: false,
    dynamicJoin: true,
    custody: 'receiver',
  };
  private readonly buses = new Map<string, LoopbackBus>();

  /** @throws AEP_BUS_DESCRIPTOR_INVALID, AEP_BUS_CHANNEL_UNKNOWN (reject) */
  createBinding(options: BindingOptions): Binding {
    const { name } = options.bus;
    const bus = this.buses.get(name) ?? new LoopbackBus(options.bus, options.clock);
    const binding = new LoopbackBinding(options, bus);
    this.buses.set(name, bus);
    return binding;
  }

  /**
   * Resolves when every Guaranteed message on every bus of this provider is acknowledged by all its subscribers and
   * confirmed to its sender.
   *
   * @throws AEP_LOOPBACK_ACKS_PENDING (retry) after `timeoutMs` of the bus's clock, as a rejection
   */
  async waitForPendingAcks(timeoutMs: number): Promise<void> {
    await Promise.all([...this.buses.values()].map((bus) => bus.waitForPendingAcks(timeoutMs)));
  }
}
