import { AepError, type Facts } from '@aep/kernel';
import { type FrameFaults, PayloadReader as AnyPayloadReader } from '@aep/net/internal';

/** Version of the protocol on the link; members of different versions refuse each other. */
export const LINK_VERSION = 1;

/** `AEPM`: a peer that speaks something else is recognised by its first bytes. */
export const LINK_MAGIC = 0x4d504541;

/** Kinds of frames; the README has their layouts and what is durable before each is sent. */
export const FrameType = {
  /** follower → primary: who I am and what my journal ends with. */
  hello: 1,
  /** primary → follower: who I am, my epoch, my proof. */
  welcome: 2,
  /** follower → primary: my proof; my promise of that epoch is durable. */
  proof: 3,
  /** primary → follower: what is the hash of your record with this number? */
  probe: 4,
  /** follower → primary: that hash, or that I do not have it. */
  probed: 5,
  /** primary → follower: this is our last common record; cut what you have after it, records follow. */
  follow: 6,
  /** primary → follower: records, and how far the group is. */
  records: 7,
  /** follower → primary: all records up to here are durable. Also its heartbeat. */
  acked: 8,
  /** primary → follower: how far the group is. Also its heartbeat. */
  mark: 9,
  /** primary → follower: we have too little in common; make your store anew from this. */
  copyBegin: 10,
  /** primary → follower: entries of the tables. */
  copyChunk: 11,
  /** follower → primary: so many chunks are in my tables. */
  copyTaken: 12,
  /** primary → follower: that were all entries; records follow. */
  copyEnd: 13,
  /** primary → follower: you are a member since this epoch. */
  paired: 14,
  /** primary → follower: you are the primary now; look at the register. */
  switched: 15,
  /** both ways: this is the end, and why. */
  bye: 16,
  /** both ways: still here, and nothing to say. */
  heartbeat: 17,
} as const;

/** Before the peer has proved who it is, frames are small: a stranger can make us allocate no more than this. */
export const HANDSHAKE_FRAME_BYTES_MAX = 8_192;

/** The peer broke the protocol: the connection is closed with this reason and nothing else happens (H13). */
export function protocolError(why: string, facts: Facts = {}): AepError {
  return new AepError('AEP_LINK_PROTOCOL', 'retry', `the member does not follow the protocol: ${why}`, facts);
}

export const LINK_FAULTS: FrameFaults = {
  tooLarge: (length, max) =>
    new AepError(
      'AEP_LINK_FRAME_TOO_LARGE',
      'retry',
      `the peer announces a frame of ${length} bytes, at most ${max} are allowed now; is it a member of this group?`,
      { length, max },
    ),
  badChecksum: (length) =>
    new AepError('AEP_LINK_CHECKSUM', 'retry', 'a frame does not have the checksum that it says', { length }),
  malformed: (why) => protocolError(why),
};

/** Reads a payload; what does not fit is AEP_LINK_PROTOCOL. */
export class PayloadReader extends AnyPayloadReader {
  constructor(bytes: Uint8Array, at: number, end: number, frame: string) {
    super(bytes, at, end, frame, LINK_FAULTS.malformed);
  }
}
