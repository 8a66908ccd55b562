import type {
  Binding,
  BindingListener,
  BusDescription,
  BusProvider,
  ChannelDescription,
  DeliveryResult,
  Outbound,
  SendResult,
} from '@aep/bus';
import { type Clock, hashString, type Random, silentLog } from '@aep/kernel';
import { MessageMetadata, type MessageView } from '@aep/messages';

/** Who sends a message to the application under test, and with which numbers (E50, E51). */
export interface FromOutside {
  /** Name of the sending engine; its hash is the sender id. @default 'outside' */
  readonly sender?: string;
  /** Life of the sender's journal; a higher one restarts the numbers. @default 1 */
  readonly incarnation?: number;
  /** @default 0 */
  readonly flow?: number;
  /** @default the next of (sender, incarnation, flow); 0: the message is not checked for duplicates */
  readonly sno?: number;
  /** @default the next of (sender, incarnation, channel) */
  readonly channelSno?: number;
  /** @default false */
  readonly possibleDuplicate?: boolean;
  /** @default resolved from the message by the channel's key template */
  readonly key?: string;
  readonly traceparent?: string;
}

/** A message as it is put on the bus. */
export interface OutsideMessage extends Outbound {
  readonly bus: string;
}

const OUTSIDE = 'outside';
const PENDING_MAX = 1_000_000;

/** The rest of the world as seen from the applications under test: puts messages on the bus under any sender's name. */
export class Outside implements BindingListener {
  private readonly bindings = new Map<string, Binding>();
  private readonly lastSno = new Map<string, number>();

  constructor(
    private readonly provider: BusProvider,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Makes the message with its numbers; takes the view over. */
  make(bus: BusDescription, channel: ChannelDescription, view: MessageView, from: FromOutside): OutsideMessage {
    const { sender = OUTSIDE, incarnation = 1, flow = 0 } = from;
    const metadata = new MessageMetadata();
    metadata.factoryId = view.$type.factoryId;
    metadata.typeId = view.$type.typeId;
    metadata.senderId = hashString(sender);
    metadata.incarnation = incarnation;
    metadata.flow = flow;
    metadata.sno = this.number(`${sender} ${incarnation} flow ${flow}`, from.sno);
    metadata.channelSno = this.number(`${sender} ${incarnation} ${channel.name}@${bus.name}`, from.channelSno);
    metadata.possibleDuplicate = from.possibleDuplicate ?? false;
    metadata.sentAtMs = this.clock.wallMs();
    metadata.traceparent = from.traceparent;
    const bytes = view.toBytes();
    view.dispose();
    return { bus: bus.name, channel, key: from.key ?? '', metadata, bytes, start: 0, end: bytes.length };
  }

  /** Puts a message on the bus; `back-pressured` when as many wait as the bus takes. */
  async send(description: BusDescription, message: OutsideMessage): Promise<SendResult> {
    const binding = this.bindings.get(description.name) ?? (await this.open(description));
    const result = binding.send(message);
    binding.flush();
    return result;
  }

  close(): Promise<unknown> {
    const closing = [...this.bindings.values()].map(
      (binding) => new Promise<void>((resolve) => binding.close({ preserveJoins: false }, resolve)),
    );
    this.bindings.clear();
    return Promise.all(closing);
  }

  private number(stream: string, chosen: number | undefined): number {
    const last = this.lastSno.get(stream) ?? 0;
    const number = chosen ?? last + 1;
    this.lastSno.set(stream, Math.max(last, number));
    return number;
  }

  private open(bus: BusDescription): Promise<Binding> {
    const binding = this.provider.createBinding({
      bus,
      app: OUTSIDE,
      clock: this.clock,
      random: this.random,
      log: silentLog,
      listener: this,
      failPolicy: 'Reconnect',
      unacknowledgedMax: 1,
      unconfirmedMax: PENDING_MAX,
      messageBytesMax: 64 * 1024 * 1024,
    });
    this.bindings.set(bus.name, binding);
    return new Promise((resolve, reject) =>
      binding.open((error) => (error === undefined ? resolve(binding) : reject(error))),
    );
  }

  // The outside joins no channel, and need not know who has acknowledged: that is asked of the recording.

  onDelivery(): DeliveryResult {
    return 'back-pressured';
  }
  onConfirmed(): void {}
  onWritable(): void {}
  onChannelUp(): void {}
  onChannelDown(): void {}
  onBindingDown(): void {}
  onBindingUp(): void {}
  onBindingFailed(): void {}
}
