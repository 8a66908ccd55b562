import { AepError, type Facts } from '@aep/kernel';

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

/** Length and checksum in front of each frame. */
export const FRAME_HEADER_BYTES = 8;
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

export function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
}

export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

/** Safe integers in eight bytes, little-endian. */
export function writeU53(target: Uint8Array, at: number, value: number): void {
  writeU32(target, at, value % TWO_32);
  writeU32(target, at + 4, Math.floor(value / TWO_32));
}

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function readU53(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4) * TWO_32 + readU32(bytes, at);
}

const TWO_32 = 4_294_967_296;
