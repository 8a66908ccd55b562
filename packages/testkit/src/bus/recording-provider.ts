import { type Binding, type BindingOptions, type BusCapabilities, type BusProvider, LoopbackProvider } from '@aep/bus';
import type { BusSwitches } from './bus-switches.js';
import type { RecordedMessage } from './recorded-message.js';
import { type Recorder, RecordingBinding } from './recording-binding.js';

/**
 * A bus for tests: behaves as the provider inside it, keeps a copy of everything that crosses it, and can be switched off
 * in the ways in which buses fail. Nothing is lost by a switch: what was held back goes on when it is released.
 *
 * @example
 * const bus = new RecordingProvider();
 * bus.holdConfirmations();            // sends stay in doubt
 * …
 * bus.releaseConfirmations();
 * assert.equal(bus.sent[0]?.key, 'OrderEvents/New/EMEA');
 */
export class RecordingProvider implements BusProvider {
  readonly name: string;
  readonly supports: BusCapabilities;
  /** Everything that was sent, in the order of sending, retransmissions included. */
  readonly sent: RecordedMessage[] = [];
  /** Everything that an engine took, redeliveries included. */
  readonly delivered: RecordedMessage[] = [];
  /** Deliveries acknowledged, by app. */
  readonly acknowledged = new Map<string, number>();
  private readonly bindings = new Map<string, RecordingBinding>();
  private readonly switches: { -readonly [K in keyof BusSwitches]: boolean } = {
    isDown: false,
    isRefusingSends: false,
    isHoldingConfirmations: false,
    isHoldingDeliveries: false,
  };

  /** @param inner carries the messages. @default a loopback bus of its own */
  constructor(private readonly inner: BusProvider = new LoopbackProvider()) {
    this.name = inner.name;
    this.supports = inner.supports;
  }

  createBinding(options: BindingOptions): Binding {
    const recorder: Recorder = {
      switches: this.switches,
      sent: (message) => void this.sent.push(message),
      delivered: (message) => void this.delivered.push(message),
      acknowledged: (app) => void this.acknowledged.set(app, (this.acknowledged.get(app) ?? 0) + 1),
    };
    const binding = new RecordingBinding(options, this.inner, recorder);
    this.bindings.set(`${options.app}@${options.bus.name}`, binding);
    return binding;
  }

  /** Sends that are taken and whose confirmation is held back. */
  get unconfirmed(): number {
    return this.sum((binding) => binding.heldCount);
  }

  /** From now on sends are taken but not confirmed: they stay in doubt, and what caused them is not acknowledged (E32). */
  holdConfirmations(): void {
    this.switches.isHoldingConfirmations = true;
  }

  /** Confirms the oldest `count` sends of each app that wait for it; answers how many. @default all */
  confirm(count?: number): number {
    return this.sum((binding) => binding.letThrough(count));
  }

  /** Confirms what waits, and everything from now on. */
  releaseConfirmations(): void {
    this.switches.isHoldingConfirmations = false;
    this.confirm();
  }

  /** From now on messages wait on the bus instead of being delivered. */
  holdDeliveries(): void {
    this.switches.isHoldingDeliveries = true;
  }

  releaseDeliveries(): void {
    this.switches.isHoldingDeliveries = false;
    for (const binding of this.bindings.values()) binding.deliveriesFlow();
  }

  /** From now on every send is answered `back-pressured` (E43). */
  refuseSends(): void {
    this.switches.isRefusingSends = true;
  }

  acceptSends(): void {
    this.switches.isRefusingSends = false;
    for (const binding of this.bindings.values()) binding.sendsAreTaken();
  }

  /** The connection breaks (E91): engines are told, nothing is delivered or confirmed, and nobody can open. */
  goDown(): void {
    if (this.switches.isDown) return;
    this.switches.isDown = true;
    for (const binding of this.bindings.values()) binding.wentDown();
  }

  goUp(): void {
    if (!this.switches.isDown) return;
    this.switches.isDown = false;
    for (const binding of this.bindings.values()) {
      binding.cameUp();
      binding.deliveriesFlow();
    }
    if (!this.switches.isHoldingConfirmations) this.confirm();
  }

  private sum(of: (binding: RecordingBinding) => number): number {
    let total = 0;
    for (const binding of this.bindings.values()) total += of(binding);
    return total;
  }
}
