import type { MessageMetadata, MessageView } from '@aep/messages';

/** Where an event came from. */
export type EventOrigin = 'bus' | 'injected' | 'timer' | 'prestart' | 'replay' | 'unsolicited' | 'command';

/**
 * What a handler, hook or filter may ask about the message it is given. One object per engine, filled anew for each event:
 * valid during the call only. A handler registered for `MessageEvent` itself sees every message.
 */
export class MessageEvent {
  /** The message; an immutable view that ends with its handlers (E72). */
  message!: MessageView;
  origin: EventOrigin = 'bus';
  /** Empty for events from inside the process. */
  bus = '';
  channel = '';
  /** Resolved channel key; empty when there is none. */
  key = '';
  /** Undefined for events from inside the process. */
  metadata: MessageMetadata | undefined;
  /** Set on a retry after an exception: 2, 3, … */
  attempt = 1;

  /** The message may have been handled before by another incarnation or a lost acknowledgement; dedupe has let it pass as new. */
  get possibleDuplicate(): boolean {
    return this.metadata?.possibleDuplicate ?? false;
  }
}
