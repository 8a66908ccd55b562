import type { AepError, Clock, Log, Random } from '@aep/kernel';
import type { MessageMetadata } from '@aep/messages';

export type Qos = 'BestEffort' | 'Guaranteed';

/** Codes of the qualities of service on the wire and in the journal. */
export const QosCode = { BestEffort: 0, Guaranteed: 1 } as const satisfies Record<Qos, number>;

/** A channel of a bus as configured (M4). */
export interface ChannelDescription {
  readonly name: string;
  readonly id: number;
  readonly qos: Qos;
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * An application that the deployment says joins a channel. A Guaranteed message is confirmed only when every subscriber
 * of the roster whose patterns match has acknowledged it, whether that application runs at the moment or not: this is
 * what a durable subscription is on a bus without a broker.
 */
export interface Subscriber {
  readonly app: string;
  readonly channel: string;
  /** Key patterns (`NEWORDERS/US/*`); one that is empty or `**` alone takes every key, a null key too. */
  readonly patterns: readonly string[];
}

export interface BusDescription {
  readonly name: string;
  readonly provider: string;
  readonly address: string;
  /** 0 when the provider needs none. */
  readonly port: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly channels: readonly ChannelDescription[];
  readonly roster: readonly Subscriber[];
}

/**
 * An inbound message on its way through the engine. Made by the binding; the engine gives it back with `acknowledge`
 * exactly once, in the order of delivery, and does not touch it afterwards. The bytes stay valid and unchanged until then.
 */
export interface Delivery {
  readonly channel: ChannelDescription;
  /** Resolved key; empty when there is none. */
  readonly key: string;
  readonly metadata: MessageMetadata;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * An outbound message, owned by the engine. Its fields stay valid and unchanged until the binding has confirmed it
 * (Guaranteed), or `send` has returned (BestEffort).
 */
export interface Outbound {
  readonly channel: ChannelDescription;
  readonly key: string;
  readonly metadata: MessageMetadata;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * - `accepted`: Guaranteed: it will be confirmed, through reconnects, unless the binding is closed first. BestEffort: done.
 * - `back-pressured`: nothing was taken; try again after `onWritable`.
 * - `closed`: the binding is closed or failed.
 */
export type SendResult = 'accepted' | 'back-pressured' | 'closed';

/** `back-pressured`: the delivery stays the binding's; it stops reading and offers it again after `resume()`. */
export type DeliveryResult = 'accepted' | 'back-pressured';

/** What a binding tells its engine; always from the event loop, never from inside a call to the binding. */
export interface BindingListener {
  onDelivery(delivery: Delivery): DeliveryResult;
  /** Every receiver that counts has the message. In any order. */
  onConfirmed(outbound: Outbound): void;
  /** After a `back-pressured` send: there is room again. */
  onWritable(): void;
  /** The join is in force. Once per join, and again after a reconnect. */
  onChannelUp(channel: ChannelDescription): void;
  onChannelDown(channel: ChannelDescription, cause: AepError): void;
  /** Messages were lost on a BestEffort path or a sender's channel number jumped; for statistics and alerts. */
  onBindingDown(cause: AepError): void;
  onBindingUp(): void;
  /** It does not come back by itself: credentials, protocol, configuration, or policy `Fail` (E91). */
  onBindingFailed(cause: AepError): void;
}

export interface BindingOptions {
  readonly bus: BusDescription;
  /** The application this binding belongs to: the name of its durable subscriptions. */
  readonly app: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly listener: BindingListener;
  /** E91. */
  readonly failPolicy: 'Reconnect' | 'Fail';
  /** Deliveries handed over and not yet acknowledged; at the limit the binding stops reading (E93). */
  readonly unacknowledgedMax: number;
  /** Guaranteed messages accepted and not yet confirmed; at the limit `send` answers `back-pressured`. */
  readonly unconfirmedMax: number;
  readonly messageBytesMax: number;
}

/** What a provider can do; declared, so that the contract suite and the host can ask before they try (STYLE rule 11). */
export interface BusCapabilities {
  readonly guaranteed: boolean;
  readonly wildcardJoin: boolean;
  readonly crossProcess: boolean;
  /** Reconnects by itself and resumes without loss. */
  readonly reconnect: boolean;
  /** Serves joins that the roster does not name; otherwise the roster alone says who gets what. */
  readonly dynamicJoin: boolean;
  /**
   * Who holds a Guaranteed message once its send is confirmed. `broker`: the provider has stored it. `receiver`: there is
   * no store in between, and the confirmation is the receivers' acknowledgement.
   */
  readonly custody: 'broker' | 'receiver';
}

/** Makes bindings of one kind of bus; registered by name (`loopback`, `direct`, …) with the host or the engine. */
export interface BusProvider {
  readonly name: string;
  readonly supports: BusCapabilities;
  /** @throws AEP_BUS_DESCRIPTOR_INVALID (reject) for what the description lacks; never connects. */
  createBinding(options: BindingOptions): Binding;
}

/**
 * One application's connection to one bus. Calls never block and never throw for expected outcomes; results that take
 * time come through the listener or the `done` callback.
 */
export interface Binding {
  /** Connects (or begins to listen). `done` comes once: up, or the error of the first attempt. */
  open(done: (error: AepError | undefined) => void): void;
  /** Subscribes; confirmed by `onChannelUp`. Patterns as in {@link Subscriber}. */
  join(channel: ChannelDescription, patterns: readonly string[]): void;
  send(outbound: Outbound): SendResult;
  /** Puts out what was sent in this turn: bindings may gather sends until then. */
  flush(): void;
  acknowledge(delivery: Delivery): void;
  /** There is room again after a `back-pressured` delivery. */
  resume(): void;
  /** Stops reading for good; what was delivered may still be acknowledged, sends still go out. First half of a stop (E4). */
  stopReading(): void;
  /** `preserveJoins`: durable subscriptions stay. `done` comes once everything is released. */
  close(options: { readonly preserveJoins: boolean }, done: () => void): void;
}
