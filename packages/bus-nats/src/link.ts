import type { AepError } from '@aep/kernel';

/** A message as it came from the server. */
export interface LinkMessage {
  readonly subject: string;
  readonly reply: string;
  /** The header block with its status line; undefined when there is none. */
  readonly head: Uint8Array | undefined;
  readonly data: Uint8Array;
}

export interface LinkInfo {
  readonly server: string;
  readonly version: string;
  /** Of head and data together. */
  readonly payloadBytesMax: number;
  readonly hasJetStream: boolean;
}

export interface PublishOptions {
  readonly reply?: string;
  readonly head?: Uint8Array;
}

/** One established connection to a NATS server: all that the binding needs of the client library, so that tests can stand in for it. */
export interface Link {
  readonly info: LinkInfo;
  /** Goes out at the end of the turn; `data` and `head` must stay unchanged until then. */
  publish(subject: string, data: Uint8Array, options?: PublishOptions): void;
  /** @returns what ends the subscription */
  subscribe(subject: string, onMessage: (message: LinkMessage) => void): () => void;
  /** Resolves when the server has seen everything before it; never rejects. */
  flush(): Promise<void>;
  /** Puts out what was published, then ends. Its `onClosed` is not called. */
  close(done: () => void): void;
}

export interface LinkEvents {
  /** The connection is gone and does not come back. Once, and never before `done` of the connect. */
  onClosed(cause: AepError): void;
  /** The server refuses something for good: the user may not publish or subscribe there. */
  onRefused(cause: AepError): void;
}

export interface Connector {
  /** One attempt. `done` comes once, from the event loop. */
  connect(events: LinkEvents, done: (error: AepError | undefined, link: Link | undefined) => void): void;
}
