import type {
  Binding,
  BindingListener,
  BindingOptions,
  BusProvider,
  ChannelDescription,
  Delivery,
  DeliveryResult,
  Outbound,
  SendResult,
} from '@aep/bus';
import { AepError } from '@aep/kernel';
import type { BusSwitches } from './bus-switches.js';
import { record, type RecordedMessage } from './recorded-message.js';

/** What a binding tells the provider that it belongs to. */
export interface Recorder {
  readonly switches: BusSwitches;
  sent(message: RecordedMessage): void;
  delivered(message: RecordedMessage): void;
  acknowledged(app: string): void;
}

/**
 * Stands between an engine and a binding of another provider: copies what passes, and holds back what the switches say.
 * What it tells the engine it tells from the event loop, as the contract of bindings asks.
 */
export class RecordingBinding implements Binding, BindingListener {
  /** Confirmations of the inner bus that the test has not let through. */
  private readonly held: Outbound[] = [];
  private readonly inner: Binding;
  private readonly listener: BindingListener;
  /** The engine is owed `onWritable`. */
  private isBlocked = false;
  /** The inner binding was told `back-pressured`, and not by the engine. */
  private isHoldingDeliveries = false;
  private isClosed = false;

  constructor(
    private readonly options: BindingOptions,
    provider: BusProvider,
    private readonly recorder: Recorder,
  ) {
    this.listener = options.listener;
    this.inner = provider.createBinding({ ...options, listener: this });
  }

  get app(): string {
    return this.options.app;
  }

  get busName(): string {
    return this.options.bus.name;
  }

  /** Confirmations that wait for {@link letThrough}. */
  get heldCount(): number {
    return this.held.length;
  }

  open(done: (error: AepError | undefined) => void): void {
    const { switches } = this.recorder;
    if (!switches.isDown) return this.inner.open(done);
    this.options.clock.defer(() => done(busIsDown(this.busName)));
  }

  join(channel: ChannelDescription, patterns: readonly string[]): void {
    this.inner.join(channel, patterns);
  }

  send(outbound: Outbound): SendResult {
    if (this.recorder.switches.isRefusingSends && !this.isClosed) {
      this.isBlocked = true;
      return 'back-pressured';
    }
    // Copied first: a BestEffort message is the engine's again once the inner binding has taken it.
    const message = record(this.app, this.busName, outbound);
    const result = this.inner.send(outbound);
    if (result === 'accepted') this.recorder.sent(message);
    return result;
  }

  flush(): void {
    this.inner.flush();
  }

  acknowledge(delivery: Delivery): void {
    this.inner.acknowledge(delivery);
    if (!this.isClosed) this.recorder.acknowledged(this.app);
  }

  resume(): void {
    this.inner.resume();
  }

  stopReading(): void {
    this.inner.stopReading();
  }

  close(options: { readonly preserveJoins: boolean }, done: () => void): void {
    this.isClosed = true;
    this.held.length = 0;
    this.inner.close(options, done);
  }

  // The test moves a switch.

  /** Passes on the confirmations that were held back, all or the oldest `count`; answers how many. */
  letThrough(count = this.held.length): number {
    const passed = this.held.splice(0, count);
    for (const outbound of passed) this.later(() => this.listener.onConfirmed(outbound));
    return passed.length;
  }

  sendsAreTaken(): void {
    if (!this.isBlocked) return;
    this.isBlocked = false;
    this.later(() => this.listener.onWritable());
  }

  deliveriesFlow(): void {
    if (!this.isHoldingDeliveries) return;
    this.isHoldingDeliveries = false;
    this.later(() => this.inner.resume());
  }

  wentDown(): void {
    this.later(() => this.listener.onBindingDown(busIsDown(this.busName)));
  }

  cameUp(): void {
    this.later(() => this.listener.onBindingUp());
  }

  // The inner binding speaks.

  onDelivery(delivery: Delivery): DeliveryResult {
    const { switches } = this.recorder;
    if (switches.isHoldingDeliveries || switches.isDown) {
      this.isHoldingDeliveries = true;
      return 'back-pressured';
    }
    const message = record(this.app, this.busName, delivery);
    const result = this.listener.onDelivery(delivery);
    if (result === 'accepted') this.recorder.delivered(message);
    return result;
  }

  onConfirmed(outbound: Outbound): void {
    const { switches } = this.recorder;
    if (switches.isHoldingConfirmations || switches.isDown) this.held.push(outbound);
    else this.listener.onConfirmed(outbound);
  }

  onWritable(): void {
    this.listener.onWritable();
  }

  onChannelUp(channel: ChannelDescription): void {
    this.listener.onChannelUp(channel);
  }

  onChannelDown(channel: ChannelDescription, cause: AepError): void {
    this.listener.onChannelDown(channel, cause);
  }

  onBindingDown(cause: AepError): void {
    this.listener.onBindingDown(cause);
  }

  onBindingUp(): void {
    this.listener.onBindingUp();
  }

  onBindingFailed(cause: AepError): void {
    this.listener.onBindingFailed(cause);
  }

  private later(call: () => void): void {
    this.options.clock.defer(() => {
      if (!this.isClosed) call();
    });
  }
}

function busIsDown(bus: string): AepError {
  return new AepError('AEP_TEST_BUS_DOWN', 'retry', `bus "${bus}": the test has taken it down; goUp() brings it back`, {
    bus,
  });
}
