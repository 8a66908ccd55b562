import { AepError, didYouMean } from '@aep/kernel';
import type { KeyTable } from '@aep/bus';
import type { MessageView } from '@aep/messages';
import type { BusPort } from './messaging/bus-port.js';
import type { ChannelPort } from './messaging/channel-port.js';

/** Names of channels and the messages that they carry. An interface of the application, so that a wrong pair does not compile. */
export type ChannelMap = object;
export type AnyChannels = Record<string, MessageView>;

export interface SendOptions {
  /** Values for variables of the channel's key that the message does not give (E81). */
  readonly table?: KeyTable;
  /** The key itself: nothing is resolved (E82). */
  readonly key?: string;
  /** Independent order of numbers within one sender (E51). @default 0 */
  readonly flow?: number;
  /** W3C trace context to hand on. */
  readonly traceparent?: string;
}

export interface UnsolicitedOptions extends SendOptions {
  /** A repeat with the same key is accepted and does nothing (E40); at most 255 bytes. */
  readonly idempotencyKey?: string;
}

export type OfferResult = 'accepted' | 'back-pressured' | 'closed';

/** What the sender asks of its engine. */
export interface SenderPort {
  readonly buses: ReadonlyMap<string, BusPort>;
  /** Inside a handler. @throws AEP_SEND_OUTSIDE_HANDLER */
  sendSolicited(port: ChannelPort, message: MessageView, options: SendOptions): void;
  readonly isInTransaction: boolean;
  sendUnsolicited(port: ChannelPort, message: MessageView, options: UnsolicitedOptions): Promise<void>;
  offerUnsolicited(port: ChannelPort, message: MessageView, options: UnsolicitedOptions): OfferResult;
}

/**
 * Sends messages over channels by name: `channel`, or `channel@bus` where the name alone is not unique (E41). A message that
 * was sent belongs to the engine; touching it throws in checked mode.
 */
export class Sender<C extends ChannelMap = AnyChannels> {
  private readonly byName = new Map<string, ChannelPort>();
  private lastName = '';
  private lastPort: ChannelPort | undefined;

  constructor(private readonly port: SenderPort) {}

  /**
   * Inside a handler: part of its transaction, held until that is stable (E40).
   *
   * @throws AEP_CHANNEL_UNKNOWN with the nearest name, AEP_CHANNEL_AMBIGUOUS, AEP_KEY_UNRESOLVED, AEP_SEND_OUTSIDE_HANDLER
   */
  send<N extends keyof C & string>(channel: N, message: C[N] & MessageView, options: SendOptions = NO_OPTIONS): void {
    this.port.sendSolicited(this.find(channel), message, options);
  }

  /**
   * Anywhere. Inside a handler it is `send`, and the promise resolves at once; outside it runs its own small transaction
   * and the promise resolves when that is stable (E40).
   */
  sendMessage<N extends keyof C & string>(
    channel: N,
    message: C[N] & MessageView,
    options: UnsolicitedOptions = NO_OPTIONS,
  ): Promise<void> {
    const port = this.find(channel);
    if (!this.port.isInTransaction) return this.port.sendUnsolicited(port, message, options);
    this.port.sendSolicited(port, message, options);
    return Promise.resolve();
  }

  /** As an unsolicited `sendMessage` without a promise; at `back-pressured` the message is still the caller's. */
  offer<N extends keyof C & string>(
    channel: N,
    message: C[N] & MessageView,
    options: UnsolicitedOptions = NO_OPTIONS,
  ): OfferResult {
    return this.port.offerUnsolicited(this.find(channel), message, options);
  }

  /** @internal The engine that followed starts, with channels of its own (H11). */
  forgetChannels(): void {
    this.byName.clear();
    this.lastName = '';
    this.lastPort = undefined;
  }

  private find(name: string): ChannelPort {
    if (name === this.lastName) return this.lastPort!;
    let port = this.byName.get(name);
    if (port === undefined) this.byName.set(name, (port = this.search(name)));
    this.lastName = name;
    this.lastPort = port;
    return port;
  }

  private search(name: string): ChannelPort {
    const { buses } = this.port;
    const at = name.lastIndexOf('@');
    if (at > 0) {
      const bus = buses.get(name.slice(at + 1));
      if (bus !== undefined) return bus.channel(name.slice(0, at));
    }
    const found = [...buses.values()].flatMap((bus) => bus.channels.get(name) ?? []);
    if (found.length === 1) return found[0]!;
    if (found.length > 1) {
      const places = found.map((port) => port.where).join(', ');
      throw new AepError(
        'AEP_CHANNEL_AMBIGUOUS',
        'reject',
        `channel "${name}" is on several buses: name one of ${places}`,
        { channel: name },
      );
    }
    const known = [...buses.values()].flatMap((bus) => [...bus.channels.keys()]);
    throw new AepError(
      'AEP_CHANNEL_UNKNOWN',
      'reject',
      `no bus of the application has a channel "${name}"${didYouMean(name, known)}`,
      { channel: name },
    );
  }
}

const NO_OPTIONS = {};
