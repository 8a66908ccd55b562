import type { Delivery } from '@aep/bus';
import { type AepError, ObjectPool } from '@aep/kernel';
import type { MessageView } from '@aep/messages';
import type { LocalCause } from '@aep/store';
import type { EventOrigin } from '../app/message-event.js';
import type { ChannelPort } from '../messaging/channel-port.js';
import type { OpenTransaction } from './open-transaction.js';

/**
 * What a transaction is made for when no bus message asked for it: an injected message, a due timer, an unsolicited send,
 * a command, a replayed dead letter. The callbacks are the only ones that such work may need.
 */
export interface LocalRequest {
  readonly origin: EventOrigin;
  readonly cause: LocalCause;
  /** Stands in the record: timer id, command name, idempotency key, … */
  readonly label: string;
  /** Dispatched to the handlers; the engine owns it. */
  readonly message?: MessageView | undefined;
  /** A replayed dead letter goes to the handlers of the channel that it came from. */
  readonly port?: ChannelPort | undefined;
  /** Journaled by an event-sourced application, so that a replay can make the same call: the arguments of a command. */
  readonly payload?: Uint8Array | undefined;
  /** Runs inside the transaction before the message is dispatched. `skip`: there is nothing to do any more. */
  prepare?(transaction: OpenTransaction): 'run' | 'skip';
  /** Runs inside the transaction instead of handlers; its answer goes to `onStable`. */
  call?(state: unknown): unknown;
  onStable?(result: unknown): void;
  /** The transaction was rolled back for good, or the engine stopped before it was stable. */
  onFailed?(error: AepError): void;
}

/** One event on its way through the pipeline: a delivery of a bus, or a local request. Pooled. */
export class Work {
  port: ChannelPort | undefined;
  delivery: Delivery | undefined;
  local: LocalRequest | undefined;
  /** The view over the delivery, or the local request's message; disposed after its handlers. */
  message: MessageView | undefined;
  attempt = 1;
  /** Its latencies are taken. */
  isTimed = false;
  offeredAtMs = 0;
  result: unknown;

  reset(): void {
    this.port = undefined;
    this.delivery = undefined;
    this.local = undefined;
    this.message = undefined;
    this.attempt = 1;
    this.result = undefined;
  }
}

export function workPool(idleMax: number): ObjectPool<Work> {
  return new ObjectPool(() => new Work(), idleMax);
}
