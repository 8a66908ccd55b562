/** Headers by name; of a repeated one the first counts. Has no prototype, because the names come from outside. */
export type StompHeaders = Readonly<Record<string, string>>;

/** A received frame. Its body is a range of the bytes that came from the network, and stays valid for as long as it is kept. */
export interface StompFrame {
  readonly command: string;
  readonly headers: StompHeaders;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The body was over the limit: it was read past and is empty here. */
  readonly isOversized: boolean;
}

/** Limits of a reader. A head over its limits breaks the protocol; a body over its limit is read past and never kept. */
export interface StompLimits {
  /** Command and headers together. */
  readonly headBytesMax: number;
  readonly headerCountMax: number;
  readonly bodyBytesMax: number;
}

export const NO_BYTES = new Uint8Array(0);
