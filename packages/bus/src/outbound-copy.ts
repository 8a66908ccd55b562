import { MessageMetadata } from '@aep/messages';
import type { Outbound } from './binding-contract.js';

/** A copy that stays when the engine takes its message back: for BestEffort messages that must wait. */
export function copyOutbound(outbound: Outbound): Outbound {
  const metadata = new MessageMetadata();
  metadata.copyFrom(outbound.metadata);
  const bytes = outbound.bytes.slice(outbound.start, outbound.end);
  return { channel: outbound.channel, key: outbound.key, metadata, bytes, start: 0, end: bytes.length };
}
