import { MessageMetadata } from '@aep/messages';
import type { ChannelDescription, Outbound } from '@aep/bus';
import type { Queued } from '@aep/bus/internal';

/** A Guaranteed message that is not confirmed. Pooled. */
export class PendingSend {
  outbound: Outbound | undefined;
  /** Subscribers that have not acknowledged. */
  awaiting = 0;
}

/** One message on its way to one subscriber. Pooled. */
export class OutboundEntry implements Queued {
  channel!: ChannelDescription;
  message!: Outbound;
  /** Undefined for BestEffort. */
  pending: PendingSend | undefined;
  isResent = false;

  get channelName(): string {
    return this.channel.name;
  }

  get isGuaranteed(): boolean {
    return this.pending !== undefined;
  }

  fill(message: Outbound, pending: PendingSend | undefined): void {
    this.channel = message.channel;
    this.message = message;
    this.pending = pending;
    this.isResent = false;
  }

  clear(): void {
    this.message = NOTHING;
    this.pending = undefined;
  }
}

const NOTHING: Outbound = {
  channel: { name: '', id: 0, qos: 'BestEffort', properties: {} },
  key: '',
  metadata: new MessageMetadata(),
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
};
