import { AepError, assert, RingQueue } from '@aep/kernel';
import type {
  Binding,
  BindingOptions,
  ChannelDescription,
  Delivery,
  Outbound,
  SendResult,
} from './binding-contract.js';
import { BindingCounts } from './binding-counts.js';
import { descriptorInvalid } from './bus-properties.js';
import { checkPattern } from './keys/pattern-syntax.js';

/**
 * - `created`: nothing was done yet.
 * - `opening`: the first attempt to connect or listen is under way.
 * - `open`: sends are taken; the provider may be away and come back.
 * - `closing`: no sends; the provider is being left.
 * - `closed`: for good.
 * - `failed`: for good, and the listener was told why.
 */
export type BindingState = 'created' | 'opening' | 'open' | 'closing' | 'closed' | 'failed';

const COUNT_MAX = 10_000_000;

/**
 * The part that all bindings share: guards of state and arguments, limits, order of acknowledgements, counts, and the rule
 * that the listener is never called from inside a call to the binding. Providers implement the `do…` methods and may
 * assume what is guarded here; they call `confirm`, `deliver` and `writable` from the event loop only.
 */
export abstract class BusBinding implements Binding {
  readonly counts = new BindingCounts();
  private current: BindingState = 'created';
  private isPaused = false;
  private isReadingStopped = false;
  /** A send was refused and `onWritable` is owed. */
  private isBlocked = false;
  private unconfirmed = 0;
  private readonly unacknowledged: RingQueue<Delivery>;
  private readonly writableBelow: number;
  private isReleasing = false;
  private onReleased: (() => void) | undefined;
  /** Calls into the binding in progress: while it is above 0 the listener must not be called. */
  private callDepth = 0;

  protected constructor(protected readonly options: BindingOptions) {
    const { bus, app, unacknowledgedMax, unconfirmedMax, messageBytesMax } = options;
    if (app === '') throw descriptorInvalid(bus, 'a binding needs the name of its app');
    checkLimit(options, 'unacknowledgedMax', unacknowledgedMax);
    checkLimit(options, 'unconfirmedMax', unconfirmedMax);
    checkLimit(options, 'messageBytesMax', messageBytesMax);
    this.unacknowledged = new RingQueue(unacknowledgedMax);
    // Half: a sender that is woken for a single free place would be blocked again by its next message.
    this.writableBelow = Math.max(1, Math.ceil(unconfirmedMax / 2));
  }

  get state(): BindingState {
    return this.current;
  }

  /** Guaranteed messages accepted and not yet confirmed. */
  get unconfirmedCount(): number {
    return this.unconfirmed;
  }

  /** Deliveries handed over and not yet acknowledged. */
  get unacknowledgedCount(): number {
    return this.unacknowledged.size;
  }

  open(done: (error: AepError | undefined) => void): void {
    this.mustBe('created', 'open');
    this.current = 'opening';
    this.doOpen((error) => {
      this.options.clock.defer(() => {
        if (this.current !== 'opening') return done(error ?? this.closedWhileOpening());
        this.current = error === undefined ? 'open' : 'failed';
        done(error);
      });
    });
  }

  join(channel: ChannelDescription, patterns: readonly string[]): void {
    this.mustBe('open', 'join');
    for (const pattern of patterns) checkPattern(pattern);
    this.callDepth++;
    try {
      this.doJoin(channel, patterns.length === 0 ? ['**'] : patterns);
    } finally {
      this.callDepth--;
    }
  }

  /**
   * @throws AEP_BUS_MESSAGE_TOO_LARGE (reject) over `messageBytesMax`
   * @throws AEP_BUS_CHANNEL_UNKNOWN (reject) the bus has no such channel
   */
  send(outbound: Outbound): SendResult {
    if (this.current !== 'open') return 'closed';
    const bytes = outbound.end - outbound.start;
    if (bytes > this.options.messageBytesMax) this.refuseSize(outbound, bytes);
    const isGuaranteed = outbound.channel.qos === 'Guaranteed';
    if (isGuaranteed && this.unconfirmed >= this.options.unconfirmedMax) return this.refuseSend();
    this.callDepth++;
    try {
      if (!this.doSend(outbound, isGuaranteed)) return this.refuseSend();
    } finally {
      this.callDepth--;
    }
    if (isGuaranteed) this.unconfirmed++;
    this.counts.sent++;
    this.counts.sentBytes += bytes;
    return 'accepted';
  }

  flush(): void {
    if (this.current === 'open') this.doFlush();
  }

  acknowledge(delivery: Delivery): void {
    // The engine may still finish what it was given before the binding was closed or failed; the provider gives such a delivery again.
    if (this.current === 'closed' || this.current === 'failed') return;
    const first = this.unacknowledged.poll();
    assert(first === delivery, 'deliveries are acknowledged once each, in the order of delivery');
    this.counts.acknowledged++;
    this.callDepth++;
    try {
      this.doAcknowledge(delivery);
    } finally {
      this.callDepth--;
    }
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.doResume();
  }

  stopReading(): void {
    if (this.isReadingStopped) return;
    this.isReadingStopped = true;
    if (this.current === 'open') this.doStopReading();
  }

