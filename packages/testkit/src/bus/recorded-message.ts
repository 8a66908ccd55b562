import type { Delivery, Outbound } from '@aep/bus';
import { MessageMetadata } from '@aep/messages';

/** A copy of what crossed a {@link RecordingProvider}, to be looked at any time later. */
export interface RecordedMessage {
  readonly app: string;
  readonly bus: string;
  readonly channel: string;
  readonly key: string;
  readonly metadata: MessageMetadata;
  readonly bytes: Uint8Array;
}

export function record(app: string, bus: string, message: Outbound | Delivery): RecordedMessage {
  const metadata = new MessageMetadata();
  metadata.copyFrom(message.metadata);
  const bytes = message.bytes.slice(message.start, message.end);
  return { app, bus, channel: message.channel.name, key: message.key, metadata, bytes };
}
