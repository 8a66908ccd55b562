import { AepError, type Facts } from '@aep/kernel';
import type { FrameFaults } from '@aep/net/internal';

export { FRAME_HEADER_BYTES, readU16, readU32, readU53, writeU16, writeU32, writeU53 } from '@aep/net/internal';

/** Version of the protocol; peers of different versions refuse each other. */
export const PROTOCOL_VERSION = 1;

/** `AEPD`: a peer that speaks something else is recognised by its first bytes. */
export const MAGIC = 0x44504541;

/** Kinds of frames; the README has their layouts. */
export const FrameType = {
  /** sender → receiver: who I am and whom I want. */
  hello: 1,
  /** receiver → sender: who I am, my proof, my limits. */
  welcome: 2,
  /** sender → receiver: my proof. */
  proof: 3,
  /** receiver → sender: you are in; joins follow. */
  ready: 4,
  /** receiver → sender: messages of this channel are wanted from now on. */
  join: 5,
  /** receiver → sender: no further messages on this connection. */
  stop: 6,
  /** sender → receiver: one or more messages. */
  messages: 7,
  /** receiver → sender: all messages up to this number are acknowledged. */
  ack: 8,
  /** both ways: still here. */
  heartbeat: 9,
  /** both ways: this is the end, and why. */
  bye: 10,
} as const;

/** Before the peer has proved who it is, frames are small: a stranger can make us allocate no more than this. */
export const HANDSHAKE_FRAME_BYTES_MAX = 4096;
/** flags u8, channel u32, key length u16, metadata length u16, message length u32. */
export const RECORD_HEADER_BYTES = 13;
/** Number of the first message, in front of the records of a frame. */
export const MESSAGES_HEAD_BYTES = 8;
/** Room that a frame of one message needs beside it. */
export const MESSAGE_OVERHEAD_BYTES = MESSAGES_HEAD_BYTES + RECORD_HEADER_BYTES + 2 * 65_535 + 1;
export const RECORD_FLAG_REDELIVERED = 1;

/** The peer broke the protocol: the connection is closed with this reason and nothing else happens. */
export function protocolError(why: string, facts: Facts = {}): AepError {
  return new AepError('AEP_DIRECT_PROTOCOL', 'retry', `the peer does not follow the protocol: ${why}`, facts);
}

export const DIRECT_FAULTS: FrameFaults = {
  tooLarge: (length, max) =>
    new AepError(
      'AEP_DIRECT_FRAME_TOO_LARGE',
      'retry',
      `the peer announces a frame of ${length} bytes, at most ${max} are allowed now; is it an aep engine?`,
      { length, max },
    ),
  badChecksum: (length) =>
    new AepError('AEP_DIRECT_CHECKSUM', 'retry', 'a frame does not have the checksum that it says', { length }),
  malformed: (why) => protocolError(why),
};
