import type { ChannelDescription, Outbound } from '@aep/bus';
import { ObjectPool } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import type { SealedTransaction } from '../transaction/sealed-transaction.js';
import type { ChannelPort } from './channel-port.js';

/**
 * One journaled message from its seal until its bus has confirmed it. Its bytes lie in the journal's batch, which nobody
 * changes any more; it is lent to the binding by `send` and comes back with `onConfirmed`.
 */
export class OutboundMessage implements Outbound {
  port!: ChannelPort;
  key = '';
  readonly metadata = new MessageMetadata();
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** The transaction that waits for this message's confirmation. */
  transaction!: SealedTransaction;
  /** Its latencies are taken. */
  isTimed = false;
  releasedAtMs = 0;
  /** When the binding took it. */
  sentAtMs = 0;

  get channel(): ChannelDescription {
    return this.port.description;
  }
}

const NO_BYTES = new Uint8Array(0);

/** The pool of one engine; bounded by what can be in flight. */
export function outboundPool(idleMax: number): ObjectPool<OutboundMessage> {
  return new ObjectPool(() => new OutboundMessage(), idleMax);
}

/** Drops references, so that a pooled object does not keep a journal batch alive. */
export function resetOutbound(outbound: OutboundMessage): void {
  outbound.bytes = NO_BYTES;
  outbound.key = '';
  outbound.isTimed = false;
  outbound.transaction = undefined as never;
}
