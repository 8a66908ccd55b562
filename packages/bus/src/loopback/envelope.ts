import { MessageMetadata } from '@aep/messages';
import type { ChannelDescription, Delivery, Outbound } from '../binding-contract.js';
import type { Queued } from '../subscriber-queue.js';
import type { LoopbackBinding } from './loopback-binding.js';
import type { Mailbox } from './mailbox.js';

/** Buffers larger than this are not kept for the next message. */
const KEPT_BYTES_MAX = 16_384;
const NO_BYTES = new Uint8Array(0);
const SMALL_BYTES = 64;

/** One message inside the bus: a copy, so that the sender's buffers are its own again whatever happens to it. Pooled. */
export class Envelope {
  bytes: Uint8Array = NO_BYTES;
  length = 0;
  sender: LoopbackBinding | undefined;
  /** What is to be confirmed; undefined for BestEffort and once the sender is gone. */
  outbound: Outbound | undefined;
  /** Subscribers that have not acknowledged. */
  awaiting = 0;
  /** Somebody may still read the buffer after the last acknowledgement, so it must not be used again. */
  isAbandoned = false;

  fill(outbound: Outbound): void {
    const length = outbound.end - outbound.start;
    if (this.bytes.length < length)
      this.bytes = new Uint8Array(length <= 128 ? 128 : 2 ** Math.ceil(Math.log2(length)));
    this.length = length;
    copyBytes(outbound, this.bytes);
  }

  clear(): void {
    this.sender = undefined;
    this.outbound = undefined;
    this.awaiting = 0;
    if (this.isAbandoned || this.bytes.length > KEPT_BYTES_MAX) this.bytes = NO_BYTES;
    this.isAbandoned = false;
  }
}

function copyBytes(outbound: Outbound, target: Uint8Array): void {
  const { bytes, start, end } = outbound;
  // `subarray` makes an object; below some tens of bytes a loop is cheaper.
  if (end - start > SMALL_BYTES) target.set(bytes.subarray(start, end));
  else for (let from = start, to = 0; from < end; from++, to++) target[to] = bytes[from]!;
}

/** One message on its way to one subscriber. Pooled; the engine holds it from delivery to acknowledgement. */
export class LoopbackDelivery implements Delivery, Queued {
  channel!: ChannelDescription;
  key = '';
  readonly metadata = new MessageMetadata();
  bytes: Uint8Array = NO_BYTES;
  readonly start = 0;
  end = 0;
  isGuaranteed = false;
  envelope: Envelope | undefined;
  mailbox: Mailbox | undefined;
  isRedelivered = false;

  get channelName(): string {
    return this.channel.name;
  }

  fill(outbound: Outbound, envelope: Envelope, mailbox: Mailbox): void {
    this.channel = outbound.channel;
    this.key = outbound.key;
    this.metadata.copyFrom(outbound.metadata);
    this.bytes = envelope.bytes;
    this.end = envelope.length;
    this.isGuaranteed = outbound.channel.qos === 'Guaranteed';
    this.envelope = envelope;
    this.mailbox = mailbox;
  }

  clear(): void {
    this.key = '';
    this.bytes = NO_BYTES;
    this.end = 0;
    this.isRedelivered = false;
    this.envelope = undefined;
    this.mailbox = undefined;
  }
}
