import { MessageMetadata } from '@aep/messages';
import type { ChannelDescription, Delivery, Outbound } from '../binding-contract.js';
import type { Queued } from '../subscriber-queue.js';
import type { LoopbackBinding } from './loopback-binding.js';
import type { Mailbox } from './mailbox.js';

const NO_BYTES = new Uint8Array(0);
const NO_METADATA = new MessageMetadata();

/** What the subscribers of one message have in common. Pooled. */
export class Envelope {
  sender: LoopbackBinding | undefined;
  /** What is to be confirmed; undefined for BestEffort. */
  outbound: Outbound | undefined;
  /** Subscribers that have not acknowledged. */
  awaiting = 0;

  clear(): void {
    this.sender = undefined;
    this.outbound = undefined;
    this.awaiting = 0;
  }
}

/**
 * One message on its way to one subscriber. Pooled; the engine holds it from delivery to acknowledgement.
 *
 * A Guaranteed message is not copied: its sender leaves it alone until it is confirmed, which is when the last subscriber
 * has given its delivery back. A BestEffort message is its sender's again when `send` returns, so it is copied; and so is
 * what waits when its sender closes.
 */
export class LoopbackDelivery implements Delivery, Queued {
  channel!: ChannelDescription;
  key = '';
  metadata: MessageMetadata = NO_METADATA;
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  isGuaranteed = false;
  envelope: Envelope | undefined;
  mailbox: Mailbox | undefined;
  isRedelivered = false;

  get channelName(): string {
    return this.channel.name;
  }

  fill(outbound: Outbound, envelope: Envelope, mailbox: Mailbox): void {
    this.isGuaranteed = outbound.channel.qos === 'Guaranteed';
    this.show(outbound);
    if (!this.isGuaranteed) this.detach();
    // A receiver may fill in the type that its channel says.
    else if (outbound.metadata.typeId === 0) this.metadata = copyOf(outbound.metadata);
    this.envelope = envelope;
    this.mailbox = mailbox;
  }

  /**
   * Takes the place of a delivery whose receiver is gone. That receiver may still be reading the old one, so the old one
   * keeps what it shows when the sender uses its message again.
   */
  replace(old: LoopbackDelivery): void {
    old.detach();
    this.show(old);
    this.metadata = copyOf(old.metadata);
    this.metadata.possibleDuplicate = true;
    this.isGuaranteed = old.isGuaranteed;
    this.envelope = old.envelope;
    this.mailbox = old.mailbox;
    this.isRedelivered = true;
  }

  /** What it shows becomes its own. */
  detach(): void {
    this.metadata = copyOf(this.metadata);
    this.bytes = this.bytes.slice(this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }

  clear(): void {
    this.key = '';
    this.metadata = NO_METADATA;
    this.bytes = NO_BYTES;
    this.isRedelivered = false;
    this.envelope = undefined;
    this.mailbox = undefined;
  }

  private show({ channel, key, metadata, bytes, start, end }: Delivery): void {
    this.channel = channel;
    this.key = key;
    this.metadata = metadata;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }
}

function copyOf(metadata: MessageMetadata): MessageMetadata {
  const copy = new MessageMetadata();
  copy.copyFrom(metadata);
  return copy;
}