  close(options: { readonly preserveJoins: boolean }, done: () => void): void {
    const { clock } = this.options;
    if (this.current === 'closed' || this.current === 'closing') return clock.defer(done);
    const before = this.current;
    this.current = 'closing';
    const finish = (): void => {
      this.current = 'closed';
      this.unacknowledged.clear();
      clock.defer(done);
    };
    if (before === 'failed' && this.isReleasing) this.onReleased = finish;
    else if (before === 'created' || before === 'failed') finish();
    else this.doClose(options.preserveJoins, finish);
  }

  protected abstract doOpen(done: (error: AepError | undefined) => void): void;
  /** Subscribes; `patterns` are valid and not empty. */
  protected abstract doJoin(channel: ChannelDescription, patterns: readonly string[]): void;
  /** False when there is no room: nothing was taken, and `writable()` is called when there is. */
  protected abstract doSend(outbound: Outbound, isGuaranteed: boolean): boolean;
  protected abstract doFlush(): void;
  /** Comes in the order of delivery. The delivery is the provider's again. */
  protected abstract doAcknowledge(delivery: Delivery): void;
  /** The engine takes deliveries again: after `resume`. */
  protected abstract doResume(): void;
  protected abstract doStopReading(): void;
  protected abstract doClose(preserveJoins: boolean, done: () => void): void;

  /** The engine takes a delivery now. */
  protected get canDeliver(): boolean {
    return this.current === 'open' && !this.isPaused && !this.isReadingStopped && !this.unacknowledged.isFull;
  }

  /** Hands a delivery over; false when the engine has no room: it is then offered again after `doResume`. Ask `canDeliver` first. */
  protected deliver(delivery: Delivery): boolean {
    assert(this.callDepth === 0, 'a listener is never called from inside a call to its binding');
    // Noted before the call: an engine may acknowledge a duplicate at once, still inside onDelivery.
    this.unacknowledged.offer(delivery);
    if (this.options.listener.onDelivery(delivery) === 'accepted') {
      this.counts.delivered++;
      this.counts.deliveredBytes += delivery.end - delivery.start;
      return true;
    }
    this.unacknowledged.pollLast();
    this.isPaused = true;
    this.counts.deliveriesRefused++;
    return false;
  }

  /** Every receiver that counts has the message. */
  protected confirm(outbound: Outbound): void {
    assert(this.callDepth === 0, 'a listener is never called from inside a call to its binding');
    if (this.current === 'closed' || this.current === 'failed') return;
    this.unconfirmed--;
    assert(this.unconfirmed >= 0, 'a message is confirmed once');
    this.counts.confirmed++;
    this.options.listener.onConfirmed(outbound);
    if (this.isBlocked) this.writable();
  }

  /** There is room in the provider: tells the engine if a send was refused and the binding has room too. */
  protected writable(): void {
    if (!this.isBlocked || this.unconfirmed > this.writableBelow || this.current !== 'open') return;
    this.isBlocked = false;
    this.options.listener.onWritable();
  }

  /** For good: tells the listener from the event loop, and leaves the provider with joins preserved. */
  protected fail(cause: AepError): void {
    if (this.current === 'closed' || this.current === 'closing' || this.current === 'failed') return;
    this.current = 'failed';
    this.unacknowledged.clear();
    this.options.clock.defer(() => this.options.listener.onBindingFailed(cause));
    // A binding that has failed must not hold ports, connections or threads until somebody closes it.
    this.isReleasing = true;
    this.doClose(true, () => {
      this.isReleasing = false;
      this.onReleased?.();
    });
  }

  private refuseSend(): 'back-pressured' {
    this.isBlocked = true;
    this.counts.sendsRefused++;
    return 'back-pressured';
  }

  private refuseSize(outbound: Outbound, bytes: number): never {
    const { messageBytesMax, bus } = this.options;
    const channel = outbound.channel.name;
    throw new AepError(
      'AEP_BUS_MESSAGE_TOO_LARGE',
      'reject',
      `channel ${channel}@${bus.name}: the message has ${bytes} bytes, at most ${messageBytesMax} are allowed (messageBytesMax)`,
      { bus: bus.name, channel, bytes, messageBytesMax },
    );
  }

  private mustBe(state: BindingState, verb: string): void {
    if (this.current === state) return;
    const { bus, app } = this.options;
    throw new AepError(
      'AEP_BUS_BINDING_STATE',
      'reject',
      `binding of app "${app}" to bus "${bus.name}": cannot ${verb} while it is ${this.current}, it must be ${state}`,
      { bus: bus.name, app, state: this.current },
    );
  }

  private closedWhileOpening(): AepError {
    const { bus } = this.options;
    return new AepError(
      'AEP_BUS_BINDING_STATE',
      'reject',
      `bus "${bus.name}": the binding was closed while it opened`,
      { bus: bus.name },
    );
  }
}

/** For providers: the bus has no such channel. */
export function channelUnknown(bus: string, channel: string): AepError {
  return new AepError('AEP_BUS_CHANNEL_UNKNOWN', 'reject', `bus "${bus}" has no channel "${channel}"`, {
    bus,
    channel,
  });
}

function checkLimit(options: BindingOptions, name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= (name === 'messageBytesMax' ? 2 ** 31 - 1 : COUNT_MAX)) return;
  throw descriptorInvalid(options.bus, `${name}: expected a positive integer, got ${value}`);
}
