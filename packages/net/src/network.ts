import type { AepError } from '@aep/kernel';
import type { NetAddress } from './net-address.js';

/**
 * Byte streams between processes, as the logic above sees them. All handler calls come from the event loop, never from
 * inside a call to `listen`, `connect` or a link.
 */
export interface Network {
  /** Whoever is at the other end has proved who it is, and nobody in between can read or change anything: TLS with certificates on both sides. @default false */
  readonly isMutual?: boolean;
  /** Begins to listen; port 0 takes a free one, which `onListening` tells. */
  listen(address: NetAddress, handler: ListenHandler): Listener;
  /** Begins to connect; `onOpen` or `onClose` follows. There is no time limit here: the caller has the deadline. */
  connect(address: NetAddress, handler: LinkHandler): Link;
}

export interface ListenHandler {
  onListening(address: NetAddress): void;
  /** A peer has connected; answers who handles it. The link is open already, `onOpen` is not called. */
  onLink(link: Link): LinkHandler;
  /** Listening failed or has ended by itself. AEP_NET_LISTEN_FAILED */
  onFailed(cause: AepError): void;
  /** Somebody has connected and could not prove who it is, so there is no link. AEP_NET_HANDSHAKE_FAILED */
  onRefused?(cause: AepError): void;
}

export interface Listener {
  /** Takes no new links; those that are open stay. */
  close(done: () => void): void;
}

export interface LinkHandler {
  /** A link made by `connect` is up. */
  onOpen(): void;
  /** Bytes in order, in pieces of any size. The array is never reused: slices of it may be kept. */
  onBytes(bytes: Uint8Array): void;
  /** A chunk that was given to `write` is the caller's again. */
  onWritten(chunk: Uint8Array): void;
  /** Once, whatever ended the link; undefined when the peer closed it in order or this side did. */
  onClose(cause: AepError | undefined): void;
}

/** One end of a connection. After `close` or `abort` nothing but `onWritten` and `onClose` comes. */
export interface Link {
  /** The other side for messages to people, such as `127.0.0.1:40123`. */
  readonly remote: string;
  /** Bytes that were written and have not left yet. Over {@link LINK_HIGH_WATER_BYTES} a considerate writer waits for `onWritten`. */
  readonly bufferedBytes: number;
  /** Gives the chunk away until `onWritten`. Writes of one turn leave together. Ignored after the end. */
  write(chunk: Uint8Array): void;
  /** Puts out what was written in this turn at once. */
  flush(): void;
  /** No more `onBytes` until `resume`; the peer is held back by the network. */
  pause(): void;
  resume(): void;
  /** Ends in order: what was written still leaves. */
  close(): void;
  /** Ends at once; the peer sees a reset. */
  abort(): void;
}

/** @see Link.bufferedBytes */
export const LINK_HIGH_WATER_BYTES = 1_048_576;
